"""Rendered videos, their truth, and what does not change them."""

import subprocess
import sys
from collections import Counter

import av
import numpy as np
import pytest
import torch

from simhand.files.tables import make_table, read_table
from simhand.settings.world import WorldSettings
from simhand.world.catalogue import video_ids
from simhand.world.motion import plan_recording
from simhand.world.videos import Scene, render_video


def decode(path) -> tuple[list[np.ndarray], av.video.stream.VideoStream]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)], stream


def test_videos_decode_as_asked(small_world, rendered):
    folder, truth = rendered
    assert list(truth) == ["rec00_cam0", "rec01_cam0", "rec01_cam1"]
    for name in truth:
        frames, stream = decode(folder / f"{name}.mp4")
        assert stream.codec_context.name == "h264"
        assert float(stream.average_rate) == small_world.fps
        assert len(frames) == round(small_world.duration_s * small_world.fps)
        assert frames[0].shape == (small_world.height_px, small_world.width_px, 3)
        assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 1, "something moves"


def test_truth_is_a_truth_table(rendered):
    rows = [row for truth in rendered[1].values() for row in truth]
    table = make_table("truth", rows)
    assert table.num_rows == len(rows) > 10
    assert set(table.column("side").to_pylist()) == {"left", "right"}
    assert set(table.column("recording").to_pylist()) == {"rec00", "rec01"}


@pytest.mark.parametrize("name", ["rec00_cam0", "rec01_cam1"])
def test_truth_projects_onto_itself(small_world, rendered, name):
    intrinsics = Scene(small_world, name).camera.intrinsics()
    size = np.array([small_world.width_px, small_world.height_px])
    for row in rendered[1][name]:
        points = np.array(row["joints_3d_m"]).reshape(21, 3)
        assert (points[:, 2] > 0.1).all()
        pixels = points @ intrinsics.T
        pixels = pixels[:, :2] / pixels[:, 2:]
        np.testing.assert_allclose(pixels, np.array(row["joints_2d_px"]).reshape(21, 2), atol=1e-2)
        assert row["in_view"] == bool(((pixels >= 0) & (pixels < size)).all())
        assert row["timestamp_s"] == row["frame_index"] / small_world.fps


def test_both_cameras_see_the_same_hands(small_world, rendered):
    cameras = [Scene(small_world, f"rec01_cam{number}").camera for number in (0, 1)]
    pairs = 0
    for row in rendered[1]["rec01_cam0"]:
        for other in rendered[1]["rec01_cam1"]:
            if (row["frame_index"], row["side"]) == (other["frame_index"], other["side"]):
                worlds = [
                    (np.array(r["joints_3d_m"]).reshape(21, 3) - camera.translation_m) @ camera.rotation
                    for r, camera in zip((row, other), cameras, strict=True)
                ]
                np.testing.assert_allclose(*worlds, atol=1e-5)
                assert row["pose_class"] == other["pose_class"] and row["person"] == other["person"]
                pairs += 1
    assert pairs > 3
    assert np.degrees(np.arccos((np.trace(cameras[1].rotation) - 1) / 2)) > 10


def test_bone_lengths_are_constant_within_a_person():
    settings = WorldSettings(recordings=8)
    lengths: dict[str, list[float]] = {}
    for name in video_ids(settings):
        for row in Scene(settings, name).truth():
            joints = np.array(row["joints_3d_m"]).reshape(21, 3)
            lengths.setdefault(row["person"], []).append(float(np.linalg.norm(joints[9] - joints[10])))
    assert len(lengths) > 2
    assert all(max(values) - min(values) < 1e-5 for values in lengths.values())
    assert len({round(values[0], 5) for values in lengths.values()}) == len(lengths)


def test_default_world_has_empty_frames_two_hands_and_enough_hands():
    settings = WorldSettings()
    hands_per_frame: Counter[tuple[str, int]] = Counter()
    frames = complete = 0
    poses, sides, partly = set(), Counter(), 0
    for name in video_ids(settings):
        scene = Scene(settings, name)
        frames += scene.frame_count
        for row in scene.truth():
            hands_per_frame[name, row["frame_index"]] += 1
            poses.add(row["pose_class"])
            sides[row["side"]] += 1
            partly += not row["in_view"]
            complete += row["in_view"] and row["frame_index"] % settings.fps == 0
    assert frames - len(hands_per_frame) > 20, "frames without hands"
    assert sum(count == 2 for count in hands_per_frame.values()) > 40, "frames with two hands"
    assert partly > 10, "hands that enter or leave"
    assert 180 < complete < 320, "hands in view at one frame per second"
    assert len(poses) == 17
    assert 0.6 < sides["left"] / sides["right"] < 1.6


@pytest.mark.parametrize("duration_s", [1.0, 3.0, 10.0, 60.0])
def test_keys_follow_each_other_in_recordings_of_any_length(duration_s):
    settings = WorldSettings(duration_s=duration_s)
    for number in range(16):
        for track in plan_recording(settings, number).tracks:
            assert (np.diff(track.times_s) > 0).all()
            assert track.begin_s <= track.times_s[0] and track.times_s[-1] <= track.end_s + 1e-9


def test_the_same_bytes_again_and_whatever_else_is_in_the_world(small_world, rendered, tmp_path):
    folder, truth = rendered
    larger = small_world.model_copy(update={"recordings": 50})
    again = render_video(larger, "rec00_cam0", tmp_path / "again.mp4")
    assert again == truth["rec00_cam0"]
    assert (tmp_path / "again.mp4").read_bytes() == (folder / "rec00_cam0.mp4").read_bytes()
    other = small_world.model_copy(update={"seed": 1})
    assert Scene(other, "rec00_cam0").truth() != truth["rec00_cam0"]


def test_script_gives_the_same_bytes_with_two_processes(repository, small_world, rendered, tmp_path):
    folder, truth = rendered
    command = [
        sys.executable, "workflow_scripts/render_videos.py", "--settings", small_world.model_dump_json(),
        "--video-ids", "rec00_cam0", "rec01_cam0", "--videos", str(tmp_path / "videos"),
        "--truth", str(tmp_path / "truth.parquet"), "--threads", "2",
    ]  # fmt: skip
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    for name in ("rec00_cam0", "rec01_cam0"):
        assert (tmp_path / "videos" / f"{name}.mp4").read_bytes() == (folder / f"{name}.mp4").read_bytes()
    table = read_table(tmp_path / "truth.parquet", "truth")
    assert table.num_rows == len(truth["rec00_cam0"]) + len(truth["rec01_cam0"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_draws_the_same_picture(small_world):
    on_gpu = small_world.model_copy(update={"device": "cuda"})
    for frame, other in zip(
        Scene(small_world, "rec01_cam0").frames([1, 4]),
        Scene(on_gpu, "rec01_cam0").frames([1, 4]),
        strict=True,
    ):
        difference = np.abs(frame.astype(int) - other)
        assert difference.mean() < 0.2 and np.quantile(difference, 0.999) <= 8
