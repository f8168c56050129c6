"""Label fractions and validation splits of recordings and of single pictures: no neighbours on both sides."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from simhand.datasets.samples import HandSamples
from simhand.errors import ConfigError, DataError
from simhand.finetuning.subsets import labelled_rows, validation_split


def recorded(lengths: list[int], cameras: int = 2, takes_of_cameras: bool = True) -> HandSamples:
    """Recordings of so many frames each, seen by every camera: sequence by sequence, camera by camera.

    The ids of the instants have gaps, and cameras are sequences of their own if so wanted.
    """
    rows = [
        (take, camera, frame, 1000 * take + 7 * frame)
        for take, length in enumerate(lengths)
        for camera in range(cameras)
        for frame in range(length)
    ]
    takes, numbers, frames, instants = (np.array(column) for column in zip(*rows, strict=True))
    names = [f"take{9 - take}" for take in takes]
    if takes_of_cameras:
        names = [f"{name}/cam{camera}" for name, camera in zip(names, numbers, strict=True)]
    unused = np.zeros((len(rows), 1))
    return HandSamples(
        Path("root"), takes.astype(str), np.arange(len(rows)), instants,
        *[unused] * 7, np.array(names), frames, unused,
    )  # fmt: skip


@pytest.mark.parametrize("takes_of_cameras", [True, False])
@pytest.mark.parametrize("lengths", [[20] * 9, [5, 40, 12, 30, 3, 3, 50]])
def test_no_recording_and_no_instant_is_on_both_sides(lengths, takes_of_cameras):
    samples = recorded(lengths, takes_of_cameras=takes_of_cameras)
    training, validation = validation_split(samples, 0.2)
    assert sorted([*training, *validation]) == list(range(len(samples)))
    assert len(training) and len(validation)
    for values in (samples.unique_ids, samples.sequences, samples.unique_ids // 1000):
        assert not set(values[training].tolist()) & set(values[validation].tolist())
    share = len(validation) / len(samples)
    assert abs(share - 0.2) <= max(lengths) / sum(lengths) / 2 + 1e-9


def test_recordings_held_out_lie_evenly_in_their_order():
    samples = recorded([10] * 9)
    held_out = set((samples.unique_ids[validation_split(samples, 1 / 3)[1]] // 1000).tolist())
    assert held_out == {1, 4, 7}


def test_two_recordings_give_one_to_validation_and_one_cannot_be_split():
    samples = recorded([30, 4])
    training, validation = validation_split(samples, 0.1)
    assert set(samples.unique_ids[validation] // 1000) == {1} and set(
        samples.unique_ids[training] // 1000
    ) == {0}
    with pytest.raises(DataError, match="30 labelled instants below root are of one recording, take9/cam0"):
        validation_split(recorded([30]), 0.1)
    assert len(validation_split(recorded([30]), 0.0)[0]) == 60


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.4, 0.8, 1.0])
def test_stratified_keeps_that_share_of_the_instants_with_all_their_cameras(fraction):
    samples = recorded([50, 30, 20])
    rows = labelled_rows(samples, fraction, "stratified")
    instants, counts = np.unique(samples.unique_ids[rows], return_counts=True)
    assert len(instants) == 100 * fraction and set(counts.tolist()) == {2}
    kept_per_take = np.bincount(instants // 1000, minlength=3)
    assert kept_per_take.tolist() == [50 * fraction, 30 * fraction, 20 * fraction]


def test_first_takes_the_beginning_of_a_list_of_recordings_and_drops_nothing():
    samples = recorded([50, 30, 20])
    assert labelled_rows(samples, 0.25, "first").tolist() == list(range(50))
    assert len(labelled_rows(samples, 1.0, "first")) == len(samples)


def photographs(unique: int, versions: int) -> HandSamples:
    count = unique * versions
    ids = np.arange(count)
    empty = np.zeros((count, 1))
    single = np.full(count, "")
    return HandSamples(None, ids.astype(str), ids, ids % unique, *[empty] * 7, single, empty, empty)


def test_first_subsets_are_the_released_ones(repository):
    record = json.loads((repository / "tests/golden/splits.json").read_text())["freihand"]
    samples = photographs(record["unique_training_samples"], len(record["versions_in_order"]))
    for ratio, expected in record["released_training_subsets"].items():
        rows = labelled_rows(samples, float(ratio), "first")
        assert len(rows) == expected["length"]
        assert len(np.unique(samples.unique_ids[rows])) == expected["distinct_unique_frames"]
        assert hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest() == expected["sha256_of_int64"]
    missing = set(range(len(samples))) - set(labelled_rows(samples, 1.0, "first").tolist())
    assert sorted(missing) == record["released_validation_ids"]


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.2, 0.4, 0.8, 1.0])
def test_stratified_subset_has_all_versions_of_evenly_spaced_ids(fraction):
    samples = photographs(1000, 4)
    rows = labelled_rows(samples, fraction, "stratified")
    ids = np.unique(samples.unique_ids[rows])
    assert len(ids) == 1000 * fraction and len(rows) == 4 * len(ids)
    assert np.ptp(np.diff(ids)) <= 1
    assert np.histogram(ids, bins=5, range=(0, 1000))[0].tolist() == [200 * fraction] * 5


def test_label_fraction_outside_0_to_1_is_refused():
    for fraction in (0.0, -0.1, 1.1):
        with pytest.raises(ConfigError, match="label_fraction"):
            labelled_rows(photographs(10, 1), fraction, "stratified")


@pytest.mark.parametrize(
    ("unique", "fraction", "held_out"), [(1000, 0.1, 100), (128, 0.1, 13), (8, 0.1, 1), (5, 0.5, 2)]
)
def test_validation_never_shares_a_photograph_and_spreads_over_the_capture(unique, fraction, held_out):
    samples = photographs(unique, 4)
    training, validation = validation_split(samples, fraction)
    assert sorted([*training, *validation]) == list(range(len(samples)))
    ids = set(samples.unique_ids[validation])
    assert not ids & set(samples.unique_ids[training])
    assert len(ids) == held_out and len(validation) == 4 * held_out
    if unique == 1000:
        assert np.histogram(sorted(ids), bins=10, range=(0, 1000))[0].tolist() == [10] * 10
        assert max(np.diff(sorted(ids))) > 1


def test_no_validation_keeps_every_row_for_training():
    training, validation = validation_split(photographs(8, 2), 0.0)
    assert len(training) == 16 and len(validation) == 0
