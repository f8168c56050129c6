"""Parquet tables that are written while their rows are found, so that memory stays bounded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from simhand.files.atomic import atomic_path
from simhand.files.tables import make_table, stamped_schema

ROWS_PER_GROUP = 4096


class TableWriter:
    """Collects the rows of a table and writes them group by group."""

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        self._writer = pq.ParquetWriter(path, stamped_schema(name), compression="zstd")
        self._pending: list[dict[str, Any]] = []
        self.rows = 0

    def append(self, row: dict[str, Any]) -> None:
        """Add one row; its keys are the columns of the table."""
        self._pending.append(row)
        self.rows += 1
        if len(self._pending) >= ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is pending and the file's footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._pending:
            self._writer.write_table(make_table(self._name, self._pending))
            self._pending = []


@contextmanager
def table_writer(path: Path | str, name: str) -> Iterator[TableWriter]:
    """Open Parquet table ``name`` at ``path`` for writing; it appears only when complete."""
    with atomic_path(path) as partial:
        writer = TableWriter(partial, name)
        try:
            yield writer
        finally:
            writer.close()
