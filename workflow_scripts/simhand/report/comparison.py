"""Measured rows beside the paper's: which stands beside which, and which of the paper's were not run."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simhand.errors import DataError
from simhand.report.definitions import Score, TableDefinition
from simhand.report.metrics import MeasuredRow

PaperKey = tuple[str | None, ...]


@dataclass(frozen=True)
class ReportedRow:
    """One row of the paper's table: the values of the keys (None where it has none) and its scores."""

    key: PaperKey
    scores: tuple[float | None, ...]

    def named(self, definition: TableDefinition) -> dict[str, str | None]:
        """The row's keys by our names and values; a value that is nothing of ours stays the paper's."""
        values = {}
        for key, theirs in zip(definition.keys, self.key, strict=True):
            try:
                values[key.ours] = key.in_ours(theirs)
            except KeyError:
                values[key.ours] = theirs
        return values

    def can_be_run(self, definition: TableDefinition) -> bool:
        """Whether it is something of ours; if not, it is a number that the paper quotes."""
        try:
            return bool([key.in_ours(value) for key, value in zip(definition.keys, self.key, strict=True)])
        except KeyError:
            return False


@dataclass(frozen=True)
class ComparisonRow:
    """A row of the finished table: measured, reported, or both."""

    measured: MeasuredRow | None
    reported: ReportedRow | None

    def reported_score(self, index: int, score: Score) -> float | None:
        """What the paper reports for a score, if the measured row is of the same data set."""
        if self.reported is None:
            return None
        if self.measured and score.layout not in self.measured.layouts:
            return None
        return self.reported.scores[index]


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
    columns = [score.reported_column for score in definition.scores if score.reported_column]
    needed = [key.theirs for key in definition.keys] + columns
    if missing := [column for column in needed if not rows or column not in rows[0]]:
        raise DataError(f"{path} lacks the column(s) {', '.join(missing)}, which {definition.name} needs")
    try:
        return [
            ReportedRow(
                key=tuple(row[key.theirs] or None for key in definition.keys),
                scores=tuple(float(row[column]) for column in columns),
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
    """Measured rows in the paper's order with their counterparts, then the paper's rows that were not run.

    Several measured rows may stand beside one of the paper's, where it does not say what sets them apart.
    """
    by_key = {row.key: row for row in reported}
    rows = []
    for row in measured:
        key = paper_key(row, definition, compare_with)
        rows.append(ComparisonRow(row, None if key is None else by_key.get(key)))

    def position(row: ComparisonRow) -> tuple[int, bool]:
        assert row.measured is not None
        return _nearest_position(row.measured, reported, definition, compare_with), row.reported is None

    run = {row.reported.key for row in rows if row.reported}
    not_run = [ComparisonRow(None, paper) for paper in reported if paper.key not in run]
    return sorted(rows, key=position) + not_run


def paper_key(
    row: MeasuredRow, definition: TableDefinition, compare_with: Mapping[str, str]
) -> PaperKey | None:
    """Where to look for the paper's counterpart of a measured row; None when it cannot have one.

    Without pre-training the paper starts from random weights (its Section 4.2), so another start has
    no counterpart. Neither has a row on other data sets than the table's.
    """
    if not definition.keys or (row.method == "none" and row.init != "random"):
        return None
    if not set(row.layouts) & set(definition.layouts):
        return None
    values = _values(row, compare_with)
    if any(values[name] not in allowed for name, allowed in definition.fixed.items()):
        return None
    try:
        return tuple(key.in_paper(values[key.ours]) for key in definition.keys)
    except KeyError:
        return None


def _values(row: MeasuredRow, compare_with: Mapping[str, str]) -> dict[str, str | None]:
    """What a row is told by, its set by the name of the paper's set that it stands for."""
    names = ("method", "weighting", "top_k", "encoder")
    return {
        **{name: getattr(row, name) for name in names},
        "set": None if row.set is None else compare_with.get(row.set, row.set),
    }


def _nearest_position(
    row: MeasuredRow,
    reported: list[ReportedRow],
    definition: TableDefinition,
    compare_with: Mapping[str, str],
) -> int:
    """The place of the paper's row that shares most with a measured one; the end, if none does."""
    values = _values(row, compare_with)

    def shared(paper: ReportedRow) -> int:
        return sum(values[name] == value for name, value in paper.named(definition).items())

    return max(
        range(len(reported)), key=lambda place: (shared(reported[place]), -place), default=len(reported)
    )
