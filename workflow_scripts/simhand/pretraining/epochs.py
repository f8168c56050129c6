"""The order of an epoch and its batches; what comes next is fetched while something is being computed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from simhand.device import choose_device
from simhand.errors import DataError
from simhand.pretraining.crop_feed import CropFeed
from simhand.pretraining.data import Float32Array, HandSet
from simhand.pretraining.grouped_batch_norm import check_groups, own_groups
from simhand.pretraining.methods.method import Method
from simhand.pretraining.random_draws import ORDER_STREAM, Int64Array, random_bits, uniform_draws
from simhand.settings.pretrain import PretrainSettings


class Batch(NamedTuple):
    """V views of each of N hands, view by view: rows 0 to N - 1 are the anchors.

    ``keypoints`` (V N, 21, 2) are of all views, ``positions`` (N,) the hands' places in the epoch.
    ``groups`` are the views that this process does, and ``crops`` gives the crops of each of these groups
    in turn; with gradient caching all of them twice.
    """

    keypoints: Float32Array
    positions: Int64Array
    groups: list[slice]
    crops: CropFeed


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
    """The batches of an epoch from ``first_step`` on; each is begun while the one before is in use.

    Every process goes through the same batches, and fetches the crops of its own views.

    Raises:
        ConfigError: a batch does not fall into groups as the settings want.
        DataError: there are fewer anchors than a batch needs.
    """
    order = epoch_order(hands, settings.sampling, seed, epoch)
    steps = steps_in_epoch(len(order), settings)
    pinned = choose_device(settings.device, "pretrain.device").type == "cuda"

    def begin(step: int, fetcher: ThreadPoolExecutor) -> Batch:
        positions = np.arange(len(order))[step * settings.batch_size : (step + 1) * settings.batch_size]
        views = method.view_rows(order[positions], hands.positives)
        check_groups(len(views) * settings.batch_size, settings)
        rows = views.ravel()
        groups = own_groups(len(rows), settings)
        asked_for = [rows[group] for group in groups] * (2 if settings.gradient_caching else 1)
        return Batch(
            hands.keypoints[rows], positions, groups, CropFeed(fetcher, hands.crops, asked_for, pinned)
        )

    with ThreadPoolExecutor(1) as fetcher:
        begun = (begin(step, fetcher) for step in range(first_step, steps))
        batch = next(begun, None)
        while batch is not None:
            coming = next(begun, None)
            yield batch
            batch = coming
