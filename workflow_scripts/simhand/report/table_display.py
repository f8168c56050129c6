"""A finished table as a reader sees it: columns, cells, and what all rows share."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby

from simhand.report.comparison import ComparisonRow, ReportedRow
from simhand.report.definitions import Score, TableDefinition
from simhand.report.metrics import MeasuredRow, Measurement
from simhand.settings.experiments import METHOD_TITLES

DASH = "\N{EN DASH}"
NOT_RUN = "not run"

Getters = Mapping[str, Callable[[MeasuredRow], str]]


def several_ranks(experiment: str) -> str:
    """The ranks that an experiment named ``..._top1+2+5_...`` learns from at once; a dash if it does not."""
    found = re.search(r"_top(\d[\d+]+)_", experiment)
    return found[1] if found else DASH


# Columns that are shown only if they tell measured rows apart; else the caption says what is in them.
DETAILS: Getters = {
    "start": lambda row: row.init,
    "rank of the positive": lambda row: str(row.top_k) if row.top_k else several_ranks(row.experiment),
    "fine-tuned on": lambda row: row.dataset,
    "labels used": lambda row: f"{100 * row.label_fraction:g} %",
}
COUNTS: Getters = {
    "seeds": lambda row: str(len(row.seeds)),
    "samples": lambda row: number_range(row.samples),
    "failures": lambda row: str(row.failures),
}


@dataclass(frozen=True)
class Cell:
    """One cell; ``kind`` is its style."""

    text: str
    kind: str = "text"
    best: bool = False


@dataclass(frozen=True)
class Column:
    """The heading of a column; neighbours of one group share a heading above their own."""

    label: str
    group: str = ""
    number: bool = False

    def __str__(self) -> str:
        return f"{self.label}, {self.group}" if self.group else self.label


@dataclass(frozen=True)
class DisplayTable:
    """A table as text: what Markdown and HTML print.

    Attributes:
        shared: what is true of all measured rows and therefore has no column.
    """

    definition: TableDefinition
    header: list[Column]
    rows: list[list[Cell]]
    shared: str

    def groups(self) -> list[tuple[str, int]]:
        """The headings above the columns and how many columns each spans."""
        return [
            (group, len(list(columns)))
            for group, columns in groupby(self.header, lambda column: column.group)
        ]


def display(rows: list[ComparisonRow], definition: TableDefinition) -> DisplayTable:
    """The table as text."""
    measured = [row.measured for row in rows if row.measured]
    details, counts = _varying(DETAILS, measured), _varying(COUNTS, measured)
    if len({_described(row) for row in measured}) < len(measured):
        details["experiment"] = lambda row: row.experiment
    header = [Column(label) for label in ("method", "set", "weighting", *details)]
    header += [Column(_score_label(score), "measured", number=True) for score in definition.scores]
    header += [Column("set", "paper")]
    header += [Column(_score_label(score), "paper", number=True) for score in definition.scores]
    header += [Column(label, number=True) for label in counts]
    best = [_best(measured, index, score) for index, score in enumerate(definition.scores)]
    body = [
        [
            *_description_cells(row, details, definition),
            *_measured_cells(row.measured, best),
            *_paper_cells(row.reported, definition),
            *_count_cells(row.measured, counts),
        ]
        for row in rows
    ]
    return DisplayTable(definition, header, body, _shared_line(measured, {**details, **counts}))


def number_range(bounds: tuple[int, int]) -> str:
    """One number, or two with a dash where they differ."""
    return str(bounds[0]) if bounds[0] == bounds[1] else f"{bounds[0]}{DASH}{bounds[1]}"


def _varying(getters: Getters, measured: list[MeasuredRow]) -> dict[str, Callable[[MeasuredRow], str]]:
    return {name: get for name, get in getters.items() if len({get(row) for row in measured} - {DASH}) > 1}


def _described(row: MeasuredRow) -> tuple[object, ...]:
    return row.method, row.set, row.weighting, *(get(row) for get in DETAILS.values())


def _shared_line(measured: list[MeasuredRow], columns: Getters) -> str:
    """What all measured rows have in common, as a sentence."""
    if not measured:
        return "No row of this table was measured in this run."
    shared = []
    for name, get in {**DETAILS, **COUNTS}.items():
        values = {get(row) for row in measured} - {DASH}
        if name not in columns and values:
            shared.append(f"{name}: {values.pop()}")
    return f"All measured rows have in common {'; '.join(shared)}." if shared else ""


def _description_cells(row: ComparisonRow, details: Getters, definition: TableDefinition) -> list[Cell]:
    """What the row is about; of a row that was not run, what the paper calls it."""
    if row.measured:
        method, set_name, weighting = row.measured.method, row.measured.set, row.measured.weighting
        more = [get(row.measured) for get in details.values()]
    else:
        assert row.reported is not None
        names = dict(zip((name for name, _ in definition.keys), row.reported.key, strict=True))
        method, set_name, weighting = names["method"], names["set"], names["weighting"]
        more = [DASH for _ in details]
    shown_weighting = DASH if method == "none" else weighting
    # The paper's tables also hold methods that are not ours; they keep the name they have there.
    title = METHOD_TITLES.get(method, method)
    return [Cell(text) for text in (title, set_name or DASH, shown_weighting, *more)]


def _measured_cells(row: MeasuredRow | None, best: list[float | None]) -> list[Cell]:
    if row is None:
        return [Cell(NOT_RUN, "not-run") for _ in best]
    return [
        Cell(_with_spread(found), "number", best=found is not None and found.mean == extreme)
        for found, extreme in zip(row.measurements, best, strict=True)
    ]


def _paper_cells(row: ReportedRow | None, definition: TableDefinition) -> list[Cell]:
    if row is None:
        return [Cell(DASH, "paper"), *(Cell(DASH, "paper number") for _ in definition.scores)]
    names = dict(zip((name for name, _ in definition.keys), row.key, strict=True))
    return [
        Cell(names["set"] or DASH, "paper"),
        *(Cell(f"{score:.2f}", "paper number") for score in row.scores),
    ]


def _count_cells(row: MeasuredRow | None, counts: Getters) -> list[Cell]:
    return [Cell(get(row) if row else DASH, "number") for get in counts.values()]


def _best(measured: list[MeasuredRow], index: int, score: Score) -> float | None:
    """The best mean of a score; none to point out where there is only one row."""
    means = [found.mean for row in measured if (found := row.measurements[index])]
    if len(means) < 2:
        return None
    return max(means) if score.higher_is_better else min(means)


def _score_label(score: Score) -> str:
    arrow = "\N{UPWARDS ARROW}" if score.higher_is_better else "\N{DOWNWARDS ARROW}"
    return f"{score.label} [{score.unit}] {arrow}"


def _with_spread(measurement: Measurement | None) -> str:
    if measurement is None:
        return DASH
    spread = "" if measurement.spread is None else f" \N{PLUS-MINUS SIGN} {measurement.spread:.2f}"
    return f"{measurement.mean:.2f}{spread}"
