import subprocess
import sys

import pytest

from simhand.settings.world import WorldSettings
from simhand.world.catalogue import recording_of, split_video_id, video_ids


def test_more_recordings_append_and_rename_none():
    few, many = video_ids(WorldSettings(recordings=9)), video_ids(WorldSettings(recordings=120))
    assert many[: len(few)] == few
    assert len(set(many)) == len(many)


def test_default_world_has_a_stereo_recording():
    ids = video_ids(WorldSettings())
    assert {"rec07_cam0", "rec07_cam1"} <= set(ids)
    assert recording_of("rec07_cam0") == recording_of("rec07_cam1") == "rec07"


def test_no_stereo_when_switched_off():
    assert all(name.endswith("cam0") for name in video_ids(WorldSettings(stereo_every=0)))


def test_recording_numbers_beyond_99():
    assert split_video_id("rec123_cam1") == (123, 1)
    assert recording_of("rec123_cam1") == "rec123"


@pytest.mark.parametrize("name", ["rec7_cam0", "rec07", "holiday", "rec07_cam0.mp4"])
def test_foreign_names_are_refused(name):
    with pytest.raises(ValueError, match="rendered world"):
        split_video_id(name)


def test_catalogue_needs_neither_numpy_nor_torch(repository):
    code = (
        "import sys; sys.path.insert(0, 'workflow_scripts'); import simhand.world.catalogue; "
        "sys.exit(any(name in sys.modules for name in ('numpy', 'torch', 'av', 'PIL')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=repository).returncode == 0
