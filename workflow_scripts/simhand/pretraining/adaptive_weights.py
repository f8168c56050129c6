"""Adaptive weights (paper, Eq. 2): the closer the keypoints of two hands, the more their pair counts.

Keypoints are those of the augmented views, in pixels. Weights are data: no gradient flows through them.
Where all distances of a batch are equal, Eq. 2 is 0 / 0; the weight is then 1, as if unweighted. (The
released code gives NaN there, which is not reproduced.) Distances that differ by no more than rounding can
explain are equal: else rounding would decide which pairs count.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from simhand.pretraining.keypoint_distances import distances_to_all, pair_distance
from simhand.pretraining.processes import maximum_over_processes, sum_over_processes
from simhand.pretraining.row_blocks import own_row_blocks
from simhand.settings.experiments import Weighting
from simhand.settings.pretrain import PretrainSettings

ROUNDINGS = 32
"""Distances closer than so many units in the last place of the largest coordinate are equal.

Two rounded coordinates put their difference off by a unit at most, and the length of 42 differences by
sqrt(42), to either side; the sum adds a few. With float32 pixels of a view that is 0.0005 px.
"""

NegativeWeights = Callable[[slice], Tensor]
"""Gives the rows (R, M) of W, row i for anchor i of M views, that a slice names."""


class PartWeights(NamedTuple):
    """Hands that are contrasted with each other, and the weights of their M views; None means 1.

    ``hands`` is the slice of the batch's N hands. ``positive`` (M, V) weighs each view against each of the
    V views of the same hand; its entry for the view itself means nothing. ``negative`` gives rows of W
    (M, M).
    """

    hands: slice
    positive: Tensor | None
    negative: NegativeWeights | None


class AdaptiveWeights(NamedTuple):
    """The weights of a batch of V views of N ``hands``, for each part that is contrasted by itself."""

    hands: int
    parts: list[PartWeights]


class Spread(NamedTuple):
    """Least, greatest and mean distance, which weights are relative to, and how far off rounding may be."""

    low: float
    high: float
    mean: float
    rounding: float


@torch.no_grad()
def adaptive_weights(
    keypoints: Tensor, hands: int, weighting: Weighting, settings: PretrainSettings
) -> AdaptiveWeights:
    """The weights that ``weighting`` asks for.

    Args:
        keypoints: (V N, 21, 2) of all views, view by view.
        hands: N.
        weighting: which pairs have weights.
        settings: the kind of weights, and how many pairs are contrasted with each other.
    """
    parts = []
    for part in _parts(hands, settings.contrasted_pairs):
        own = keypoints.unflatten(0, (-1, hands))[:, part]
        positive = positive_weights(own, settings) if weighting in ("positive", "both") else None
        negative = (
            negative_weights(own.flatten(0, 1), settings) if weighting in ("negative", "both") else None
        )
        parts.append(PartWeights(part, positive, negative))
    return AdaptiveWeights(hands, parts)


def positive_weights(keypoints: Tensor, settings: PretrainSettings) -> Tensor:
    """Weights (V N, V) of each view against the views of the same hand, from keypoints (V, N, 21, 2).

    The distances they are relative to are those of all pairs of two views of one hand.
    """
    views, hands = keypoints.shape[:2]
    first, second = torch.triu_indices(views, views, offset=1, device=keypoints.device)
    distance = pair_distance(keypoints[first], keypoints[second], settings.weight_distance)
    spread = Spread(
        *torch.stack([distance.min(), distance.max(), distance.mean(), _rounding(keypoints)]).tolist()
    )
    weight = weights_of(distance, spread, settings, settings.sigmoid_positive)
    both_ways = keypoints.new_ones(views, views, hands)
    both_ways[first, second] = both_ways[second, first] = weight
    return both_ways.permute(0, 2, 1).flatten(0, 1)


def negative_weights(keypoints: Tensor, settings: PretrainSettings) -> NegativeWeights:
    """The weights W (M, M) of all views against all from their keypoints (M, 21, 2), in rows on demand.

    The distances are gone through once here for their spread over all of (M, M), the zeros of the diagonal
    among them as in the release, and again when their rows are asked for.
    """
    blocks = list(own_row_blocks(keypoints))
    extremes = keypoints.new_full((2,), -torch.inf)
    total = torch.zeros((), dtype=torch.float64, device=keypoints.device)
    for rows in blocks:
        distance = distances_to_all(keypoints[rows], keypoints, settings.weight_distance)
        extremes = torch.maximum(extremes, torch.stack([-distance.min(), distance.max()]))
        total += distance.sum(dtype=torch.float64)
    low, high = (maximum_over_processes(extremes) * extremes.new_tensor([-1, 1])).tolist()
    mean = sum_over_processes(total).item() / len(keypoints) ** 2
    spread = Spread(low, high, mean, _rounding(keypoints).item())
    # A small batch is one block, whose distances need not be computed twice.
    only = distance if len(blocks) == 1 else None

    def weights_in(rows: slice) -> Tensor:
        if only is not None and rows == blocks[0]:
            found = only
        else:
            found = distances_to_all(keypoints[rows], keypoints, settings.weight_distance)
        return weights_of(found, spread, settings, settings.sigmoid_negative)

    return weights_in


def weights_of(distance: Tensor, spread: Spread, settings: PretrainSettings, steepness: float) -> Tensor:
    """The weights of pairs that are ``distance`` apart."""
    if settings.weight_function == "linear":
        return linear_weights(distance, spread)
    return sigmoid_weights(distance, spread, steepness)


def linear_weights(distance: Tensor, spread: Spread) -> Tensor:
    """Eq. 2: (high - d) / (high - low); 1 where all distances are equal."""
    if spread.high - spread.low <= spread.rounding:
        return torch.ones_like(distance)
    return (spread.high - distance).div_(spread.high - spread.low)


def sigmoid_weights(distance: Tensor, spread: Spread, steepness: float) -> Tensor:
    """1 / (1 + exp(steepness (d - mean))), the release's alternative to Eq. 2."""
    return (spread.mean - distance).mul_(steepness).sigmoid_()


def _rounding(keypoints: Tensor) -> Tensor:
    """How far apart equal distances of ``keypoints`` may come out, a scalar."""
    return keypoints.abs().max() * (ROUNDINGS * torch.finfo(keypoints.dtype).eps)


def _parts(hands: int, at_most: int | None) -> list[slice]:
    """The hands of a batch in as few parts of nearly one size as hold ``at_most`` of them each."""
    count = 1 if at_most is None else -(-hands // at_most)
    return [slice(hands * part // count, hands * (part + 1) // count) for part in range(count)]
