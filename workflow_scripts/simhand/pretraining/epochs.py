"""The order of an epoch, its batches, and fetching the next batch while one is being computed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from simhand.errors import DataError
from simhand.pretraining.crops import UInt8Array
from simhand.pretraining.data import Float32Array, HandSet
from simhand.pretraining.methods.method import Method
from simhand.pretraining.random_draws import Int64Array, random_bits, uniform_draws
from simhand.settings.pretrain import PretrainSettings

ORDER_STREAM = -1
"""Takes the place of a position in the draws of an epoch's order, so that no view shares them."""


class Batch(NamedTuple):
    """N pairs: crops (2N, S, S, 3) and keypoints (2N, 21, 2), first views first; places in the epoch (N,)."""

    crops: UInt8Array
    keypoints: Float32Array
    positions: Int64Array


def epoch_order(hands: HandSet, sampling: str, seed: int, epoch: int) -> Int64Array:
    """The rows of an epoch's anchors: a function of ``seed`` and ``epoch`` alone.

    With replacement, every source is drawn equally often, as in the released loader.
    """
    anchors = hands.anchors
    index = np.arange(len(anchors))
    if sampling == "without_replacement":
        return anchors[np.argsort(random_bits(seed, epoch, ORDER_STREAM, index), kind="stable")]
    weight = 1 / np.bincount(hands.source[anchors])[hands.source[anchors]]
    bounds = np.cumsum(weight) / weight.sum()
    chosen = np.searchsorted(bounds, uniform_draws(seed, epoch, ORDER_STREAM, index), side="right")
    return anchors[np.minimum(chosen, len(anchors) - 1)]


def steps_in_epoch(anchors: int, settings: PretrainSettings) -> int:
    """Batches in an epoch of ``anchors`` hands.

    Raises:
        DataError: there are fewer anchors than a batch needs.
    """
    if anchors < settings.batch_size:
        raise DataError(
            f"the pre-training set has {anchors} anchors, fewer than one batch of {settings.batch_size}; "
            "lower `pretrain.batch_size` or take a larger set"
        )
    whole, rest = divmod(anchors, settings.batch_size)
    return whole + (1 if rest and settings.last_batch == "keep" else 0)


def batches(
    hands: HandSet, method: Method, settings: PretrainSettings, seed: int, epoch: int, first_step: int = 0
) -> Iterator[Batch]:
    """The batches of an epoch from ``first_step`` on; each is fetched while the one before is in use."""
    order = epoch_order(hands, settings.sampling, seed, epoch)

    def fetch(step: int) -> Batch:
        positions = np.arange(len(order))[step * settings.batch_size : (step + 1) * settings.batch_size]
        anchors = order[positions]
        rows = np.concatenate([anchors, method.second_views(anchors, hands.positives)])
        return Batch(hands.crops.take(rows), hands.keypoints[rows], positions)

    steps = steps_in_epoch(len(order), settings)
    with ThreadPoolExecutor(1) as fetcher:
        coming = fetcher.submit(fetch, first_step)
        for step in range(first_step, steps):
            batch = coming.result()
            if step + 1 < steps:
                coming = fetcher.submit(fetch, step + 1)
            yield batch
