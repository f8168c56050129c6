"""The keypoints stage: landmarks of the detector mapped, MediaPipe asked again, and hands without any."""

import numpy as np
import pytest

from simhand.errors import ConfigError, DataError
from simhand.files.packed import packed_writer
from simhand.files.tables import read_table, write_table
from simhand.hands.keypoint_shard import KeypointsFiles, estimate_shard
from simhand.hands.make_detector import make_detector
from simhand.hands.make_estimator import make_estimator
from simhand.settings.crops import CropsSettings
from simhand.settings.keypoints import KeypointsSettings


def write_crops(path, hands, without=()):
    """A packed file of crops and its status beside it; ``without``: status rows of videos without hands."""
    with packed_writer(path, "crops") as writer:
        for hand in hands:
            writer.append(hand)
    names = dict.fromkeys(hand["video_id"] for hand in hands)
    rows = [{"video_id": name, "ok": True, "frames": 1, "hands": 1, "reason": ""} for name in names]
    write_table(path.with_suffix(".status.parquet"), "status", [*rows, *without])
    return path


def estimate(crops, folder, threads=1, files=(), **settings):
    keypoints, status = folder / "keypoints.parquet", folder / "keypoints.status.parquet"
    paths = KeypointsFiles(crops, crops.with_suffix(".status.parquet"), keypoints, status, files)
    estimate_shard(paths, KeypointsSettings(**settings), threads)
    return read_table(keypoints, "keypoints").to_pylist(), read_table(status, "status").to_pylist()


def points(row):
    return np.array(row["keypoints"]).reshape(21, 2)


@pytest.fixture(scope="module")
def mapped(rendered_crops, tmp_path_factory):
    return estimate(rendered_crops[0], tmp_path_factory.mktemp("keypoints"))


def test_detector_landmarks_are_mapped_into_the_crop(rendered_hands, mapped):
    rows, status = mapped
    assert [row["hand_id"] for row in rows] == [hand["hand_id"] for hand in rendered_hands]
    for row, hand in zip(rows, rendered_hands, strict=True):
        x1, y1, x2, _ = hand["window"]
        side_px = x2 - x1
        x, y, z = np.array(hand["landmarks"]).reshape(21, 3).T
        expected_x = (x2 - x) / side_px if hand["side"] == "left" else (x - x1) / side_px
        np.testing.assert_allclose(points(row), np.column_stack([expected_x, (y - y1) / side_px]), atol=1e-6)
        np.testing.assert_allclose(row["z"], z / side_px, atol=1e-6)
        assert row["valid"]
        assert {name: row[name] for name in ("video_id", "timestamp_s", "side", "score")} == {
            name: hand[name] for name in ("video_id", "timestamp_s", "side", "score")
        }
        low, high = points(row).min(axis=0), points(row).max(axis=0)
        assert (low > 0.05).all() and (high < 0.95).all()
        assert (high - low).max() == pytest.approx(1 / 1.3, abs=0.02)
    for row in status:
        mine = [hand for hand in rendered_hands if hand["video_id"] == row["video_id"]]
        assert (row["ok"], row["hands"], row["frames"]) == (
            True,
            len(mine),
            len({h["frame_index"] for h in mine}),
        )


def test_landmarks_that_are_not_finite_are_no_keypoints(rendered_hands, tmp_path):
    broken = {**rendered_hands[0], "landmarks": [float("nan"), *rendered_hands[0]["landmarks"][1:]]}
    rows, status = estimate(write_crops(tmp_path / "crops.arrow", [broken, *rendered_hands[1:3]]), tmp_path)
    assert [row["valid"] for row in rows] == [False, True, True]
    assert np.isnan(points(rows[0])).all() and sum(row["hands"] for row in status) == 2


def test_left_hands_are_shown_as_right_ones(rendered_hands, mapped):
    """In a right hand that shows its palm upright, the thumb is on one side; mirrored left ones agree."""
    turns = {"left": [], "right": []}
    for row, hand in zip(mapped[0], rendered_hands, strict=True):
        joints = np.column_stack([points(row), row["z"]])
        palm = np.linalg.det([joints[5] - joints[0], joints[17] - joints[0], joints[8] - joints[5]])
        turns[hand["side"]].append(palm > 0)
    assert min(map(len, turns.values())) >= 4
    assert abs(np.mean(turns["left"]) - np.mean(turns["right"])) < 0.4


