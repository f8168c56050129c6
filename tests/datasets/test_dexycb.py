"""DexYCB: its splits and ids as recorded, its files as described, and what is said when they are not so."""

import hashlib
import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from simhand.datasets.dexycb import load_dexycb, mostly_visible
from simhand.datasets.dexycb_labels import occluded_share
from simhand.datasets.dexycb_splits import (
    RENDERED,
    SERIALS,
    SUBJECTS,
    Extent,
    image_index,
    split_indices,
)
from simhand.datasets.label_cache import LabelCache
from simhand.datasets.samples import project
from simhand.errors import DataError

pytestmark = pytest.mark.xdist_group("layouts")

NOWHERE = LabelCache(None, 2)


def load(root, split="train", frames="labelled", cache=NOWHERE, setup="s1"):
    return load_dexycb(root, setup, split, frames, cache, RENDERED)


@pytest.fixture
def broken(dexycb, tmp_path) -> Path:
    return shutil.copytree(dexycb, tmp_path / "dexycb")


@pytest.fixture(scope="module")
def record(repository):
    return json.loads((repository / "tests/golden/splits.json").read_text())["dexycb"]


def test_names_are_the_recorded_ones(record):
    assert list(SUBJECTS) == record["subject_folders"]
    assert list(SERIALS) == record["camera_serials"]


@pytest.mark.parametrize("setup", ["s0", "s1", "s2", "s3"])
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_every_split_and_every_id_is_the_recorded_one(record, setup, split):
    expected = record["splits"][f"{setup}_{split}"]
    indices = split_indices(setup, split)
    assert list(indices.subjects) == expected["subjects"]
    assert list(indices.cameras) == expected["cameras"]
    assert list(indices.sequences) == expected["sequences"]
    frames = {
        (subject, place): count
        for subject, counts in enumerate(record["stub_frames_per_sequence"])
        for place, count in enumerate(counts)
    }
    index = image_index(indices, frames)
    assert len(index) == expected["length"]
    for number, row in expected["index_to_subject_sequence_camera_frame"].items():
        assert index[int(number)].tolist() == row
    digest = hashlib.sha256(np.ascontiguousarray(index.astype("<i4")).tobytes()).hexdigest()
    assert digest == expected["sha256_of_int32_rows"]


def test_the_releases_choice_of_frames_is_the_recorded_one(record):
    samples = record["filter_samples"]["samples"]
    joint_2d = np.array([sample["joint_2d"] for sample in samples], dtype=np.float32)
    joint_3d = np.zeros((len(samples), 21, 3), dtype=np.float32)
    joint_3d[..., 0] = [sample["joint_3d_x"] for sample in samples]
    expected = [bool(sample["keep"]) for sample in samples]
    assert mostly_visible(joint_2d, joint_3d).tolist() == expected and 0 < sum(expected) < len(expected)


def test_samples_are_the_label_files_read_one_by_one(dexycb):
    """Ids, joints, K and sides, by a loop over the files that shares nothing with the loader."""
    subjects = ["20200709-subject-01", "20200813-subject-02", "20200820-subject-03", "20200903-subject-04"]
    subjects += ["20200908-subject-05", "20200918-subject-06", "20201022-subject-10"]
    samples, number, row, sides = load(dexycb), 0, 0, set()
    for subject in subjects:
        (sequence,) = (folder for folder in sorted((dexycb / subject).iterdir()))
        meta = yaml.safe_load((sequence / "meta.yml").read_text())
        for serial in ("836212060125", "839512060362"):
            colour = yaml.safe_load((dexycb / f"calibration/intrinsics/{serial}_640x480.yml").read_text())[
                "color"
            ]
            for frame in range(meta["num_frames"]):
                labels = np.load(sequence / serial / f"labels_{frame:06d}.npz")
                if (labels["joint_3d"] != -1).all():
                    left = meta["mano_sides"] == ["left"]
                    sides.add(left)
                    sign = -1 if left else 1
                    assert samples.image_ids[row] == number
                    assert samples.images[row] == f"{subject}/{sequence.name}/{serial}/color_{frame:06d}.jpg"
                    assert samples.sequences[row] == f"{subject}/{sequence.name}/{serial}"
                    assert samples.frames[row] == frame and samples.mirror_width_px[row] == 640 * left
                    np.testing.assert_allclose(
                        samples.joints_3d_m[row], labels["joint_3d"][0] * [sign, 1, 1], rtol=1e-6
                    )
                    u, v = labels["joint_2d"][0].T
                    # the mirror of pixel u, counted from 0, is 639 - u; ours are counted from the corner
                    np.testing.assert_allclose(
                        samples.joints_2d_px[row], np.stack([639 - u if left else u, v], -1) + 0.5, atol=1e-3
                    )
                    x = 639 - colour["ppx"] if left else colour["ppx"]
                    expected = [[colour["fx"], 0, x + 0.5], [0, colour["fy"], colour["ppy"] + 0.5], [0, 0, 1]]
                    np.testing.assert_allclose(samples.intrinsics[row], expected)
                    row += 1
                number += 1
    assert row == len(samples) and sides == {True, False} and number > row
    np.testing.assert_allclose(
        project(samples.joints_3d_m, samples.intrinsics), samples.joints_2d_px, atol=1e-2
    )


