"""A finished table as CSV, Markdown and HTML."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from simhand.report.comparison import ComparisonRow
from simhand.report.definitions import Score, TableDefinition
from simhand.report.metrics import MeasuredRow, Measurement
from simhand.report.templating import render

DASH = "\N{EN DASH}"
NOT_RUN = "not run"
METHOD_NAMES = {"none": "no pre-training", "simclr": "SimCLR", "peclr": "PeCLR", "simhand": "SiMHand"}


@dataclass(frozen=True)
class Cell:
    """One cell as a reader sees it."""

    text: str
    kind: str = "text"
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column as a reader sees it; neighbours of one group share a heading above their own."""

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
        return [(group, len(list(columns))) for group, columns in groupby(self.header, lambda column: column.group)]


def to_csv(rows: list[ComparisonRow], definition: TableDefinition) -> str:
    """Every number of the table, measured ones with four decimals; one line per row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _csv_columns(definition), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        status = "measured" if row.measured else NOT_RUN
        values: dict[str, Any] = {"protocol": definition.protocol, "status": status}
        if row.measured:
            values |= _csv_measured(row.measured, definition)
        if row.reported:
            keys = {f"paper_{column}": value for (_, column), value in _paired(definition, row)}
            scores = [f"{score:.2f}" for score in row.reported.scores]
            values |= keys | dict(zip(_paper_columns(definition), scores, strict=True))
        writer.writerow(values)
    return text.getvalue()


def to_markdown(table: DisplayTable) -> str:
    """The table in Markdown with its caption and protocol."""
    lines = [f"**{table.definition.title}.** {table.definition.caption}", ""]
    lines.append("| " + " | ".join(str(column) for column in table.header) + " |")
    lines.append("|" + "|".join("---:" if column.number else "---" for column in table.header) + "|")
    for row in table.rows:
        cells = (f"**{cell.text}**" if cell.best else cell.text for cell in row)
        lines.append("| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |")
    return "\n".join([*lines, "", table.shared, "", table.definition.protocol_note, ""])


def to_html(table: DisplayTable) -> str:
    """The table as a page of its own; its ``figure`` element is what the report takes over."""
    return render("table.html.j2", table=table)


def display(rows: list[ComparisonRow], definition: TableDefinition) -> DisplayTable:
    """The table as text; columns in which all measured rows agree become the line ``shared``."""
    measured = [row.measured for row in rows if row.measured]
    optional = {name: get for name, get in _OPTIONAL.items() if len({get(row) for row in measured} - {DASH}) > 1}
    if len({_visible_key(row) for row in measured}) < len(measured):
        optional["experiment"] = lambda row: row.experiment
    best = [_best(measured, index, score) for index, score in enumerate(definition.scores)]
    header = [Column(label) for label in ("method", "set", "weighting", *optional)]
    header += [Column(_score_label(score), "measured", number=True) for score in definition.scores]
    header += [Column("set", "paper"), *(Column(_score_label(score), "paper", True) for score in definition.scores)]
    header += [Column(label, number=True) for label in ("seeds", "samples", "failures")]
    body = []
    for row in rows:
        if row.measured:
            first = _measured_cells(row.measured, optional, best)
        else:
            first = _not_run_cells(row, optional, definition)
        body.append([*first, *_paper_cells(row, definition), *_count_cells(row.measured)])
    return DisplayTable(definition, header, body, _shared_line(measured, optional))


_OPTIONAL: dict[str, Callable[[MeasuredRow], str]] = {
    "start": lambda row: row.init,
    "rank of the positive": lambda row: DASH if row.top_k is None else str(row.top_k),
    "fine-tuned on": lambda row: row.dataset,
    "labels used": lambda row: f"{100 * row.label_fraction:g} %",
}


def _visible_key(row: MeasuredRow) -> tuple[object, ...]:
    return row.method, row.set, row.weighting, *(get(row) for get in _OPTIONAL.values())


def _shared_line(measured: list[MeasuredRow], optional: Mapping[str, object]) -> str:
    """What all measured rows have in common, as a sentence."""
    if not measured:
        return "No row of this table was measured in this run."
    row = next((row for row in measured if row.top_k is not None), measured[0])
    shared = [f"{name} {get(row)}" for name, get in _OPTIONAL.items() if name not in optional and get(row) != DASH]
    return f"All measured rows: {', '.join(shared)}." if shared else ""


def _measured_cells(
    row: MeasuredRow, optional: Mapping[str, Callable[[MeasuredRow], str]], best: list[float | None]
) -> list[Cell]:
    described = [METHOD_NAMES.get(row.method, row.method), row.set or DASH, _weighting(row.method, row.weighting)]
    cells = [Cell(text) for text in (*described, *(get(row) for get in optional.values()))]
    for measurement, extreme in zip(row.measurements, best, strict=True):
        value = measurement.mean if measurement else None
        cells.append(Cell(_with_spread(measurement), "number", best=value is not None and value == extreme))
    return cells


def _not_run_cells(row: ComparisonRow, optional: Mapping[str, object], definition: TableDefinition) -> list[Cell]:
    values = {column: value for (_, column), value in _paired(definition, row)}
    method, weighting = values["method"], values["weighting"]
    described = [METHOD_NAMES.get(method, method), values["pretraining_set"] or DASH, _weighting(method, weighting)]
    cells = [Cell(text) for text in (*described, *(DASH for _ in optional))]
    return cells + [Cell(NOT_RUN, "not-run") for _ in definition.scores]


def _paper_cells(row: ComparisonRow, definition: TableDefinition) -> list[Cell]:
    if row.reported is None:
        return [Cell(DASH, "paper")] * (1 + len(definition.scores))
    values = {column: value for (_, column), value in _paired(definition, row)}
    scores = [Cell(f"{score:.2f}", "paper number") for score in row.reported.scores]
    return [Cell(values["pretraining_set"] or DASH, "paper"), *scores]


def _count_cells(row: MeasuredRow | None) -> list[Cell]:
    if row is None:
        return [Cell(DASH, "number")] * 3
    return [Cell(text, "number") for text in (str(len(row.seeds)), _range(row.samples), str(row.failures))]


def _best(measured: list[MeasuredRow], index: int, score: Score) -> float | None:
    """The best mean of a score; none to point out where there is only one row."""
    means = [found.mean for row in measured if (found := row.measurements[index])]
    if len(means) < 2:
        return None
    return max(means) if score.higher_is_better else min(means)


def _score_label(score: Score) -> str:
    arrow = "\N{UPWARDS ARROW}" if score.higher_is_better else "\N{DOWNWARDS ARROW}"
    return f"{score.label} [{score.unit}] {arrow}"


def _weighting(method: str, weighting: str) -> str:
    return DASH if method == "none" else weighting


def _with_spread(measurement: Measurement | None) -> str:
    if measurement is None:
        return DASH
    spread = "" if measurement.spread is None else f" \N{PLUS-MINUS SIGN} {measurement.spread:.2f}"
    return f"{measurement.mean:.2f}{spread}"


def _range(bounds: tuple[int, int]) -> str:
    return str(bounds[0]) if bounds[0] == bounds[1] else f"{bounds[0]}{DASH}{bounds[1]}"


def _paired(definition: TableDefinition, row: ComparisonRow) -> list[tuple[tuple[str, str], Any]]:
    assert row.reported is not None
    return list(zip(definition.keys, row.reported.key, strict=True))


def _csv_columns(definition: TableDefinition) -> list[str]:
    measured = [f"{score.metric}_{part}" for score in definition.scores for part in ("mean", "spread", "unit")]
    paper = [f"paper_{column}" for _, column in definition.keys]
    described = ["experiment", *_DESCRIBED, "protocol", "status"]
    return [*described, *measured, "seeds", "samples", "failures", *paper, *_paper_columns(definition)]


_DESCRIBED = ("method", "set", "weighting", "top_k", "init", "dataset", "label_fraction")


def _paper_columns(definition: TableDefinition) -> list[str]:
    return [f"paper_{score.reported_column}" for score in definition.scores]


def _csv_measured(row: MeasuredRow, definition: TableDefinition) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in ("experiment", *_DESCRIBED)}
    for score, found in zip(definition.scores, row.measurements, strict=True):
        values[f"{score.metric}_unit"] = score.unit
        if found:
            values[f"{score.metric}_mean"] = f"{found.mean:.4f}"
            values[f"{score.metric}_spread"] = "" if found.spread is None else f"{found.spread:.4f}"
    seeds = " ".join(str(seed) for seed in row.seeds)
    return values | {"seeds": seeds, "samples": _range(row.samples), "failures": row.failures}
