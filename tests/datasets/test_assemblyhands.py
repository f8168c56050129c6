"""AssemblyHands: its rules as recorded, its files as described, and what is said when they are not so."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from simhand.datasets.assemblyhands import load_assemblyhands
from simhand.datasets.assemblyhands_rules import MIN_VALID, TO_WRIST_FIRST, crop_windows, inside_windows
from simhand.datasets.label_cache import LabelCache
from simhand.datasets.samples import project
from simhand.errors import DataError

pytestmark = pytest.mark.xdist_group("layouts")

NOWHERE = LabelCache(None, 2)


def load(root, split="train", valid_joints="annotated", cache=NOWHERE):
    return load_assemblyhands(root, split, 1.75, valid_joints, cache)


def annotation(root: Path, name: str, split: str = "train") -> Path:
    return root / f"annotations/{split}/assemblyhands_{split}_{name}_v1-1.json"


def edit(path: Path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.fixture
def broken(assemblyhands, tmp_path) -> Path:
    return shutil.copytree(assemblyhands, tmp_path / "assemblyhands")


@pytest.fixture(scope="module")
def record(repository):
    return json.loads((repository / "tests/golden/splits.json").read_text())["assemblyhands"]


def test_joint_order_and_limits_are_the_recorded_ones(record):
    assert record["permutation_to_wrist_first"] == TO_WRIST_FIRST
    assert record["minimum_valid_joints"] == MIN_VALID


def test_crop_windows_are_the_recorded_ones(record):
    samples = record["crop_samples"]
    assert len({sample["hand"] for sample in samples}) == 2
    for sample in samples:
        windows = crop_windows(np.array([sample["box_xyxy"]]), sample["expansion"])
        assert windows[0].tolist() == sample["crop_window_xyxy"]
        side = windows[0, 2] - windows[0, 0]
        assert side == windows[0, 3] - windows[0, 1] >= record["minimum_crop_side"]
        intrinsics = np.array(sample["intrinsics_before"])
        intrinsics[:2, 2] -= windows[0, :2]
        intrinsics[:2] *= record["network_side"] / side
        np.testing.assert_allclose(intrinsics, sample["intrinsics_after_resize_256"], rtol=1e-6, atol=1e-3)


def test_small_boxes_get_a_crop_of_100_pixels():
    assert crop_windows(np.array([[10.0, 200, 30, 240]]), 1.75).tolist() == [[-30, 170, 70, 270]]


def test_joints_in_the_crop_are_those_that_the_record_keeps(record):
    """The recorded validity after cropping also drops joints far from the wrist's depth."""
    for sample in record["crop_samples"]:
        windows = np.array([sample["crop_window_xyxy"]])
        pixels = np.array([sample["joints2d_frame"]])
        depth = np.array(sample["depth_minus_wrist_depth_mm"])
        near = (depth >= -record["depth_window_mm"] / 2) & (depth < record["depth_window_mm"] / 2)
        valid = np.array(sample["valid_in"]) > 0
        expected = np.array(sample["valid_after_crop_resize_and_depth_window"]) > 0
        assert (valid & near & inside_windows(pixels, windows)[0]).tolist() == expected.tolist()
        assert sample["valid_after_crop_step"] == sample["valid_in"], "the tool's own test is without effect"


def test_samples_are_the_annotations_read_one_by_one(assemblyhands):
    """Every field by a loop over the files that shares nothing with the loader but the crop."""
    data, calib, joints = (
        json.loads(annotation(assemblyhands, name).read_text())
        for name in ("ego_data", "ego_calib", "joint_3d")
    )
    samples, row, left_out = load(assemblyhands), 0, 0
    images = {image["id"]: image for image in data["images"]}
    for place, found in enumerate(data["annotations"]):
        image = images[found["image_id"]]
        frame, camera = f"{image['frame_idx']:06d}", image["camera"] + "_mono10bit"
        cameras = calib["calibration"][image["seq_name"]]
        matrix = np.array(cameras["intrinsics"][camera])
        pose = np.array(cameras["extrinsics"][frame][camera])
        world = np.array(joints["annotations"][image["seq_name"]][frame]["world_coord"])
        for hand, side in enumerate(("right", "left")):
            if found["bbox"][side] is None:
                continue
            valid = found["joint_valid"][21 * hand : 21 * hand + 21]
            if sum(valid) < 10:
                left_out += 1
                continue
            assert samples.image_ids[row] == 2 * place + hand
            assert samples.images[row] == "images/" + image["file_name"]
            assert samples.mirror_width_px[row] == (480 if side == "left" else 0)
            assert samples.frames[row] == image["frame_idx"]
            assert samples.sequences[row] == f"{image['seq_name']}/{camera}"
            for ours, theirs in {0: 20, 1: 3, 4: 0, 5: 7, 8: 4, 12: 8, 16: 12, 17: 19, 20: 16}.items():
                x, y, z = pose[:, :3] @ world[21 * hand + theirs] + pose[:, 3]
                u, v = matrix[0, 0] * x / z + matrix[0, 2], matrix[1, 1] * y / z + matrix[1, 2]
                expected = [-x, y, z] if side == "left" else [x, y, z]
                np.testing.assert_allclose(1000 * samples.joints_3d_m[row, ours], expected, atol=1e-6)
                expected = [480 - u, v] if side == "left" else [u, v]
                np.testing.assert_allclose(samples.joints_2d_px[row, ours], expected, atol=1e-6)
                assert samples.visible[row, ours] == valid[theirs]
            low, high = samples.boxes_px[row].reshape(2, 2)
            box = np.array(found["bbox"][side])
            middle = (box[:2] + box[2:]) / 2
            middle[0] = 480 - middle[0] if side == "left" else middle[0]
            np.testing.assert_allclose((low + high) / 2, middle, atol=1.5)
            row += 1
    assert row == len(samples) and left_out == 1
    assert {0, 480} == set(samples.mirror_width_px)
    np.testing.assert_allclose(
        project(samples.joints_3d_m, samples.intrinsics), samples.joints_2d_px, atol=1e-6
    )