def test_moments_are_shared_by_the_cameras_and_splits_share_no_subject(dexycb):
    samples = load(dexycb)
    first, second = (np.char.find(samples.images, serial) >= 0 for serial in SERIALS[:2])
    assert sorted(samples.unique_ids[first]) == sorted(samples.unique_ids[second])
    assert len(set(samples.unique_ids[first])) == first.sum()
    assert sorted(set(samples.unique_ids)) == list(range(first.sum()))
    folders = [{name[:19] for name in load(dexycb, split).images} for split in ("train", "val", "test")]
    assert [len(found) for found in folders] == [7, 1, 2]
    assert not folders[0] & folders[2] and not folders[0] & folders[1]
    assert set(load(dexycb, "test").mirror_width_px) == {0, 640}


def test_frames_without_a_hand_are_counted_and_leave_gaps_in_the_ids(dexycb, caplog):
    caplog.set_level(logging.INFO, "simhand")
    samples = load(dexycb)
    assert "42 images, 10 without a hand, 0 with too few joints in the image left out, 32 used" in caplog.text
    assert len(samples) == 32 and samples.image_ids.max() == 41


def test_frames_with_few_joints_in_the_image_are_left_out_only_if_asked(broken, caplog):
    caplog.set_level(logging.INFO, "simhand")
    camera = broken / "20200709-subject-01/20200709_120000/836212060125"
    labels = dict(np.load(camera / "labels_000001.npz"))
    intrinsics = yaml.safe_load((broken / "calibration/intrinsics/836212060125_640x480.yml").read_text())
    labels["joint_3d"][..., 0] += 0.5 * 640 / intrinsics["color"]["fx"] * labels["joint_3d"][..., 2]
    labels["joint_2d"][..., 0] += 0.5 * 640
    np.savez(camera / "labels_000001.npz", **labels)
    assert len(load(broken)) == 32
    assert len(load(broken, frames="mostly_visible")) == 31
    assert "1 with too few joints in the image left out, 31 used" in caplog.text


def test_hidden_joints_are_those_whose_pixel_is_not_the_hands(dexycb, broken):
    assert (load(dexycb).occluded_share == 0).all()
    camera = broken / "20200709-subject-01/20200709_120000/836212060125"
    labels = dict(np.load(camera / "labels_000001.npz"))
    wrist_x, wrist_y = np.round(labels["joint_2d"][0, 0]).astype(int)
    labels["seg"][wrist_y, wrist_x] = 3
    np.savez(camera / "labels_000001.npz", **labels)
    assert load(broken).occluded_share[0] == pytest.approx(1 / 21)


def test_joints_outside_the_image_are_neither_hidden_nor_seen():
    seg = np.zeros((480, 640), dtype=np.uint8)
    seg[100, 639] = 255
    joints = np.full((21, 2), -50.0)
    assert np.isnan(occluded_share(joints, seg))
    joints[0], joints[1], joints[2] = (639.4, 99.6), (639.6, 100), (638, 100)
    assert occluded_share(joints, seg) == 0.5


def test_missing_files_are_named_one_by_one(broken):
    camera = broken / "20200903-subject-04"
    images = sorted(camera.rglob("color_*.jpg"))
    images[0].unlink()
    (images[3].parent / "labels_000002.npz").unlink()
    with pytest.raises(DataError, match=r"2 file\(s\) are missing.*color_000000.jpg.*labels_000002.npz\."):
        load(broken)
    for image in broken.rglob("color_*.jpg"):
        image.unlink(missing_ok=True)
    with pytest.raises(DataError, match=r"43 file\(s\) are missing.* and 33 more\. meta.yml says"):
        load(broken)


