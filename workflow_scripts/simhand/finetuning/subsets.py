"""Which labels are used: label fractions and the split that chooses the epoch."""

import numpy as np
from numpy.typing import NDArray

from simhand.datasets.samples import HandSamples
from simhand.errors import ConfigError, DataError

Rows = NDArray[np.int64]

RELEASED_SPLIT_SEED = 5
BLOCKS = 10
"""Stretches of the capture order of single pictures, each of which gives its last part to validation."""


def labelled_rows(samples: HandSamples, fraction: float, how: str) -> Rows:
    """The rows of ``samples`` that a label fraction keeps, in their order.

    ``stratified`` keeps that share of the unique ids, evenly spaced over capture order, each with all its
    versions, cameras and hands. ``first`` keeps the first images of the list, as the release does; of single
    pictures (FreiHAND) its train/test split of nothing first drops one unique id, and what stays of the rest
    are one background and the beginning of the capture.

    Raises:
        ConfigError: ``fraction`` is not in (0, 1].
    """
    if not 0 < fraction <= 1:
        raise ConfigError(f"label_fraction must be above 0 and at most 1, found {fraction}")
    ids = np.unique(samples.unique_ids)
    if how == "first":
        dropped = [] if _has_recordings(samples) else [_released_drop(ids)]
        rows = np.flatnonzero(~np.isin(samples.unique_ids, dropped))
        return rows[: int(fraction * len(rows))]
    kept = max(round(fraction * len(ids)), 1)
    places = np.floor((np.arange(kept) + 0.5) * len(ids) / kept).astype(np.int64)
    return np.flatnonzero(np.isin(samples.unique_ids, ids[places]))


def validation_split(samples: HandSamples, fraction: float) -> tuple[Rows, Rows]:
    """Rows to train on and rows to validate on, so that what looks alike is not on both sides.

    Whole recordings are held out, evenly over their order, with all their cameras. Single pictures are held
    out by unique id, so that no photograph is on both sides: their capture order is cut into ten stretches
    and the last part of each is held out, since neighbours in capture order look alike and a random choice
    would validate on what was trained on.

    Raises:
        DataError: all samples are of one recording.
    """
    if fraction == 0:
        return np.arange(len(samples)), np.arange(0)
    if _has_recordings(samples):
        is_held_out = np.isin(samples.unique_ids, _ids_of_recordings(samples, fraction))
    else:
        is_held_out = np.isin(samples.unique_ids, _ids_of_stretches(samples, fraction))
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _has_recordings(samples: HandSamples) -> bool:
    return bool((samples.sequences != "").any())


def _released_drop(ids: Rows) -> int:
    return int(ids[np.random.RandomState(RELEASED_SPLIT_SEED).permutation(len(ids))[0]])


def _ids_of_stretches(samples: HandSamples, fraction: float) -> Rows:
    ids = np.unique(samples.unique_ids)
    wanted = min(max(round(fraction * len(ids)), 1), len(ids) - 1)
    blocks = min(BLOCKS, max(wanted, 1))
    ends = np.round(np.linspace(0, len(ids), blocks + 1)).astype(int)[1:]
    shares = np.diff(np.round(np.linspace(0, wanted, blocks + 1)).astype(int))
    return np.concatenate([ids[end - share : end] for end, share in zip(ends, shares, strict=True)])


def _ids_of_recordings(samples: HandSamples, fraction: float) -> Rows:
    """The unique ids of the recordings held out: each that brings their share closer to ``fraction``."""
    ids, first = np.unique(samples.unique_ids, return_index=True)
    recording = _recordings(samples)[first]
    names, sizes = np.unique(recording, return_counts=True)
    if len(names) == 1:
        raise DataError(
            f"all {len(ids)} labelled instants below {samples.root} are of one recording, "
            f"{samples.sequences[0]}, so none can be held out; set finetune.validation_fraction to 0 and "
            "model_selection to last, or raise the label fraction"
        )
    held_out, seen, chosen = 0, 0, []
    for name, size in zip(names.tolist(), sizes.tolist(), strict=True):
        seen += size
        if held_out + size / 2 <= fraction * seen:
            held_out += size
            chosen.append(name)
    if not chosen:
        chosen = [names[np.abs(sizes - fraction * len(ids)).argmin()]]
    return ids[np.isin(recording, chosen[: len(names) - 1])]


def _recordings(samples: HandSamples) -> Rows:
    """The number of each sample's recording (N,), in the order of the samples.

    Sequences that share an instant, such as cameras of one take, are one recording.
    """
    _, first, sequence = np.unique(samples.sequences, return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first))[sequence.ravel()]
    _, instant = np.unique(samples.unique_ids, return_inverse=True)
    while True:
        before = number
        for group in (instant.ravel(), sequence.ravel()):
            smallest = np.full(group.max() + 1, len(number))
            np.minimum.at(smallest, group, number)
            number = smallest[group]
        if np.array_equal(number, before):
            return number
