"""What the demo world writes: trees, keys, types and units as the data sets' own tools describe them.

Nothing here reads with our loaders.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

pytestmark = pytest.mark.xdist_group("layouts")

MIN_BENT_MM = 20
WRIST_FIRST = [20, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 19, 18, 17, 16]


def test_dexycb_tree(dexycb):
    assert {path.name for path in dexycb.iterdir() if "subject" in path.name} == {
        "20200709-subject-01",
        "20200813-subject-02",
        "20200820-subject-03",
        "20200903-subject-04",
        "20200908-subject-05",
        "20200918-subject-06",
        "20200928-subject-07",
        "20201002-subject-08",
        "20201015-subject-09",
        "20201022-subject-10",
    }
    sides = set()
    for subject in sorted(dexycb.glob("*-subject-*")):
        (sequence,) = subject.iterdir()
        assert re.fullmatch(r"\d{8}_\d{6}", sequence.name)
        meta = yaml.safe_load((sequence / "meta.yml").read_text())
        assert meta.keys() == {
            "serials",
            "num_frames",
            "ycb_ids",
            "ycb_grasp_ind",
            "mano_sides",
            "mano_calib",
            "extrinsics",
        }
        assert meta["serials"] == ["836212060125", "839512060362"] and meta["num_frames"] == 3
        sides.add(meta["mano_sides"][0])
        for serial in meta["serials"]:
            assert {path.name for path in (sequence / serial).iterdir()} == {
                name
                for frame in range(3)
                for name in (
                    f"color_{frame:06d}.jpg",
                    f"aligned_depth_to_color_{frame:06d}.png",
                    f"labels_{frame:06d}.npz",
                )
            }
        assert (dexycb / f"calibration/mano_{meta['mano_calib'][0]}/mano.yml").exists()
        extrinsics = dexycb / f"calibration/extrinsics_{meta['extrinsics']}/extrinsics.yml"
        poses = yaml.safe_load(extrinsics.read_text())["extrinsics"]
        assert {len(poses[serial]) for serial in meta["serials"]} == {12}
        assert np.load(sequence / "pose.npz")["pose_m"].shape == (3, 1, 51)
    assert sides == {"right", "left"}


def test_dexycb_labels(dexycb):
    hands = absent = 0
    for path in sorted(dexycb.glob("*-subject-*/*/*/labels_*.npz")):
        labels = np.load(path, allow_pickle=False)
        assert sorted(labels.files) == ["joint_2d", "joint_3d", "pose_m", "pose_y", "seg"]
        seg, joint_3d, joint_2d = labels["seg"], labels["joint_3d"], labels["joint_2d"]
        assert seg.dtype == np.uint8 and seg.shape == (480, 640) and set(np.unique(seg)) <= {0, 255}
        assert joint_3d.dtype == joint_2d.dtype == labels["pose_m"].dtype == np.float32
        assert (joint_3d.shape, joint_2d.shape) == ((1, 21, 3), (1, 21, 2))
        assert (labels["pose_m"].shape, labels["pose_y"].shape) == ((1, 51), (0, 3, 4))
        image = Image.open(path.with_name(path.name.replace("labels_", "color_")).with_suffix(".jpg"))
        assert image.size == (640, 480) and image.mode == "RGB"
        depth_name = path.name.replace("labels_", "aligned_depth_to_color_")
        depth_mm = np.asarray(Image.open(path.with_name(depth_name).with_suffix(".png"))).astype(int)
        if (joint_3d == -1).all():
            assert (joint_2d == -1).all() and not seg.any() and not depth_mm.any()
            absent += 1
            continue
        hands += 1
        intrinsics = dexycb / f"calibration/intrinsics/{path.parent.name}_640x480.yml"
        colour = yaml.safe_load(intrinsics.read_text())["color"]
        x, y, z = joint_3d[0].T
        u, v = colour["fx"] * x / z + colour["ppx"], colour["fy"] * y / z + colour["ppy"]
        np.testing.assert_allclose(joint_2d[0], np.stack([u, v], -1), atol=1e-2)
        assert 0.07 < np.linalg.norm(joint_3d[0, 9] - joint_3d[0, 0]) < 0.12, "metres"
        column, row = np.round(joint_2d[0]).astype(int).T
        inside = (column >= 0) & (column < 640) & (row >= 0) & (row < 480)
        assert (seg[row[inside], column[inside]] == 255).all()
        flesh = depth_mm[row[inside], column[inside]] - 1000 * z[inside]
        assert np.median(flesh) > -80 and flesh.max() < 0, "millimetres; the skin is before the joint"
    assert (hands, absent) == (48, 12)


def test_dexycb_sides_are_those_of_the_joints(dexycb):
    """Palm to the viewer, a right hand's thumb is on the other side than a left one's."""
    turns = {"right": [], "left": []}
    for path in sorted(dexycb.glob("*-subject-*/*/*/labels_*.npz")):
        joints = np.load(path)["joint_3d"][0]
        if (joints != -1).all():
            side = yaml.safe_load((path.parents[1] / "meta.yml").read_text())["mano_sides"][0]
            turns[side].append(1000 * palmward(joints))
    for side, sign in (("right", 1), ("left", -1)):
        bent = [turn for turn in turns[side] if abs(turn) > MIN_BENT_MM]
        assert len(bent) > 6 and (sign * np.array(bent) > 0).all()


def palmward(joints: np.ndarray) -> float:
    """How far the tips lie off the plane of wrist and knuckles, positive on the palm's side of a right hand.

    Seen from the palm, fingers up, a right hand has its index on the right: x right, y down, z away.
    """
    normal = np.cross(joints[5] - joints[17], joints[9] - joints[0])
    tips = (joints[[8, 12, 16, 20]] - joints[[5, 9, 13, 17]]).mean(axis=0)
    return float(tips @ normal / np.linalg.norm(normal))


def test_assemblyhands_tree_and_keys(assemblyhands):
    skeleton = (assemblyhands / "annotations/skeleton.txt").read_text().splitlines()
    joints = [line.split(" ") for line in skeleton if not line.startswith("#")]
    assert [int(number) for _, number, _ in joints] == list(range(42))
    assert [int(parent) for *_, parent in joints[:5]] == [1, 2, 3, 20, 5] and joints[41][2] == "-1"
    for split in ("train", "val"):
        content = {
            name: json.loads(
                (assemblyhands / f"annotations/{split}/assemblyhands_{split}_{name}_v1-1.json").read_text()
            )
            for name in ("ego_data", "ego_calib", "joint_3d")
        }
        for image in content["ego_data"]["images"]:
            assert image.keys() == {"id", "file_name", "width", "height", "seq_name", "camera", "frame_idx"}
            expected = (
                f"ego_images_rectified/{split}/{image['seq_name']}/{image['camera']}_mono10bit/"
                f"{image['frame_idx']:06d}.jpg"
            )
            assert image["file_name"] == expected
            with Image.open(assemblyhands / "images" / expected) as picture:
                assert picture.mode == "L" and picture.size == (image["width"], image["height"]) == (480, 636)
        boxes = [found["bbox"] for found in content["ego_data"]["annotations"]]
        assert all(set(box) == {"right", "left"} for box in boxes)
        assert all(len(found["joint_valid"]) == 42 for found in content["ego_data"]["annotations"])
        assert any(box["right"] and box["left"] for box in boxes) and any(
            None in box.values() for box in boxes
        )


def test_assemblyhands_geometry(assemblyhands):
    """Millimetres in a world frame, cameras R X + t that move, joints where the picture shows a hand."""
    contrast, bent = [], {"right": 0, "left": 0}
    for split in ("train", "val"):
        stem = f"{assemblyhands}/annotations/{split}/assemblyhands_{split}"
        data, calib, joints = (
            json.loads(Path(f"{stem}_{name}_v1-1.json").read_text())
            for name in ("ego_data", "ego_calib", "joint_3d")
        )
        images = {image["id"]: image for image in data["images"]}
        for found in data["annotations"]:
            image = images[found["image_id"]]
            frame, camera = f"{image['frame_idx']:06d}", image["camera"] + "_mono10bit"
            cameras = calib["calibration"][image["seq_name"]]
            pose = np.array(cameras["extrinsics"][frame][camera])
            np.testing.assert_allclose(pose[:, :3] @ pose[:, :3].T, np.eye(3), atol=1e-9)
            assert np.linalg.det(pose[:, :3]) > 0
            world = np.array(joints["annotations"][image["seq_name"]][frame]["world_coord"])
            picture = np.asarray(Image.open(assemblyhands / "images" / image["file_name"])).astype(float)
            for side, first in (("right", 0), ("left", 21)):
                if found["bbox"][side] is None:
                    continue
                hand = world[first : first + 21]
                assert 70 < np.linalg.norm(hand[20] - hand[11]) < 120, "millimetres, wrist to middle knuckle"
                turn = palmward(hand[WRIST_FIRST])
                assert abs(turn) < MIN_BENT_MM or (turn > 0) == (side == "right")
                bent[side] += abs(turn) > MIN_BENT_MM
                seen = (hand @ pose[:, :3].T + pose[:, 3]) @ np.array(cameras["intrinsics"][camera]).T
                pixels = seen[:, :2] / seen[:, 2:]
                valid = np.array(found["joint_valid"][first : first + 21]) > 0
                assert (valid == ((pixels >= 0) & (pixels < [480, 636])).all(-1)).all()
                x0, y0, x1, y1 = found["bbox"][side]
                assert (pixels[valid] >= [x0, y0]).all() and (pixels[valid] <= [x1, y1]).all()
                column, row = pixels[valid].astype(int).T
                contrast.append(picture[row, column].mean() - np.median(picture))
        poses = [np.array(one) for cameras in calib["calibration"].values() for one in moving(cameras)]
        assert len({pose.tobytes() for pose in poses}) == len(poses), "every frame has its own"
    assert min(contrast) > 25 and min(bent.values()) > 3


def moving(cameras) -> list:
    """The poses of one camera in every frame."""
    name = next(iter(cameras["intrinsics"]))
    return [poses[name] for poses in cameras["extrinsics"].values()]
