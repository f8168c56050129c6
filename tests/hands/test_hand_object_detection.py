"""The hand-object detector as a whole, on weights whose answer is known, and the stage that runs it."""

import numpy as np
import pytest
import torch
from hand_frames import rows_of, write_frames
from patch_detector import HEIGHT_PX, PATCH_PX, frame_with_patches, save_patch_checkpoint

from simhand.errors import ConfigError, DataError
from simhand.files.tables import read_table, write_table
from simhand.hands.crop_shard import CropsFiles, crop_shard
from simhand.hands.detection_shard import detect_shard
from simhand.hands.frame_search import SearchFiles
from simhand.hands.hand_object import proposals
from simhand.hands.hand_object.detector import HandObjectDetector
from simhand.hands.hand_object.image import network_input
from simhand.hands.images import decode_rgb, encode_rgb
from simhand.settings.crops import CropsSettings
from simhand.settings.hand_object_detector import HandObjectDetectorSettings


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_patch_checkpoint(tmp_path_factory.mktemp("weights"))


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(480, 640, (600, 800)), (1080, 1920, (562, 1000)), (1280, 720, (1000, 562)), (300, 300, (600, 600))],
)
def test_frames_are_scaled_as_published(height, width, expected):
    image, scale = network_input(np.zeros((height, width, 3), np.uint8))
    assert tuple(image.shape) == (1, 3, *expected)
    assert scale == pytest.approx(expected[0] / height, abs=0.002)


def test_the_network_sees_bgr_without_the_mean():
    rgb = np.zeros((600, 600, 3), np.uint8) + np.array([10, 20, 30], np.uint8)
    image, _ = network_input(rgb)
    expected = torch.tensor([30 - 102.9801, 20 - 115.9465, 10 - 122.7717])
    torch.testing.assert_close(image, expected.view(1, 3, 1, 1).expand(1, 3, 600, 600))


def test_a_red_and_a_blue_patch_are_a_right_and_a_left_hand(checkpoint, monkeypatch):
    monkeypatch.setattr(proposals, "PROPOSALS", 60)
    detector = HandObjectDetector(checkpoint, torch.device("cpu"), min_score=0.5, max_overlap=0.3)
    found = detector.detect(frame_with_patches(red_at=200, blue_at=600))
    hands = {hand.side: hand for hand in found}
    assert len(found) == 2 and {hand.kind for hand in found} == {"hand"}
    for side, left in (("right", 200), ("left", 600)):
        x1, y1, x2, y2 = hands[side].box
        assert (x1 + x2) / 2 == pytest.approx(left + PATCH_PX / 2, abs=20), side
        assert PATCH_PX / 2 < x2 - x1 < 1.2 * PATCH_PX
        assert (y1, y2) == (0, HEIGHT_PX - 1)
        assert hands[side].score > 0.5
        assert hands[side].contact_state == 3
        assert hands[side].offset == pytest.approx((0, -0.1, 0.05))


@pytest.fixture(scope="module")
def searched(checkpoint, tmp_path_factory):
    """A shard of three videos after the stage: hands, nothing, and a frame that is no image."""
    both, nothing = frame_with_patches(200, 600), np.zeros((16, 1000, 3), np.uint8)
    jpegs = {"a": encode_rgb(both, 95), "b": encode_rgb(nothing, 95), "c": b"broken"}
    files = shard(tmp_path_factory.mktemp("shard"), [(name, 30, jpeg) for name, jpeg in jpegs.items()])
    detect_shard(files, HandObjectDetectorSettings(weights=str(checkpoint), device="cpu"), threads=1)
    return files


def test_the_stage_writes_what_is_found_and_who_failed(searched):
    rows = read_table(searched.found, "detections").to_pylist()
    places = {"video_id": "a", "frame_index": 30, "timestamp_s": 30.0, "contact_state": 3}
    hands = [row for row in rows if row["kind"] == "hand" and row["score"] > 0.5]
    assert [hand["side"] for hand in sorted(hands, key=lambda row: row["x1"])] == ["right", "left"]
    for hand in hands:
        assert places.items() <= hand.items()
        offset = [hand[f"offset_{part}"] for part in ("x", "y", "magnitude")]
        assert offset == pytest.approx([0, -0.1, 0.05])
    things = [row for row in rows if row["kind"] == "object"]
    assert things and all(row["side"] is row["contact_state"] is row["offset_x"] is None for row in things)
    statuses = {row["video_id"]: row for row in read_table(searched.status, "status").to_pylist()}
    assert [statuses[name]["ok"] for name in "abc"] == [True, True, False]
    assert statuses["a"]["hands"] == sum(row["kind"] == "hand" for row in rows if row["video_id"] == "a")
    assert "1 frames failed: DataError" in statuses["c"]["reason"]


def test_its_likely_hands_are_cropped(searched, tmp_path):
    """Those that the authors would show, if no other limit is given; a left hand is mirrored."""
    hands = crops_of(searched, searched.found, tmp_path)
    colours = {hand["side"]: decode_rgb(hand["jpeg"]).mean(axis=(0, 1)).argmax() for hand in hands}
    assert len(hands) == 2 and colours == {"right": 0, "left": 2}
    rows = read_table(searched.found, "detections").to_pylist()
    for row in rows:
        row["score"] = 0.4 if row["side"] == "left" and row["score"] > 0.5 else row["score"]
    write_table(tmp_path / "unsure.parquet", "detections", rows)
    assert [hand["side"] for hand in crops_of(searched, tmp_path / "unsure.parquet", tmp_path)] == ["right"]
    likely = sum(row["kind"] == "hand" and row["score"] > 0.3 for row in rows)
    assert likely > 1
    assert len(crops_of(searched, tmp_path / "unsure.parquet", tmp_path, min_score=0.3)) == likely


def crops_of(searched, detections, folder, **settings):
    """What the crops stage makes of a table of detections."""
    files = CropsFiles(
        *(searched.frames, searched.frames_status),
        *(folder / "crops.arrow", folder / "crops.status.parquet", detections),
    )
    crop_shard(files, CropsSettings(detector="hand_object_detector", **settings), threads=1)
    return rows_of(files.crops)


def test_the_stage_asks_for_weights(tmp_path):
    with pytest.raises(ConfigError, match="hand_object_detector.weights .*issue 38"):
        detect_shard(shard(tmp_path, []), HandObjectDetectorSettings(), threads=1)


def test_wrong_weights_stop_the_stage_with_their_own_words(tmp_path):
    files = shard(tmp_path, [("a", 0, encode_rgb(frame_with_patches(None, None), 95))])
    with pytest.raises(DataError, match="no weights file"):
        detect_shard(files, HandObjectDetectorSettings(weights=str(tmp_path / "absent.pth")), threads=1)


def shard(folder, frames):
    """The files of a shard with these frames."""
    packed = write_frames(folder / "frames.arrow", frames)
    videos = dict.fromkeys(video_id for video_id, _, _ in frames)
    status = folder / "frames.status.parquet"
    write_table(status, "frames_status", [{"video_id": name, "ok": True, "reason": ""} for name in videos])
    return SearchFiles(packed, status, folder / "detections.parquet", folder / "status.parquet")
