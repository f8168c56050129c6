"""Which videos the rendered world holds; read while the DAG is built, so it imports no heavy package."""

import re

from simhand.settings.world import WorldSettings

_VIDEO_ID = re.compile(r"rec(\d{2,})_cam(\d)")


def video_ids(settings: WorldSettings) -> list[str]:
    """Ids of all videos in order; asking for more recordings appends and renames none."""
    return [
        f"rec{number:02d}_cam{camera}"
        for number in range(settings.recordings)
        for camera in range(camera_count(settings, number))
    ]


def camera_count(settings: WorldSettings, number: int) -> int:
    """How many cameras see recording ``number``: two for every ``stereo_every``-th, else one."""
    every = settings.stereo_every
    return 2 if every and number % every == every - 1 else 1


def recording_of(video_id: str) -> str:
    """The recording that ``video_id`` shows: ``rec07`` for ``rec07_cam1``."""
    return f"rec{split_video_id(video_id)[0]:02d}"


def split_video_id(video_id: str) -> tuple[int, int]:
    """Recording number and camera number of ``video_id``.

    Raises:
        ValueError: the id is not of the rendered world.
    """
    match = _VIDEO_ID.fullmatch(video_id)
    if match is None:
        raise ValueError(f"'{video_id}' is no video of the rendered world; expected a name like rec07_cam0")
    return int(match[1]), int(match[2])
