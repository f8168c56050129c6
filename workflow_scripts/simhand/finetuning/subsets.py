"""Which labels are used: label fractions and the split that chooses the epoch."""

import numpy as np
from numpy.typing import NDArray

from simhand.errors import ConfigError
from simhand.finetuning.samples import HandSamples

Rows = NDArray[np.int64]

RELEASED_SPLIT_SEED = 5
BLOCKS = 10
"""Stretches of the capture order, each of which gives its last part to validation."""


def labelled_rows(samples: HandSamples, fraction: float, how: str) -> Rows:
    """The rows of ``samples`` that a label fraction keeps, in order of image id.

    ``stratified`` keeps that share of the unique ids, evenly spaced over capture order, with all versions.
    ``first`` reproduces the release: its train/test split of nothing drops one unique id, and of the rest
    the first images of the list stay, which are one background and the beginning of the capture.

    Raises:
        ConfigError: ``fraction`` is not in (0, 1].
    """
    if not 0 < fraction <= 1:
        raise ConfigError(f"label_fraction must be above 0 and at most 1, found {fraction}")
    unique = int(samples.unique_ids.max()) + 1
    if how == "first":
        dropped = np.random.RandomState(RELEASED_SPLIT_SEED).permutation(unique)[0]
        rows = np.flatnonzero(samples.unique_ids != dropped)
        return rows[: int(fraction * len(rows))]
    kept = max(round(fraction * unique), 1)
    ids = np.floor((np.arange(kept) + 0.5) * unique / kept).astype(np.int64)
    return np.flatnonzero(np.isin(samples.unique_ids, ids))


def validation_split(samples: HandSamples, fraction: float) -> tuple[Rows, Rows]:
    """Rows to train on and rows to validate on, split by unique id so that no photograph is in both.

    The capture order is cut into ten stretches and the last part of each is held out: neighbours in
    capture order look alike, and a random choice would validate on what was trained on.
    """
    ids = np.unique(samples.unique_ids)
    wanted = round(fraction * len(ids))
    if fraction > 0:
        wanted = min(max(wanted, 1), len(ids) - 1)
    blocks = min(BLOCKS, max(wanted, 1))
    ends = np.round(np.linspace(0, len(ids), blocks + 1)).astype(int)[1:]
    shares = np.diff(np.round(np.linspace(0, wanted, blocks + 1)).astype(int))
    held_out = np.concatenate([ids[end - share : end] for end, share in zip(ends, shares, strict=True)])
    is_held_out = np.isin(samples.unique_ids, held_out)
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)
