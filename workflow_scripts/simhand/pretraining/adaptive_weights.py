"""Adaptive weights (paper, Eq. 2): the closer the keypoints of two hands, the more their pair counts.

All functions take keypoints of both views of N pairs in pixels of the augmented views. Weights are
data: no gradient flows through them. Where all distances of a batch are equal, Eq. 2 is 0 / 0; the
weight is then 1, as if unweighted. (The released code gives NaN there, which is not reproduced.)
"""

from typing import NamedTuple

import torch
from torch import Tensor

from simhand.settings.experiments import Weighting
from simhand.settings.pretrain import PretrainSettings


class PairWeights(NamedTuple):
    """Weights of the loss: ``pair`` (N,) for positives, ``negative`` (2N, 2N); None means 1."""

    pair: Tensor | None
    negative: Tensor | None


def adaptive_weights(
    first: Tensor, second: Tensor, weighting: Weighting, settings: PretrainSettings
) -> PairWeights:
    """The weights that ``weighting`` asks for, from the keypoints (N, 21, 2) of both views."""
    pair = negative = None
    if weighting in ("positive", "both"):
        distance = pair_distance(first, second, settings.weight_distance)
        pair = _weights(distance, settings, settings.sigmoid_positive)
    if weighting in ("negative", "both"):
        distance = all_distances(torch.cat([first, second]), settings.weight_distance)
        negative = _weights(distance, settings, settings.sigmoid_negative)
    return PairWeights(pair, negative)


def linear_weights(distance: Tensor) -> Tensor:
    """Eq. 2: (max d - d) / (max d - min d) over all entries; 1 where all are equal."""
    farthest, span = distance.max(), distance.max() - distance.min()
    return torch.where(span > 0, (farthest - distance) / span.where(span > 0, 1), 1)


def sigmoid_weights(distance: Tensor, steepness: float) -> Tensor:
    """1 / (1 + exp(steepness (d - mean d))), the release's alternative to Eq. 2."""
    return torch.sigmoid(-steepness * (distance - distance.mean()))


def pair_distance(first: Tensor, second: Tensor, kind: str = "joint_mean") -> Tensor:
    """Distance (N,) of the keypoints (N, 21, 2) of each pair.

    ``joint_mean`` is the mean over joints of their distance. ``signed_mean`` and ``absolute_mean``
    are the length of the mean (absolute) coordinate difference over the joints.
    """
    difference = first - second
    if kind == "joint_mean":
        return difference.norm(dim=-1).mean(dim=-1)
    return _maybe_absolute(difference, kind).mean(dim=-2).norm(dim=-1)


def all_distances(keypoints: Tensor, kind: str = "joint_mean") -> Tensor:
    """Distance (M, M) between all keypoints (M, 21, 2), summed joint by joint to need no (M, M, 21).

    For ``signed_mean`` and ``absolute_mean`` the release averages over x and y inside a joint and
    takes the length over the joints, the other way round than for pairs; kept as it is.
    """
    total = keypoints.new_zeros(len(keypoints), len(keypoints))
    joints = keypoints.shape[1]
    for joint in range(joints):
        difference = keypoints[:, None, joint] - keypoints[None, :, joint]
        if kind == "joint_mean":
            total += torch.hypot(difference[..., 0], difference[..., 1])
        else:
            total += _maybe_absolute(difference, kind).mean(dim=-1) ** 2
    return total / joints if kind == "joint_mean" else total.sqrt()


def _weights(distance: Tensor, settings: PretrainSettings, steepness: float) -> Tensor:
    if settings.weight_function == "linear":
        return linear_weights(distance)
    return sigmoid_weights(distance, steepness)


def _maybe_absolute(difference: Tensor, kind: str) -> Tensor:
    return difference.abs() if kind == "absolute_mean" else difference
