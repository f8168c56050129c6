"""The losses of DetNet (Eq. 4 of the paper without L_reg, which is the optimiser's weight decay).

Predictions: ``heat`` (B, J, S, S), ``delta`` and ``location`` (B, J, 3, S, S). The vector targets (B, J, 3)
hold for every cell of their map, and the heat target says which cells count.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

MapLoss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


class Losses(NamedTuple):
    """The weighted sum and its parts, each a scalar and unweighted."""

    total: Tensor
    heat: Tensor
    delta: Tensor
    location: Tensor


def heat_loss(prediction: Tensor, target: Tensor, veil: Tensor) -> Tensor:
    """Half the sum over joints of the mean over batch and cells of ((prediction - target) veil)^2."""
    difference = (prediction - target) * veil[..., None, None]
    return 0.5 * difference.square().mean(dim=(0, 2, 3)).sum()


def mean_square_map_loss(prediction: Tensor, vectors: Tensor, heat: Tensor, counted: Tensor) -> Tensor:
    """Heat-weighted mean square, the same for any batch size.

    The mean over the joints that are ``counted`` (B, J), 1 or 0, of

        sum over cells of h^2 |prediction - vector|^2  /  sum over cells of h^2.

    A joint whose heat map is empty adds nothing. The value depends neither on the batch size nor on the
    number of cells; it is 0 when no joint is counted.
    """
    weight = heat.square() * counted[:, :, None, None]
    squares = (prediction - vectors[..., None, None]).square().sum(dim=2)
    per_joint = (weight * squares).sum(dim=(2, 3)) / weight.sum(dim=(2, 3)).clamp_min(1e-6)
    return per_joint.sum() / counted.sum().clamp_min(1)


def frobenius_map_loss(prediction: Tensor, vectors: Tensor, heat: Tensor, counted: Tensor) -> Tensor:
    """The released loss, a norm of the whole batch.

    The Frobenius norm (not squared) of (prediction - vector) h over all joints that are ``counted`` (B, J),
    divided by the number of samples that have any, so it shrinks with the square root of the batch size. 0
    when there are none, where the release divides zero by zero.
    """
    mask = heat[:, :, None] * counted[:, :, None, None, None]
    difference = (prediction - vectors[..., None, None]) * mask
    return torch.linalg.vector_norm(difference) / counted.any(dim=1).sum().clamp_min(1)


MAP_LOSSES: dict[str, MapLoss] = {"mean_square": mean_square_map_loss, "frobenius": frobenius_map_loss}


def weighted_sum(
    weights: tuple[float, float, float], heat: Tensor, delta: Tensor, location: Tensor
) -> Losses:
    """Add the parts with their weights; a part without weight is left out and reported as 0."""
    parts = [
        part if weight else torch.zeros_like(part)
        for weight, part in zip(weights, (heat, delta, location), strict=True)
    ]
    total = torch.stack([weight * part for weight, part in zip(weights, parts, strict=True)]).sum()
    return Losses(total, *parts)
