"""The crops stage with MediaPipe on rendered hands, whose truth is known, and on bad frames."""

import subprocess
import sys

import numpy as np
import pytest
from hand_frames import box_of, paired_with_truth, rows_of, run_crops, write_frames

from simhand.errors import DataError
from simhand.hands.crop import crop_window, cut_out
from simhand.hands.hand_id import hand_id
from simhand.hands.images import decode_rgb, encode_rgb

pytestmark = pytest.mark.xdist_group("crop_shard")

EMPTY = encode_rgb(np.full((120, 160, 3), 90, np.uint8), 90)


def test_sides_are_the_persons_own(rendered, rendered_hands):
    """MediaPipe names sides as in a mirrored image; uncorrected, nearly every side would be wrong."""
    pairs = paired_with_truth(rendered_hands, rendered[1])
    right = [hand["side"] == true["side"] for hand, true in pairs]
    assert len(pairs) >= 10
    assert {true["side"] for _, true in pairs} == {"left", "right"}
    assert np.mean(right) >= 0.95


def test_most_hands_in_view_are_found_where_they_are(rendered, rendered_hands):
    truth = [true for true in rendered[1] if true["in_view"]]
    pairs = paired_with_truth(rendered_hands, truth)
    assert len(pairs) >= 0.8 * len(truth)
    for hand, true in pairs:
        landmarks = np.array(hand["landmarks"]).reshape(21, 3)
        joints = np.array(true["joints_2d_px"]).reshape(21, 2)
        error_px = np.linalg.norm(landmarks[:, :2] - joints, axis=1).mean()
        assert error_px < 0.25 * np.ptp(joints, axis=0).max()


def test_box_window_and_picture_belong_together(rendered, rendered_hands):
    frames = {(row["video_id"], row["frame_index"]): row["jpeg"] for row in rows_of(rendered[0], "frames")}
    assert rendered_hands
    for hand in rendered_hands:
        landmarks = np.array(hand["landmarks"]).reshape(21, 3)[:, :2]
        box = np.concatenate([landmarks.min(axis=0), landmarks.max(axis=0)])
        np.testing.assert_allclose(box_of(hand), box, atol=1e-3)
        frame = decode_rgb(frames[hand["video_id"], hand["frame_index"]])
        height, width = frame.shape[:2]
        window = crop_window(tuple(box_of(hand).tolist()), 1.3, "pad", width, height)
        assert tuple(hand["window"]) == pytest.approx(window, abs=1)
        crop = decode_rgb(hand["jpeg"])
        assert crop.shape == (224, 224, 3)
        window = tuple(map(int, hand["window"]))
        expected = cut_out(frame, window, 224, "pad", mirrored=hand["side"] == "left").astype(int)
        assert np.abs(crop - expected).mean() < 3
        assert np.abs(crop[:, ::-1] - expected).mean() > 6
        assert 0.5 <= hand["score"] <= 1


def test_rows_stand_in_the_order_of_the_frames(rendered, rendered_hands):
    order = [(row["video_id"], row["frame_index"]) for row in rows_of(rendered[0], "frames")]
    places = [order.index((hand["video_id"], hand["frame_index"])) for hand in rendered_hands]
    assert places == sorted(places)
    assert len({hand["hand_id"] for hand in rendered_hands}) == len(rendered_hands)


def test_status_counts_frames_and_hands(rendered, rendered_crops, rendered_hands):
    for row in rendered_crops[1]:
        hands = sum(hand["video_id"] == row["video_id"] for hand in rendered_hands)
        reason = "" if hands else "no hands found"
        assert row == {"video_id": row["video_id"], "ok": True, "frames": 3, "hands": hands, "reason": reason}


def test_bytes_do_not_depend_on_threads(rendered, rendered_crops, tmp_path):
    crops, _ = run_crops(rendered[0], tmp_path, threads=2)
    assert crops.read_bytes() == rendered_crops[0].read_bytes()


@pytest.fixture(scope="module")
def odd_frames(rendered, rendered_hands):
    """An empty frame, frames of before, one that stands for three seconds, and one that is no picture."""
    same = [
        (row["video_id"], row["frame_index"], row["jpeg"]) for row in rows_of(rendered[0], "frames")[3:12]
    ]
    known = {(hand["video_id"], hand["frame_index"]) for hand in rendered_hands}
    jpeg = next(jpeg for video_id, index, jpeg in same if (video_id, index) in known)
    held = [("held", 0, jpeg), ("held", 0, jpeg), ("held", 0, jpeg), ("held", 3, jpeg)]
    return [("empty", 0, EMPTY), *same, *held, ("broken", 0, b"\xff\xd8 no picture")]


