"""Frames of the rendered world, whose hands are known, taken and searched once."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hand_frames import rows_of, run_crops

from simhand.settings.frames import FramesSettings
from simhand.settings.world import WorldSettings
from simhand.videos.extract import FramesFiles, extract_shard
from simhand.videos.index_table import IndexedVideo
from simhand.world.catalogue import video_ids
from simhand.world.videos import render_video


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The packed frames of seven rendered videos, and the truth about their hands."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("rendered")
    world = WorldSettings(recordings=6, duration_s=3, fps=1)
    videos = [IndexedVideo(name, "demo", str(folder / f"{name}.mp4"), "0000") for name in video_ids(world)]
    truth = [row for video in videos for row in render_video(world, video.video_id, video.path)]
    frames = folder / "frames.arrow"
    files = FramesFiles(frames, folder / "frames.hashes.parquet", folder / "frames.status.parquet")
    extract_shard(videos, files, FramesSettings(), threads=2)
    return frames, truth


@pytest.fixture(scope="session")
def rendered_crops(
    rendered: tuple[Path, list[dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[dict[str, Any]]]:
    """The crops of the rendered frames: the packed file and its status rows."""
    return run_crops(rendered[0], tmp_path_factory.mktemp("crops"))


@pytest.fixture(scope="session")
def rendered_hands(rendered_crops: tuple[Path, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The rows of the crops of the rendered frames."""
    return rows_of(rendered_crops[0])