def test_mediapipe_again_agrees_with_the_first_time(rendered_hands, mapped, tmp_path):
    """And a crop that is no picture fails its own video only."""
    broken = {**rendered_hands[0], "hand_id": 5, "video_id": "broken", "jpeg": b"none"}
    crops = write_crops(tmp_path / "crops.arrow", [*rendered_hands, broken])
    rows, status = estimate(crops, tmp_path, estimator="mediapipe")
    assert not rows[-1]["valid"]
    assert not status[-1]["ok"]
    assert status[-1]["reason"].startswith("1 crops failed: DataError: a packed image of 4 bytes")
    assert all(row["ok"] for row in status[:-1])
    valid = [row["valid"] for row in rows[:-1]]
    assert np.mean(valid) > 0.7
    pairs = zip(rows[:-1], mapped[0], strict=True)
    errors = [np.abs(points(again) - points(first)).mean() for again, first in pairs if again["valid"]]
    assert np.median(errors) < 0.05
    assert sum(row["hands"] for row in status) == sum(valid)
    assert [row["side"] for row in rows[:-1]] == [hand["side"] for hand in rendered_hands]


def test_hands_without_keypoints_stay_as_invalid_rows(rendered_hands, tmp_path):
    hands = [
        dict(rendered_hands[0]),
        {**rendered_hands[0], "hand_id": 5, "video_id": "bare", "landmarks": None},
    ]
    rows, status = estimate(write_crops(tmp_path / "crops.arrow", hands), tmp_path)
    assert [row["valid"] for row in rows] == [True, False]
    assert rows[1]["hand_id"] == 5
    assert np.isnan(rows[1]["keypoints"]).all() and np.isnan(rows[1]["z"]).all()
    assert status[1] == {
        "video_id": "bare",
        "ok": True,
        "frames": 1,
        "hands": 0,
        "reason": "no keypoints found",
    }


def test_crops_without_any_landmarks_name_the_way_out(rendered_hands, tmp_path):
    crops = write_crops(tmp_path / "crops.arrow", [{**rendered_hands[0], "landmarks": None}])
    with pytest.raises(DataError, match="set keypoints.estimator: mediapipe"):
        estimate(crops, tmp_path)


def test_too_many_broken_videos_stop_the_shard(rendered_hands, tmp_path):
    broken = [
        {**rendered_hands[0], "hand_id": n, "video_id": f"broken{n}", "jpeg": b"none"} for n in range(3)
    ]
    crops = write_crops(tmp_path / "two.arrow", broken[:2])
    assert [row["ok"] for row in estimate(crops, tmp_path, estimator="mediapipe")[1]] == [False, False]
    (tmp_path / "three").mkdir()
    crops = write_crops(tmp_path / "three.arrow", broken)
    with pytest.raises(DataError, match="3 of 3 videos failed, more than keypoints.max_failed_fraction"):
        estimate(crops, tmp_path / "three", estimator="mediapipe")
    assert list((tmp_path / "three").iterdir()) == [], "no part of what failed"


def test_a_name_without_code_behind_it_is_refused(tmp_path):
    """As when someone adds a name to the settings alone; it must not turn into MediaPipe."""
    with pytest.raises(ConfigError, match="crops.detector: no detector 'new'"):
        make_detector(CropsSettings().model_copy(update={"detector": "new"}))
    with pytest.raises(ConfigError, match="keypoints.estimator: no estimator 'new'"):
        make_estimator(KeypointsSettings().model_copy(update={"estimator": "new"}), tmp_path / "crops.arrow")


def test_videos_without_crops_say_what_became_of_them(rendered_hands, tmp_path):
    def row(name, ok, reason):
        return {"video_id": name, "ok": ok, "frames": 0, "hands": 0, "reason": reason}

    without = [row("none", True, "no hands found"), row("bad", False, "no frames: 0 bytes")]
    crops = write_crops(tmp_path / "crops.arrow", rendered_hands[:1], without)
    rows, status = estimate(crops, tmp_path, max_failed_fraction=0)
    assert len(rows) == 1
    assert status[1:] == [
        row("none", True, "no crops: no hands found"),
        row("bad", False, "no crops: no frames: 0 bytes"),
    ]


def test_no_crops_no_rows(tmp_path):
    assert estimate(write_crops(tmp_path / "crops.arrow", []), tmp_path) == ([], [])
    assert estimate(tmp_path / "crops.arrow", tmp_path, estimator="mediapipe") == ([], [])