def test_missing_folders_and_calibrations_are_named(broken):
    with pytest.raises(DataError, match=r"7 subject folder.*subject-01 \(1 sequences, expected 100\)"):
        load_dexycb(broken, "s1", "train", "labelled", NOWHERE, Extent(100, 2))
    with pytest.raises(DataError, match=r"2 calibration file.*836212060125_640x480.yml.*839512060362"):
        shutil.rmtree(broken / "calibration/intrinsics")
        load(broken)
    shutil.rmtree(broken / "20201022-subject-10")
    with pytest.raises(DataError, match=r"1 subject folder.*subject-10 \(0 sequences, expected 1\)"):
        load(broken)


def test_broken_labels_are_named(broken):
    camera = broken / "20200709-subject-01/20200709_120000/836212060125"
    whole = (camera / "labels_000000.npz").read_bytes()
    (camera / "labels_000000.npz").write_bytes(whole[: len(whole) // 2])
    labels = dict(np.load(camera / "labels_000001.npz"))
    np.savez(camera / "labels_000001.npz", **{**labels, "joint_3d": labels["joint_3d"][:, :20]})
    np.savez(camera / "labels_000002.npz", **{name: labels[name] for name in labels if name != "seg"})
    message = r"3 label file\(s\).*000000.npz.*000001.npz \(joint_3d has shape \(1, 20, 3\), expected.*seg"
    with pytest.raises(DataError, match=message):
        load(broken)


def test_meta_without_a_side_is_named(broken):
    path = broken / "20200709-subject-01/20200709_120000/meta.yml"
    path.write_text(path.read_text().replace("right", "both"))
    with pytest.raises(DataError, match=r"1 file\(s\) do not tell num_frames and mano_sides.*subject-01"):
        load(broken)


def test_labels_in_other_units_and_another_calibration_are_refused(broken):
    path = broken / "calibration/intrinsics/836212060125_640x480.yml"
    whole = path.read_text()
    wrong = yaml.safe_load(whole)
    wrong["color"]["ppx"] += 30
    for serial in SERIALS[:2]:
        (path.parent / f"{serial}_640x480.yml").write_text(yaml.safe_dump(wrong))
    with pytest.raises(DataError, match="joint_3d projected with calibration/intrinsics lies"):
        load(broken)
    for labels_file in broken.glob("*-subject-*/*/*/labels_*.npz"):
        labels = dict(np.load(labels_file))
        if (labels["joint_3d"] != -1).any():
            labels["joint_3d"] *= 1000
        np.savez(labels_file, **labels)
    with pytest.raises(DataError, match=r"expected 0.01 to 0.5 metres"):
        load(broken)


def test_labels_that_contradict_each_other_are_named_and_kept(broken, caplog):
    camera = broken / "20200709-subject-01/20200709_120000/836212060125"
    labels = dict(np.load(camera / "labels_000001.npz"))
    labels["joint_2d"] += 5
    np.savez(camera / "labels_000001.npz", **labels)
    assert len(load(broken)) == 32
    assert "pixels apart in 1 images" in caplog.text and "color_000001.jpg" in caplog.text


def test_a_scan_is_read_again_and_a_changed_data_set_scanned_anew(broken, tmp_path, caplog):
    caplog.set_level(logging.INFO, "simhand")
    cache = LabelCache(tmp_path / "scans", 2)
    first = load(broken, cache=cache)
    (kept,) = (tmp_path / "scans").iterdir()
    before = kept.read_bytes()
    again = load(broken, cache=cache)
    assert "nothing has changed since" in caplog.text and kept.read_bytes() == before
    np.testing.assert_array_equal(first.joints_3d_m, again.joints_3d_m)
    camera = broken / "20200709-subject-01/20200709_120000/836212060125"
    labels = dict(np.load(camera / "labels_000001.npz"))
    labels["joint_3d"] += np.float32(1e-4)
    np.savez(camera / "labels_000001.npz", **labels)
    changed = load(broken, cache=cache)
    np.testing.assert_allclose((changed.joints_3d_m - first.joints_3d_m)[0], 1e-4, atol=1e-6)
    assert "of other files or other code: reading anew" in caplog.text
    assert len(list((tmp_path / "scans").iterdir())) == 1
    assert not [path for path in broken.rglob("*") if path.suffix == ".npz" and "dexycb" in path.name]
