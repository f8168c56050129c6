"""What is finished of a shard, video by video, beside the files that it will become.

A *part* is the folder ``.<shard>.parts/<identity>/``: the rows of one video for every table of its
stage, as packed files, and its status row. It appears whole. Its name is a digest of all that its
content depends on, so a part that is there is right, and one of other settings, of a changed video or
of other code is never found, and removed. A job that is killed leaves its parts; the next one makes
the others and puts the shard's files together, in the order of the videos.

Parts of videos that failed are not kept for another job: whatever made them fail may have been mended.

While the shard is put together it takes its room twice. The tables get their names before the status
table does; Snakemake, which knows that a job was interrupted, removes them and starts it again.
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from simhand.errors import DataError, DiskFullError
from simhand.files.atomic import atomic_path, remove, write_text
from simhand.files.disk_space import explained_errors, in_units
from simhand.files.folder_lock import LOCK, locked_folder
from simhand.files.packed import PackedReader, join_packed, packed_writer
from simhand.files.row_writer import RowWriter
from simhand.files.tables import stamped_schema, write_table

STATUS = "status.json"
PACKED = ".arrow"

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class ShardFiles:
    """The files of a shard that a stage writes.

    Attributes:
        tables: by table name; packed where the suffix is ``.arrow``, else Parquet.
        status_table: name of the status table.
        status: its file.
    """

    tables: Mapping[str, Path]
    status_table: str
    status: Path

    def folder(self) -> Path:
        """Where the parts lie: hidden, beside the first table."""
        first = next(iter(self.tables.values()))
        return first.with_name(f".{first.stem}.parts")


@dataclass
class PartWriter:
    """Takes the rows of one video; without a status row the part does not appear."""

    _writers: Mapping[str, RowWriter]
    status: dict[str, Any] | None = None

    def append(self, table: str, row: dict[str, Any]) -> None:
        """Add a row to a table."""
        self._writers[table].append(row)


@contextmanager
def part_writer(part: Path, tables: Sequence[str]) -> Iterator[PartWriter]:
    """Write the part of a video; the block sets its ``status``."""
    with atomic_path(part) as folder:
        folder.mkdir()
        with ExitStack() as stack:
            files = {name: packed_writer(folder / f"{name}{PACKED}", name) for name in tables}
            writer = PartWriter({name: stack.enter_context(file) for name, file in files.items()})
            yield writer
        if writer.status is None:
            raise ValueError(f"the part {part} was left without a status")
        write_text(folder / STATUS, json.dumps(writer.status))


@contextmanager
def shard_parts(files: ShardFiles, identities: Mapping[str, str]) -> Iterator["ShardParts"]:
    """The parts of a shard, for one process at a time; see the head of this module.

    What a killed job left half done is removed, and what this one leaves so if it fails.

    Args:
        files: what the parts will become.
        identities: of every video that has anything to do, a digest of all that its part depends on.

    Raises:
        DataError: the files of the shard lie on several file systems, or cannot be written.
        DiskFullError: no room; says how much is needed.
    """
    folder = files.folder()
    with explained_errors(folder, concerning=folder.parent):
        _check_file_system([*files.tables.values(), files.status])
    with explained_errors(folder, concerning=folder), locked_folder(folder):
        parts = ShardParts(files, folder, identities)
        try:
            parts.clean()
            yield parts
        except DiskFullError as error:
            raise DiskFullError(f"{error}.{parts.room_needed()}") from error
        finally:
            parts.clean()


@dataclass
class ShardParts:
    """The parts of a shard by video; made by :func:`shard_parts`."""

    files: ShardFiles
    folder: Path
    identities: Mapping[str, str]
    published: bool = field(default=False, init=False)

    def path(self, video_id: str) -> Path:
        """Where the part of a video lies once there is one."""
        return self.folder / self.identities[video_id]

    def status(self, video_id: str) -> dict[str, Any] | None:
        """The status row of a video whose part is there."""
        try:
            text = (self.path(video_id) / STATUS).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        row: dict[str, Any] = json.loads(text)
        return row

    def finished(self) -> dict[str, dict[str, Any]]:
        """The status rows of the videos that went well, by video."""
        rows = {video_id: self.status(video_id) for video_id in self.identities}
        return {video_id: row for video_id, row in rows.items() if row is not None and row["ok"]}

    def writer(self, video_id: str) -> AbstractContextManager[PartWriter]:
        """Write the part of a video, as :func:`part_writer`."""
        return part_writer(self.path(video_id), list(self.files.tables))

    def forget(self, video_id: str) -> None:
        """Remove what was written for a video that failed."""
        for path in self.folder.glob(f"*{self.identities[video_id]}*"):
            _discard(path)

    def column(self, table: str, name: str) -> Iterator[pa.Array]:
        """A column of a table of all parts, part by part in the order of the videos."""
        for path in self._packed(table):
            with PackedReader(path, table) as reader:
                yield reader.table([name])[name].combine_chunks()

    def publish(self, statuses: Iterable[dict[str, Any]]) -> None:
        """Put the files of the shard together from the parts, and the status table from its rows.

        Args:
            statuses: a row for every video of the shard, in order.
        """
        made = {}
        for name, final in self.files.tables.items():
            made[self.folder / final.name] = final
            if final.suffix == PACKED:
                join_packed(self._packed(name), self.folder / final.name, name)
            else:
                write_table(self.folder / final.name, name, self._joined(name))
        made[self.folder / self.files.status.name] = self.files.status
        write_table(self.folder / self.files.status.name, self.files.status_table, statuses)
        for path, final in made.items():
            os.replace(path, final)
        self.published = True

    def clean(self) -> None:
        """Remove all but the finished parts, and these too once the shard's files are there."""
        keep = {LOCK}
        if not self.published:
            keep |= {self.identities[video_id] for video_id in self.finished()}
        for path in list(self.folder.iterdir()):
            if path.name not in keep:
                _discard(path)

    def room_needed(self) -> str:
        """How much must be free for the rest, guessed from the finished videos."""
        finished, total = self.finished(), len(self.identities)
        if not finished:
            return " None of its videos is finished yet, so how much is needed cannot be told"
        used = sum(file.stat().st_size for name in finished for file in self.path(name).iterdir())
        needed = 2 * used * total / len(finished) - used
        return (
            f" {len(finished)} of {total} videos are finished and take {in_units(used)}; the others and the "
            f"files of the shard need about {in_units(needed)} more"
        )

    def _packed(self, table: str) -> list[Path]:
        made = [video_id for video_id in self.identities if self.status(video_id) is not None]
        return [self.path(video_id) / f"{table}{PACKED}" for video_id in made]

    def _joined(self, table: str) -> pa.Table:
        batches: list[pa.RecordBatch] = []
        for path in self._packed(table):
            with PackedReader(path, table) as reader:
                batches += reader.batches()
        return pa.Table.from_batches(batches, stamped_schema(table)).combine_chunks()


def _discard(path: Path) -> None:
    """Remove a part at once: of one that is removed when the job is killed, no half must pass for a part."""
    if path.is_dir() and not path.name.startswith("."):
        hidden = path.with_name(f".{path.name}.discarded")
        remove(hidden)
        path = path.rename(hidden)
    remove(path)


def _check_file_system(paths: Sequence[Path]) -> None:
    """Files can appear at once only where they need not be copied."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    if len({path.parent.stat().st_dev for path in paths}) > 1:
        raise DataError(f"{', '.join(map(str, paths))}: expected on one file system, found on several")
