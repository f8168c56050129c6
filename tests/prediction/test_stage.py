"""Pictures and videos to a table and drawings; what cannot be read is told and costs the others nothing."""

import argparse
import math
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from told_detector import ToldDetector

import predict_hands
from simhand.errors import DataError, NothingFoundError
from simhand.files.table_writer import ROWS_PER_GROUP, table_writer
from simhand.files.tables import read_table
from simhand.prediction.inputs import find_inputs
from simhand.prediction.predictor import HandPredictor
from simhand.prediction.stage import PredictionStage

PTS = [500, 540, 580, 700, 1000, 1001, 1040]


@pytest.fixture
def stage(model, told_hand):
    detector = ToldDetector(told_hand(20, 30, "left"), told_hand())
    return PredictionStage(detector, HandPredictor(model, None, torch.device("cpu")))


def write_picture(path: Path, picture: np.ndarray) -> None:
    cv2.imwrite(str(path), picture)


def write_clip(path: Path, frames: list[np.ndarray], pts: list[int]) -> None:
    """A clip whose time stamps are thousandths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "0"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv444p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for image, at in zip(frames, pts, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_pictures_with_without_and_not_pictures(stage, noise, tmp_path):
    write_picture(tmp_path / "hands.png", noise())
    write_picture(tmp_path / "black.png", np.zeros((90, 70, 3), np.uint8))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    inputs, _ = find_inputs([tmp_path], tmp_path / "out")
    outcome = stage.run(inputs, tmp_path / "out")
    assert outcome.hands == 2
    assert [path.name for path in outcome.without_hands] == ["black.png"]
    assert {path.name: reason[:15] for path, reason in outcome.failed.items()} == {
        "broken.jpg": "not an image th",
        "empty.jpg": "not an image th",
        "broken.mp4": "not a video",
    }
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"hands.parquet", "hands.jpg", "black.jpg"}
    table = read_table(tmp_path / "out/hands.parquet", "predicted_hands").to_pylist()
    assert [(Path(row["picture"]).name, row["hand"], row["side"]) for row in table] == [
        ("hands.png", 0, "left"),
        ("hands.png", 1, "right"),
    ]
    assert [(row["x1"], row["y2"], row["score"]) for row in table] == [(20, 70, 0.9), (60, 90, 0.9)]
    for row in table:
        assert (row["frame"], row["time_s"], row["root_source"]) == (None, None, None)
        assert row["scale_source"] == "predicted" and np.isnan(row["root_m"]).all()
        assert np.isfinite(row["joints_3d_m"]).all() and np.isfinite(row["prediction_2d"]).all()


def test_a_drawing_shows_the_picture_its_hands_and_both_of_them_from_two_sides(stage, noise, tmp_path):
    write_picture(tmp_path / "hands.png", noise())
    write_picture(tmp_path / "black.png", np.zeros((120, 160, 3), np.uint8))
    stage.run(find_inputs([tmp_path], tmp_path / "out")[0], tmp_path / "out")
    drawn, black = (cv2.imread(str(tmp_path / f"out/{name}.jpg")) for name in ("hands", "black"))
    # 480 high, so the picture is 640 wide, and each hand adds a column of 240
    assert drawn.shape == (480, 640 + 2 * 240, 3) and black.shape == (480, 640 + 240, 3)
    coloured = np.ptp(drawn[:, 640:].astype(int), axis=2) > 60
    assert coloured[:240, :240].any() and coloured[240:, :240].any() and coloured[:, 240:].any()
    assert not (np.ptp(black[:, 660:].astype(int), axis=2) > 60).any()
    plain = cv2.resize(
        cv2.cvtColor(noise(), cv2.COLOR_RGB2BGR)[:, :, ::-1], (640, 480), interpolation=cv2.INTER_CUBIC
    )
    changed = (np.abs(drawn[:, :640].astype(int) - plain).max(axis=2) > 90).mean()
    assert 0.005 < changed < 0.6


@pytest.mark.parametrize("size", [(121, 161), (1101, 50)])
def test_a_video_keeps_its_time_stamps_and_gets_even_sizes(stage, tmp_path, size):
    frames = [np.full((*size, 3), 200, np.uint8) for _ in PTS]
    frames[2] = np.zeros_like(frames[2])
    write_clip(tmp_path / "clip.mkv", frames, PTS)
    outcome = stage.run(find_inputs([tmp_path], tmp_path / "out")[0], tmp_path / "out")
    assert not outcome.failed and outcome.hands == 12
    with av.open(str(tmp_path / "out/clip.mp4")) as container:
        (stream,) = container.streams
        assert stream.codec_context.name == "h264" and stream.codec_context.pix_fmt == "yuv420p"
        assert stream.width % 2 == 0 and stream.height % 2 == 0 and 480 <= stream.height <= 1080
        times = [float(frame.pts * frame.time_base) for frame in container.decode(stream)]
    assert times == pytest.approx([pts / 1000 for pts in PTS], abs=1e-6)
    data = (tmp_path / "out/clip.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    table = read_table(tmp_path / "out/hands.parquet", "predicted_hands")
    assert table["frame"].to_pylist() == [0, 0, 1, 1, 3, 3, 4, 4, 5, 5, 6, 6]
    assert table["time_s"].to_pylist()[::2] == [pts / 1000 for pts in PTS if pts != 580]


def test_frames_of_one_time_are_drawn_once_and_told(stage, tmp_path, caplog, monkeypatch):
    write_clip(tmp_path / "clip.mkv", [np.full((120, 160, 3), 200, np.uint8)] * 3, [0, 40, 80])
    from simhand.videos.pyav_decode import PyavVideo

    real = PyavVideo.frames

    def twice(video):
        for frame in real(video):
            yield frame
            yield frame

    monkeypatch.setattr(PyavVideo, "frames", twice)
    stage.run(find_inputs([tmp_path], tmp_path / "out")[0], tmp_path / "out")
    assert "3 frames not drawn that have the time of the one before" in caplog.text
    with av.open(str(tmp_path / "out/clip.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 3


def test_the_command_reports_what_failed_and_what_has_no_hand(
    tmp_path, noise, checkpoint, monkeypatch, told_hand
):
    hands = [told_hand()]
    monkeypatch.setattr(predict_hands, "make_detector", lambda settings: ToldDetector(*hands))
    write_picture(tmp_path / "good.png", noise())
    (tmp_path / "broken.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"1 of 2 inputs .* \(the others are done\): .*broken.png"):
        command(tmp_path / "out", checkpoint, tmp_path / "good.png", tmp_path / "broken.png")
    assert (tmp_path / "out/good.jpg").exists()
    command(tmp_path / "out", checkpoint, tmp_path / "good.png", fov=60.0)
    (row,) = read_table(tmp_path / "out/hands.parquet", "predicted_hands").to_pylist()
    assert row["root_source"] == "predicted" and 0.05 <= row["root_m"][2] <= 10
    hands.clear()
    with pytest.raises(NothingFoundError, match="no hand found; a hand should be seen whole"):
        command(tmp_path / "out", checkpoint, tmp_path / "good.png")


def command(out: Path, checkpoint: Path, *inputs: Path, fov: float | None = None) -> None:
    predict_hands.main(
        argparse.Namespace(
            inputs=list(inputs),
            run_dir=out.parent,
            model=str(checkpoint),
            out=out,
            max_hands=4,
            fov=fov,
            intrinsics=None,
            device="cpu",
            threads=1,
        )  # fmt: skip
    )


def test_a_long_table_is_written_group_by_group(tmp_path):
    rows = ROWS_PER_GROUP + 3
    with table_writer(tmp_path / "groups.parquet", "groups") as table:
        for row in range(rows):
            table.append({"video_id": str(row), "group_id": "x"})
    found = read_table(tmp_path / "groups.parquet", "groups")
    assert found["video_id"].to_pylist() == [str(row) for row in range(rows)]
    with pytest.raises(ZeroDivisionError), table_writer(tmp_path / "broken.parquet", "groups"):
        math.floor(1 / 0)
    assert [path.name for path in tmp_path.iterdir()] == ["groups.parquet"]


@pytest.mark.realdata
def test_real_clips_are_predicted_with_their_hands_found(realdata, checkpoint, tmp_path):
    clip = tmp_path / "clip.mp4"
    with av.open(str(realdata / "videos/exo_dexretarget_free_hand.mp4")) as container:
        frames = []
        for frame in container.decode(video=0):
            frames.append(frame.to_ndarray(format="rgb24"))
            if len(frames) == 5:
                break
    even = [frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2] for frame in frames]
    write_clip(clip, even, [40 * place for place in range(5)])
    write_picture(tmp_path / "still.png", even[0][:, :, ::-1])
    command(tmp_path / "out", checkpoint, clip, tmp_path / "still.png")
    rows = read_table(tmp_path / "out/hands.parquet", "predicted_hands").to_pylist()
    assert [row["frame"] for row in rows] == [0, 1, 2, 3, 4, None]
    for row in rows:
        low, high = np.array([row["x1"], row["y1"]]), np.array([row["x2"], row["y2"]])
        points, middle, side = np.reshape(row["prediction_2d"], (21, 2)), (low + high) / 2, (high - low).max()
        assert (np.abs(points - middle) <= side * 1.001).all()
