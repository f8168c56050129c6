"""A finished table as a reader sees it: columns, cells, notes, and what all rows share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from simhand.report.comparison import ComparisonRow, ReportedRow
from simhand.report.definitions import DATASET_TITLES, Score, TableDefinition
from simhand.report.differences import in_words, shared_and_own
from simhand.report.metrics import MeasuredRow, Measurement
from simhand.report.row_origins import CertificateFacts, RowOrigin
from simhand.settings.datasets import Layout
from simhand.settings.experiments import METHOD_TITLES, METHODS

DASH = "\N{EN DASH}"
NOT_RUN = "not run"
REPORTED_ONLY = "reported only"

Origins = Mapping[str, RowOrigin]
Titles = Mapping[str, str]
Getters = Mapping[str, Callable[[MeasuredRow], str]]

DESCRIPTIONS: Getters = {
    "set": lambda row: row.set or DASH,
    "similar hands": lambda row: similar_hands(row.method),
    "weighting": lambda row: weighting_of(row.method, row.weighting),
    "rank of the positive": lambda row: row.top_k or DASH,
    "backbone": lambda row: row.encoder or DASH,
    "start": lambda row: row.init,
    "fine-tuned on": lambda row: ", ".join(row.datasets),
    "labels used": lambda row: f"{100 * row.label_fraction:g} %",
}
"""What tells rows apart beside the method. A column that a table does not always show is there only if it
differs between measured rows; else the caption says what would be in it."""

IMPLIED = ("similar hands",)
"""Columns that follow from the method, so that they are shown only where a table always does."""

COUNTS: Getters = {
    "seeds": lambda row: str(len(row.seeds)) if row.seeds else DASH,
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
    """A table as text: what Markdown, LaTeX and HTML print.

    Attributes:
        shared: what is true of all measured rows and therefore has no column.
        notes: what was done otherwise than in the paper, by all rows and then by single ones.
        certificates: of each row, what its numbers were made by.
    """

    definition: TableDefinition
    header: list[Column]
    rows: list[list[Cell]]
    shared: str
    notes: list[str]
    certificates: list[tuple[CertificateFacts, ...]]

    def groups(self) -> list[tuple[str, int]]:
        """The headings above the columns and how many columns each spans."""
        return [
            (group, len(list(columns)))
            for group, columns in groupby(self.header, lambda column: column.group)
        ]


def display(
    rows: list[ComparisonRow],
    definition: TableDefinition,
    origins: Origins | None = None,
    titles: Titles | None = None,
) -> DisplayTable:
    """The table as text; ``origins`` of its rows are by their experiment."""
    origins = origins or {}
    titles = METHOD_TITLES | dict(titles or {})
    measured = [row.measured for row in rows if row.measured]
    described, counts = _described(definition, measured), _varying(COUNTS, measured)
    best = [_best(measured, index, score) for index, score in enumerate(definition.scores)]
    header = [Column(label) for label in ("method", *described)]
    body = [_description_cells(row, described, definition, titles) for row in rows]
    for layout in definition.layouts:
        header += _score_columns(definition, layout)
        for cells, row in zip(body, rows, strict=True):
            cells += _score_cells(row, definition, layout, best)
    header += [Column(label, number=True) for label in counts]
    for cells, row in zip(body, rows, strict=True):
        cells += [Cell(get(row.measured) if row.measured else DASH, "number") for get in counts.values()]
    certificates = [_origin(row, origins).certificates for row in rows]
    shared = _shared_line(measured, {**described, **counts})
    return DisplayTable(
        definition, header, body, shared, _notes(rows, body, len(described), origins), certificates
    )


def number_range(bounds: tuple[int, int]) -> str:
    """One number, or two with a dash where they differ."""
    return str(bounds[0]) if bounds[0] == bounds[1] else f"{bounds[0]}{DASH}{bounds[1]}"


def similar_hands(method: str | None) -> str:
    """Whether a method learns from mined similar hands; a dash where it is none of ours."""
    if method not in METHODS:
        return DASH
    return "yes" if METHODS[method].pairs == "similar" else "no"


def weighting_of(method: str | None, weighting: str | None) -> str:
    """The weighting of a pre-training; a dash where there is none to weight."""
    return (weighting or DASH) if method in METHODS else DASH


def status_of(row: ComparisonRow, definition: TableDefinition) -> str:
    """Whether a row was measured, could have been, or is a number that the paper quotes."""
    if row.measured:
        return "measured"
    assert row.reported is not None
    return NOT_RUN if row.reported.can_be_run(definition) else REPORTED_ONLY


def _described(definition: TableDefinition, measured: Sequence[MeasuredRow]) -> Getters:
    """The columns that describe the rows, beside the method; at last what surely tells them apart."""
    always = [name for name in definition.shown if name in DESCRIPTIONS]
    varying = _varying(DESCRIPTIONS, measured)
    found = {name: DESCRIPTIONS[name] for name in [*always, *varying]}
    if len({(row.method, *(get(row) for get in DESCRIPTIONS.values())) for row in measured}) < len(measured):
        found["experiment"] = lambda row: row.experiment
    return found


def _varying(getters: Getters, measured: Sequence[MeasuredRow]) -> dict[str, Callable[[MeasuredRow], str]]:
    return {
        name: get
        for name, get in getters.items()
        if name not in IMPLIED and len({get(row) for row in measured} - {DASH}) > 1
    }


def _shared_line(measured: Sequence[MeasuredRow], columns: Getters) -> str:
    """What all measured rows have in common, as a sentence."""
    if not measured:
        return "No row of this table was measured in this run."
    shared = []
    for name, get in {**DESCRIPTIONS, **COUNTS}.items():
        values = {get(row) for row in measured} - {DASH}
        if name not in columns and name not in IMPLIED and values:
            shared.append(f"{name}: {values.pop()}")
    return f"All measured rows have in common {'; '.join(shared)}." if shared else ""


def _description_cells(
    row: ComparisonRow, described: Getters, definition: TableDefinition, titles: Titles
) -> list[Cell]:
    """What the row is about; of a row that was not run, what the paper calls it."""
    if row.measured:
        method = row.measured.method
        texts = [get(row.measured) for get in described.values()]
    else:
        assert row.reported is not None
        names = row.reported.named(definition)
        method = names["method"] or ""
        paper = {
            "set": names.get("set"),
            "similar hands": similar_hands(method),
            "weighting": weighting_of(method, names.get("weighting")),
            "rank of the positive": names.get("top_k"),
            "backbone": names.get("encoder"),
        }
        texts = [paper.get(name) or DASH for name in described]
    # The paper's tables also hold methods that are not ours; they keep the name they have there.
    return [Cell(text) for text in (titles.get(method, method), *texts)]


def _score_columns(definition: TableDefinition, layout: Layout | None) -> list[Column]:
    """The columns of one data set: measured, then what the paper reports."""
    scores = [score for score in definition.scores if score.layout == layout]
    measured, paper = _group_titles(definition, layout)
    columns = [Column(_score_label(score), measured, number=True) for score in scores]
    if _shows_paper_set(definition, layout):
        columns.append(Column("set", paper))
    return columns + [Column(_score_label(score), paper, number=True) for score in scores if _reported(score)]


def _score_cells(
    row: ComparisonRow, definition: TableDefinition, layout: Layout | None, best: Sequence[float | None]
) -> list[Cell]:
    scores = [(index, score) for index, score in enumerate(definition.scores) if score.layout == layout]
    cells = [_measured_cell(row, index, definition, best) for index, _ in scores]
    if _shows_paper_set(definition, layout):
        cells.append(Cell(_paper_set(row.reported, definition), "paper"))
    for index, score in scores:
        if _reported(score):
            value = row.reported_score(index, score)
            cells.append(Cell(DASH if value is None else f"{value:.2f}", "paper number"))
    return cells


def _measured_cell(
    row: ComparisonRow, index: int, definition: TableDefinition, best: Sequence[float | None]
) -> Cell:
    if row.measured is None:
        return Cell(status_of(row, definition), "not-run")
    found = row.measured.measurements[index]
    if found is None and not row.measured.experiments[index]:
        return Cell(NOT_RUN, "not-run")
    return Cell(_with_spread(found), "number", best=found is not None and found.mean == best[index])


def _group_titles(definition: TableDefinition, layout: Layout | None) -> tuple[str, str]:
    if len(definition.layouts) == 1 or layout is None:
        return "measured", "paper"
    return f"{DATASET_TITLES[layout]}, measured", f"{DATASET_TITLES[layout]}, paper"


def _shows_paper_set(definition: TableDefinition, layout: Layout | None) -> bool:
    """Whether the name of the paper's set stands before its numbers; only before the first data set's."""
    return layout == definition.layouts[0] and any(key.ours == "set" for key in definition.keys)


def _paper_set(row: ReportedRow | None, definition: TableDefinition) -> str:
    return (row.named(definition)["set"] if row else None) or DASH


def _reported(score: Score) -> bool:
    return score.reported_column is not None


def _best(measured: Sequence[MeasuredRow], index: int, score: Score) -> float | None:
    """The best mean of a score; none to point out where there is only one row."""
    means = [found.mean for row in measured if (found := row.measurements[index])]
    if len(means) < 2:
        return None
    return max(means) if score.higher_is_better else min(means)


def _score_label(score: Score) -> str:
    arrow = "\N{UPWARDS ARROW}" if score.higher_is_better else "\N{DOWNWARDS ARROW}"
    return f"{score.label} [{score.unit}] {arrow}"


def _with_spread(measurement: Measurement | None) -> str:
    """The mean with its spread over seeds, or of one seed with the confidence interval over samples."""
    if measurement is None:
        return DASH
    if measurement.spread is not None:
        return f"{measurement.mean:.2f} \N{PLUS-MINUS SIGN} {measurement.spread:.2f}"
    if measurement.interval is None:
        return f"{measurement.mean:.2f}"
    low, high = measurement.interval
    return f"{measurement.mean:.2f} [{low:.2f}, {high:.2f}]"


def _origin(row: ComparisonRow, origins: Origins) -> RowOrigin:
    return origins.get(row.measured.experiment, RowOrigin()) if row.measured else RowOrigin()


def _notes(
    rows: Sequence[ComparisonRow], body: Sequence[Sequence[Cell]], described: int, origins: Origins
) -> list[str]:
    """Sentences on what the measured rows do otherwise than the paper."""
    measured = [(row, cells) for row, cells in zip(rows, body, strict=True) if row.measured]
    shared, own = shared_and_own([_origin(row, origins).differences for row, _ in measured])
    notes = [f"Otherwise than in the paper (its value in brackets): {in_words(shared)}."] if shared else []
    for (_, cells), found in zip(measured, own, strict=True):
        if found:
            label = ", ".join(cell.text for cell in cells[: 1 + described] if cell.text != DASH)
            notes.append(f"{label}: {in_words(found)}.")
    return notes
