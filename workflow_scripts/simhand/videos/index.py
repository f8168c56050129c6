"""Keeps ``videos.tsv`` up to date: an append-only list, from which the driver builds the DAG.

Runs in the driver, so it needs neither NumPy nor pyarrow.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from simhand.errors import DataError
from simhand.settings.sources import DiskSource, SourceSettings
from simhand.settings.world import WorldSettings
from simhand.videos.index_table import IndexedVideo, read_index, rendered_path, write_index
from simhand.videos.sources.listed import ListedVideo
from simhand.videos.sources.listing import lies_in, list_videos, place_of

__all__ = ["IndexedVideo", "index_of_run", "read_index", "update_index", "write_index"]


def update_index(
    path: Path | str,
    sources: Mapping[str, SourceSettings],
    shard_size: int,
    world: WorldSettings | None = None,
) -> list[IndexedVideo]:
    """Append the videos of ``sources`` that ``path`` does not list yet, in new shards; return all rows.

    Rows that are there stay as they are, even if their file or source is gone, so that nothing
    computed from them is outdated. Videos found later start a new shard. The file is only touched
    if there is something to append.

    Args:
        path: ``videos.tsv`` in the run folder; rendered videos lie in ``world/videos/`` beside it.
        sources: settings by name of source.
        shard_size: most videos per shard.
        world: the demo world, where a source is rendered.

    Raises:
        DataError: a source has no folder or no video, now points elsewhere, or ``path`` is damaged.
        ConfigError: a rendered source without a world.
    """
    path = Path(path)
    rows = read_index(path) if path.exists() else []
    new = _new_rows(path, rows, sources, shard_size, world)
    if new or not path.exists():
        write_index(path, rows + new)
    return rows + new


def index_of_run(
    path: Path, sources: Mapping[str, SourceSettings], shard_size: int, world: WorldSettings
) -> list[IndexedVideo]:
    """The index that a run needs to be built from, without writing it.

    What ``path`` lists, and the videos of sources that it does not know yet. Folders that are indexed
    are not listed again, which may take long; :func:`update_index` does that when it is asked to. A
    rendered world that has grown is extended.

    Raises:
        DataError, ConfigError: as :func:`update_index`.
    """
    rows = read_index(path) if path.exists() else []
    known = {row.source for row in rows}
    for name, source in sources.items():
        if isinstance(source, DiskSource):
            _check_same_folder(path, name, source, [row for row in rows if row.source == name])
    unlisted = {
        name: source
        for name, source in sources.items()
        if name not in known or not isinstance(source, DiskSource)
    }
    return rows + _new_rows(path, rows, unlisted, shard_size, world)


def _new_rows(
    path: Path,
    rows: list[IndexedVideo],
    sources: Mapping[str, SourceSettings],
    shard_size: int,
    world: WorldSettings | None,
) -> list[IndexedVideo]:
    taken = {row.video_id for row in rows}
    new: list[IndexedVideo] = []
    for name, source in sources.items():
        indexed = [row for row in rows if row.source == name]
        if isinstance(source, DiskSource):
            _check_same_folder(path, name, source, indexed)
        listed = _not_indexed(list_videos(name, source, world), indexed)
        first_shard = 1 + max((int(row.shard) for row in indexed), default=-1)
        for number, video in enumerate(listed):
            shard = f"{first_shard + number // shard_size:04d}"
            video_id = next((free for free in video.possible_ids if free not in taken), None)
            if video_id is None:
                raise DataError(f"{path}: another source already has the videos that sources.{name} renders")
            taken.add(video_id)
            place = video.path or rendered_path(path.parent, shard, video_id).as_posix()
            new.append(IndexedVideo(video_id, name, place, shard))
    return new


def _not_indexed(listed: list[ListedVideo], indexed: list[IndexedVideo]) -> list[ListedVideo]:
    """A file is known by its path, a video yet to be rendered by its id."""
    ids, paths = {row.video_id for row in indexed}, {os.path.abspath(row.path) for row in indexed}
    return [
        video
        for video in listed
        if (os.path.abspath(video.path) not in paths if video.path else ids.isdisjoint(video.possible_ids))
    ]


def _check_same_folder(path: Path, name: str, source: DiskSource, indexed: list[IndexedVideo]) -> None:
    """Another folder under an old name would double every video under a new id."""
    if indexed and not any(lies_in(source, row.path) for row in indexed):
        raise DataError(
            f"sources.{name} now points to {place_of(source)}, but {path} lists this source's videos "
            f"elsewhere, such as {indexed[0].path}; give the new folder a source name of its own, or start "
            "another run"
        )
