"""A world of two short recordings, rendered once."""

from pathlib import Path

import pytest
import torch

from simhand.settings.world import LabelledSetSettings, WorldSettings
from simhand.world.catalogue import video_ids
from simhand.world.videos import render_video


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small_world() -> WorldSettings:
    labels = LabelledSetSettings(unique_training=6, evaluation=2, image_size_px=128, masks=True)
    return WorldSettings(
        recordings=2, stereo_every=2, duration_s=3, fps=2, width_px=240, height_px=180, labels=labels
    )


@pytest.fixture(scope="session")
def rendered(small_world, tmp_path_factory) -> tuple[Path, dict[str, list[dict]]]:
    folder = tmp_path_factory.mktemp("videos")
    truth = {name: render_video(small_world, name, folder / f"{name}.mp4") for name in video_ids(small_world)}
    return folder, truth