@pytest.fixture(scope="module")
def odd(odd_frames, rendered_hands, tmp_path_factory):
    """Their crops, those with a low score left out and the others stored smaller, and their status."""
    folder = tmp_path_factory.mktemp("odd")
    limit = sorted(hand["score"] for hand in rendered_hands)[len(rendered_hands) // 3]
    crops, status = run_crops(
        write_frames(folder / "frames.arrow", odd_frames), folder, min_score=limit, size_px=64
    )
    return rows_of(crops), {row["video_id"]: row for row in status}, limit


def test_ids_are_stable_under_new_videos_and_thresholds(odd, odd_frames, rendered_hands):
    """Other videos, a threshold and another size change neither who is who nor what is found."""
    hands, _, limit = odd
    shown = {(video_id, index) for video_id, index, _ in odd_frames}
    of_before = [hand for hand in rendered_hands if (hand["video_id"], hand["frame_index"]) in shown]
    expected = [hand["hand_id"] for hand in of_before if hand["score"] >= limit]
    assert 0 < len(expected) < len(of_before)
    assert [hand["hand_id"] for hand in hands if hand["video_id"].startswith("rec")] == expected
    assert {decode_rgb(hand["jpeg"]).shape for hand in hands} == {(64, 64, 3)}


def test_a_frame_that_stands_for_several_seconds_gives_its_hands_once(odd):
    hands, status, _ = odd
    ids = [hand["hand_id"] for hand in hands if hand["video_id"] == "held"]
    first = [hand["hand_id"] for hand in hands if (hand["video_id"], hand["frame_index"]) == ("held", 0)]
    assert len(set(ids)) == len(ids) == 2 * len(first) > 0
    assert set(ids) <= {hand_id("held", frame, number) for frame in (0, 3) for number in range(4)}
    assert status["held"]["frames"] == 2


def test_no_hands_and_no_picture_are_told_apart(odd):
    _, status, _ = odd
    nothing = {"frames": 1, "hands": 0}
    assert status["empty"] == {"video_id": "empty", "ok": True, **nothing, "reason": "no hands found"}
    assert not status["broken"]["ok"]
    assert status["broken"]["reason"].startswith("1 frames failed: DataError: a packed image of 13 bytes")
    assert all(row["ok"] for name, row in status.items() if name != "broken")


def test_no_frames_no_hands(tmp_path):
    crops, status = run_crops(write_frames(tmp_path / "frames.arrow", []), tmp_path)
    assert rows_of(crops) == []
    assert status == []


def test_a_video_without_frames_has_its_row_and_does_not_fail_twice(tmp_path):
    """Failures of the stage before count neither against this one nor for it."""
    failed = {f"bad{number}": "0 bytes" for number in range(9)}
    frames = write_frames(tmp_path / "frames.arrow", [("empty", 0, EMPTY)], failed)
    crops, status = run_crops(frames, tmp_path, max_failed_fraction=0)
    assert rows_of(crops) == []
    assert status[0] == {"video_id": "empty", "ok": True, "frames": 1, "hands": 0, "reason": "no hands found"}
    assert status[1:] == [
        {"video_id": name, "ok": False, "frames": 0, "hands": 0, "reason": "no frames: 0 bytes"}
        for name in failed
    ]


def test_frames_and_a_status_of_another_run_are_refused(tmp_path):
    frames = write_frames(tmp_path / "frames.arrow", [("a", 0, EMPTY)])
    write_frames(tmp_path / "other.arrow", [("b", 0, EMPTY)])
    (tmp_path / "other.status.parquet").replace(tmp_path / "frames.status.parquet")
    with pytest.raises(DataError, match="has 1 videos, such as 'a', that .* does not list"):
        run_crops(frames, tmp_path)


def test_the_script_is_quiet(rendered, repository, tmp_path):
    """MediaPipe writes warnings from C++ to the terminal; the log of a shard must not be full of them."""
    write_frames(
        tmp_path / "few.arrow",
        [(r["video_id"], r["frame_index"], r["jpeg"]) for r in rows_of(rendered[0], "frames")[3:6]],
    )
    script = repository / "workflow_scripts" / "crop_hands.py"
    inputs = ["--frames", tmp_path / "few.arrow", "--frames-status", tmp_path / "few.status.parquet"]
    outputs = ["--crops", tmp_path / "c.arrow", "--status", tmp_path / "s.parquet"]
    done = subprocess.run([sys.executable, script, *inputs, *outputs], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if not line.startswith("crop_hands: ")] == []
    assert len(rows_of(tmp_path / "c.arrow")) > 0
