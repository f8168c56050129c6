"""Measured rows beside the paper's: which stands beside which, and which of the paper's were not run."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simhand.errors import DataError
from simhand.report.definitions import TableDefinition
from simhand.report.metrics import MeasuredRow

Key = tuple[Any, ...]


@dataclass(frozen=True)
class ReportedRow:
    """One row of the paper's table: the values of the keys (None where it has none) and its scores."""

    key: Key
    scores: tuple[float, ...]


@dataclass(frozen=True)
class ComparisonRow:
    """A row of the finished table: measured, reported, or both."""

    measured: MeasuredRow | None
    reported: ReportedRow | None


def read_reported(path: Path, definition: TableDefinition) -> list[ReportedRow]:
    """The paper's rows for a table, in printed order.

    Raises:
        DataError: the file is missing, lacks a column, or holds something that is not a number.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError as error:
        raise DataError(
            f"{path} does not exist; the paper's tables are in simhand/report/reported/"
        ) from error
    needed = [column for _, column in definition.keys] + [
        score.reported_column for score in definition.scores
    ]
    if missing := [column for column in needed if not rows or column not in rows[0]]:
        raise DataError(f"{path} lacks the column(s) {', '.join(missing)}, which {definition.name} needs")
    try:
        return [
            ReportedRow(
                key=tuple(row[column] or None for _, column in definition.keys),
                scores=tuple(float(row[score.reported_column]) for score in definition.scores),
            )
            for row in rows
        ]
    except ValueError as error:
        raise DataError(f"{path} holds a score that is not a number: {error}") from error


def compare(
    measured: list[MeasuredRow],
    reported: list[ReportedRow],
    definition: TableDefinition,
    compare_with: Mapping[str, str],
) -> list[ComparisonRow]:
    """Measured rows in the paper's order with their counterparts, then the paper's rows that were not run."""
    by_key = {row.key: row for row in reported}
    rows = []
    for row in measured:
        key = _paper_key(row, definition, compare_with)
        rows.append(ComparisonRow(row, by_key.get(key) if key else None))
    order = {paper.key: place for place, paper in enumerate(reported)}
    methods = list(dict.fromkeys(paper.key[0] for paper in reported))

    def position(row: ComparisonRow) -> tuple[int, int, int]:
        assert row.measured is not None
        nearest = _nearest_position(row.measured, order, definition, compare_with)
        method = row.measured.method
        return nearest, methods.index(method) if method in methods else len(methods), row.reported is None

    run = {row.reported.key for row in rows if row.reported}
    not_run = [ComparisonRow(None, paper) for paper in reported if paper.key not in run]
    return sorted(rows, key=position) + not_run


def _paper_key(row: MeasuredRow, definition: TableDefinition, compare_with: Mapping[str, str]) -> Key | None:
    """Where to look for the paper's counterpart of a measured row; None when it cannot have one.

    Without pre-training the paper starts from random weights (its Section 4.2), so another start has
    no counterpart.
    """
    if row.method == "none" and row.init != "random":
        return None
    if any(getattr(row, name) not in (value, None) for name, value in definition.fixed):
        return None
    values = {name: getattr(row, name) for name, _ in definition.keys}
    if values.get("set") is not None:
        values["set"] = compare_with.get(values["set"], values["set"])
    return tuple(values.values())


def _nearest_position(
    row: MeasuredRow, order: Mapping[Key, int], definition: TableDefinition, compare_with: Mapping[str, str]
) -> int:
    """The place of a row in the paper's order: that of its pre-training set, else the end."""
    column = [name for name, _ in definition.keys].index("set")
    paper_set = None if row.set is None else compare_with.get(row.set, row.set)
    return min((place for key, place in order.items() if key[column] == paper_set), default=len(order))
