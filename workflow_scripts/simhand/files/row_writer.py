"""Rows that are written batch by batch while they are found, so that memory stays bounded."""

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]


class RowWriter:
    """Collects the rows of a table and hands them on to ``write``, ``rows_per_batch`` at a time."""

    def __init__(self, rows_per_batch: int, write: Callable[[list[Row]], None]) -> None:
        self._rows_per_batch = rows_per_batch
        self._write = write
        self._pending: list[Row] = []
        self.rows = 0

    def append(self, row: Row) -> None:
        """Add one row; its keys are the columns of the table."""
        self._pending.append(row)
        self.rows += 1
        if len(self._pending) >= self._rows_per_batch:
            self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        if self._pending:
            self._write(self._pending)
            self._pending = []
