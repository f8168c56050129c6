"""Parquet tables that are written while their rows are found, so that memory stays bounded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from simhand.files.atomic import atomic_path
from simhand.files.row_writer import RowWriter
from simhand.files.tables import make_table, stamped_schema

ROWS_PER_GROUP = 4096


@contextmanager
def table_writer(path: Path | str, name: str) -> Iterator[RowWriter]:
    """Open Parquet table ``name`` at ``path`` for writing; it appears only when complete."""
    with (
        atomic_path(path) as partial,
        pq.ParquetWriter(partial, stamped_schema(name), compression="zstd") as file,
    ):
        writer = RowWriter(ROWS_PER_GROUP, lambda rows: file.write_table(make_table(name, rows)))
        yield writer
        writer.flush()
