"""Lists folders of frames that were taken from videos before, ``<video id>/frame_<number>.jpg``."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from simhand.errors import DataError
from simhand.settings.frames_source import FramesSource
from simhand.videos.frame_names import IMAGE_SUFFIXES, frame_number
from simhand.videos.sources.listed import ListedVideo, by_id
from simhand.videos.sources.mp4_folder import some, what_is_in
from simhand.videos.video_list import read_video_list

log = logging.getLogger("simhand")


def list_frames(name: str, source: FramesSource) -> list[ListedVideo]:
    """The folders of frames below the folder of source ``name``, sorted by their path in it.

    A folder is read up to its first frame only, for there may be millions.

    Raises:
        DataError: there is no such folder, or no frames in its subfolders, or the list is broken.
    """
    root = Path(source.path).expanduser()
    found: dict[str, Path] = {}
    other_images: list[str] = []
    for folder in _frame_folders(root, other_images) if root.is_dir() else ():
        found[folder.relative_to(root).as_posix()] = folder
    if "." in found:
        raise DataError(
            f"sources.{name}.path: expected one folder of frames per video in {root.absolute()}, "
            "found frames directly in it; give the folder above"
        )
    if not found:
        raise DataError(
            f"sources.{name}.path: expected <video id>/frame_000000.jpg, numbered as in the video, in "
            f"{root.absolute()}, found {some(other_images) or what_is_in(root)}; correct the path or rename"
        )
    if source.video_list is not None:
        _check_frame_rates(name, source, found)
    return by_id(name, found)


def _frame_folders(root: Path, other_images: list[str]) -> Iterator[Path]:
    """Folders with a frame in them, which are not looked into further; linked folders are entered once."""
    pending, visited = [root], set()
    while pending:
        folder = pending.pop()
        real = os.path.realpath(folder)
        if real in visited:
            continue
        visited.add(real)
        below: list[Path] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if frame_number(entry.name) is not None:
                    below = []
                    yield folder
                    break
                if entry.name[0] != "." and entry.is_dir():
                    below.append(Path(entry.path))
                elif entry.name.lower().endswith(IMAGE_SUFFIXES) and not other_images:
                    other_images.append(Path(entry.path).relative_to(root).as_posix())
        pending += below


def _check_frame_rates(name: str, source: FramesSource, found: dict[str, Path]) -> None:
    """Find a wrong list now rather than in a job."""
    videos = read_video_list(source.video_list or "")
    named = {folder.name for folder in found.values()}
    for video_id in sorted(named & videos.rows.keys()):
        videos.frame_rate(video_id)
    left_out = sorted(named - videos.rows.keys())
    if left_out:
        told = (name, len(left_out), videos.path, source.fps, some(left_out))
        log.warning("sources.%s: %d videos are not in %s and taken as %g frames per second: %s", *told)