def test_hands_of_one_moment_share_their_id_and_sizes_are_plausible(assemblyhands):
    samples = load(assemblyhands)
    moments = {
        (name.split("/")[0], frame) for name, frame in zip(samples.sequences, samples.frames, strict=True)
    }
    assert len(moments) == len(set(samples.unique_ids)) == samples.unique_ids.max() + 1
    bone = np.linalg.norm(samples.joints_3d_m[:, 9] - samples.joints_3d_m[:, 0], axis=-1)
    assert bone.min() > 0.07 and bone.max() < 0.12
    assert len(set(samples.images)) < len(samples), "two hands of one image"


def test_hands_left_out_are_counted_and_joints_outside_the_crop_only_if_asked(broken, caplog):
    caplog.set_level(logging.INFO, "simhand")
    assert len(load(broken)) == 17
    assert "18 hands with a box, 1 with fewer than 10 valid joints" in caplog.text

    def shrink(content):
        low_x, low_y, _, _ = content["annotations"][0]["bbox"]["right"]
        content["annotations"][0]["bbox"]["right"] = [low_x - 70, low_y - 70, low_x - 30, low_y - 30]

    edit(annotation(broken, "ego_data"), shrink)
    assert len(load(broken)) == 17, "the tool counts joints that its crop does not show"
    samples = load(broken, valid_joints="in_crop")
    assert len(samples) == 16 and samples.image_ids[0] == 1


def test_missing_images_are_named_one_by_one(broken):
    images = sorted((broken / "images/ego_images_rectified/train").rglob("*.jpg"))
    images[0].unlink()
    with pytest.raises(DataError, match=rf"1 image\(s\) are missing.*{images[0].name}\. Extract"):
        load(broken)
    shutil.rmtree(broken / "images")
    with pytest.raises(DataError, match=r"12 image\(s\) are missing.* and 2 more"):
        load(broken)


def test_missing_and_broken_annotation_files_are_named(broken):
    annotation(broken, "joint_3d").write_text("{[")
    with pytest.raises(DataError, match="joint_3d_v1-1.json is not JSON"):
        load(broken)
    annotation(broken, "joint_3d").write_text("{}")
    with pytest.raises(DataError, match="joint_3d_v1-1.json has no entry `annotations`"):
        load(broken)
    annotation(broken, "joint_3d").unlink()
    annotation(broken, "ego_calib").unlink()
    with pytest.raises(DataError, match=r"2 annotation file\(s\) do not exist: .*ego_calib.*joint_3d"):
        load(broken)


def test_annotations_without_camera_joints_or_image_are_named(broken):
    edit(annotation(broken, "ego_data"), lambda content: content["images"].pop(0))

    def drop_frame(content):
        next(iter(content["annotations"].values())).pop("000304")

    edit(annotation(broken, "joint_3d"), drop_frame)
    message = r"3 annotation\(s\) of .*annotation 0 of image 0 \(no entry 0\).*annotation 4 .*'000304'"
    with pytest.raises(DataError, match=message):
        load(broken)


def test_metres_instead_of_millimetres_are_refused(broken):
    def in_metres(content):
        for frames in content["annotations"].values():
            for entry in frames.values():
                entry["world_coord"] = (np.array(entry["world_coord"]) / 1000).tolist()

    def still(content):
        for cameras in content["calibration"].values():
            for poses in cameras["extrinsics"].values():
                for pose in poses.values():
                    for line in pose:
                        line[3] = 1 if line is pose[2] else 0

    edit(annotation(broken, "joint_3d"), in_metres)
    edit(annotation(broken, "ego_calib"), still)
    with pytest.raises(DataError, match="the median distance from wrist to middle finger"):
        load(broken)


def test_the_toolkits_list_is_compared_and_not_followed(broken, caplog):
    data = json.loads(annotation(broken, "ego_data").read_text())
    images = {image["id"]: image["file_name"] for image in data["images"]}
    invalid = [
        f"{images[found['image_id']]},{hand}"
        for found in data["annotations"]
        for hand, side in enumerate(("right", "left"))
        if found["bbox"][side] and sum(found["joint_valid"][21 * hand : 21 * hand + 21]) < 10
    ]
    path = broken / "annotations/train/invalid_train_ego.txt"
    path.write_text("\n".join(invalid) + "\n")
    assert len(load(broken)) == 17 and not caplog.text
    path.write_text(f"{images[0]},1\n")
    assert len(load(broken)) == 17
    assert f"Only listed: {images[0]},1. Not so: {invalid[0]}" in caplog.text
    assert path.read_text() == f"{images[0]},1\n", "nothing is written into the data set"


def test_a_scan_is_read_again_and_changed_annotations_are_scanned_anew(broken, tmp_path, caplog):
    caplog.set_level(logging.INFO, "simhand")
    cache = LabelCache(tmp_path / "scans", 1)
    first, again = load(broken, cache=cache), load(broken, cache=cache)
    assert "nothing has changed since" in caplog.text
    np.testing.assert_array_equal(first.boxes_px, again.boxes_px)

    def move(content):
        content["annotations"][0]["bbox"]["right"] = None

    edit(annotation(broken, "ego_data"), move)
    assert len(load(broken, cache=cache)) == 16
    assert "reading anew" in caplog.text
