"""Packed image files: one Arrow IPC file per shard, its rows reachable at memory-map speed.

An Arrow IPC file needs no unpacking and no reader of our own: ``pyarrow.ipc.open_file`` on a memory
map gives zero-copy columns, and the encoded images are one of them.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from simhand.errors import DataError
from simhand.files.atomic import atomic_path
from simhand.files.row_writer import RowWriter
from simhand.files.tables import check_stamp, stamped_schema

ROWS_PER_BATCH = 64


@contextmanager
def packed_writer(path: Path | str, name: str) -> Iterator[RowWriter]:
    """Open packed file ``path`` of table ``name`` for writing; it appears only when complete."""
    schema = stamped_schema(name)
    with atomic_path(path) as partial, pa.ipc.new_file(str(partial), schema) as file:
        writer = RowWriter(
            ROWS_PER_BATCH,
            lambda rows: file.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema)),
        )
        yield writer
        writer.flush()


def join_packed(parts: Iterable[Path], path: Path, name: str) -> None:
    """Write the rows of ``parts``, packed files of table ``name``, one after the other to ``path``.

    It appears only when complete. Batches are cut as :func:`packed_writer` cuts them: the bytes depend on
    the rows alone, not on the parts.
    """
    schema = stamped_schema(name)
    with atomic_path(path) as partial, pa.ipc.new_file(str(partial), schema) as writer:
        pending = schema.empty_table()
        for part in parts:
            with PackedReader(part, name) as reader:
                for batch in reader.batches():
                    pending = pa.concat_tables([pending, pa.Table.from_batches([batch])])
                    while pending.num_rows >= ROWS_PER_BATCH:
                        writer.write_table(pending.slice(0, ROWS_PER_BATCH).combine_chunks())
                        pending = pending.slice(ROWS_PER_BATCH)
        if pending.num_rows:
            writer.write_table(pending.combine_chunks())


class PackedReader:
    """Random access to the rows of a packed file through a memory map.

    Raises:
        DataError: the file is missing, damaged, or another table or version.
    """

    def __init__(self, path: Path | str, name: str) -> None:
        try:
            self._source = pa.memory_map(str(path))
            self._reader = pa.ipc.open_file(self._source)
        except FileNotFoundError as error:
            raise DataError(f"{path} does not exist; run the {name} stage first") from error
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{path} is not a whole packed file ({error}); delete it and run its stage again"
            ) from error
        check_stamp(path, self._reader.schema, name)
        self._batches = [self._reader.get_batch(i) for i in range(self._reader.num_record_batches)]
        self._starts = [0, *accumulate(batch.num_rows for batch in self._batches)]

    def __len__(self) -> int:
        return self._starts[-1]

    def image(self, row: int) -> bytes:
        """The encoded image of ``row``."""
        batch, offset = self._locate(row)
        encoded: bytes = batch.column("jpeg")[offset].as_py()
        return encoded

    def row(self, row: int) -> dict[str, Any]:
        """All columns of ``row`` as Python values."""
        batch, offset = self._locate(row)
        return {name: batch.column(name)[offset].as_py() for name in batch.schema.names}

    def table(self, columns: list[str]) -> pa.Table:
        """The named columns of all rows; leave out ``jpeg`` and no image is touched."""
        schema = pa.schema([self._reader.schema.field(name) for name in columns])
        return pa.Table.from_batches([batch.select(columns) for batch in self._batches], schema=schema)

    def batches(self) -> Sequence[pa.RecordBatch]:
        """The rows in the batches that they are stored in; no image is copied."""
        return self._batches

    def close(self) -> None:
        """Close the memory map."""
        self._source.close()

    def __enter__(self) -> "PackedReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _locate(self, row: int) -> tuple[pa.RecordBatch, int]:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        batch = bisect_right(self._starts, row) - 1
        return self._batches[batch], row - self._starts[batch]
