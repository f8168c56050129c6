"""Lists the videos of a source, whatever its kind, and tells whether a video is one of it."""

import os
from pathlib import Path

from simhand.errors import ConfigError
from simhand.settings.frames_source import FramesSource
from simhand.settings.sources import DiskSource, DohSource, Ego4dSource, FolderSource, SourceSettings
from simhand.settings.world import WorldSettings
from simhand.videos.sources import ego4d
from simhand.videos.sources.doh import list_doh
from simhand.videos.sources.folder import list_folder
from simhand.videos.sources.frames import list_frames
from simhand.videos.sources.listed import ListedVideo
from simhand.world import catalogue


def list_videos(name: str, source: SourceSettings, world: WorldSettings | None) -> list[ListedVideo]:
    """The videos of source ``name`` in a fixed order.

    Raises:
        DataError: there is no such folder, it has no video, or a list that comes with it is broken.
        ConfigError: a rendered source without a world, or an ambiguous one.
    """
    match source:
        case FolderSource():
            return list_folder(name, source)
        case Ego4dSource():
            return ego4d.list_ego4d(name, source)
        case DohSource():
            return list_doh(name, source)
        case FramesSource():
            return list_frames(name, source)
    if world is None:
        raise ConfigError(f"sources.{name} is rendered, which needs the `world` section")
    return [ListedVideo((video_id,), None) for video_id in catalogue.video_ids(world)]


def lies_in(source: DiskSource, path: str) -> bool:
    """Whether a video at ``path`` is where the source now points to; the disk is not looked at."""
    folder = os.path.abspath(Path(source.path).expanduser())
    below = os.path.abspath(path).startswith(folder.rstrip(os.sep) + os.sep)
    return below and (not isinstance(source, Ego4dSource) or ego4d.is_of(source, path))


def place_of(source: DiskSource) -> str:
    """Where the source points to, in words."""
    folder = os.path.abspath(Path(source.path).expanduser())
    if isinstance(source, Ego4dSource):
        return f"{source.version or 'the version'}/{source.dataset} of {folder}"
    return folder
