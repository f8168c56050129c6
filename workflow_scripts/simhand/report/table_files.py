"""A finished table as CSV, Markdown and HTML."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from simhand.report.comparison import ComparisonRow
from simhand.report.definitions import PROTOCOL_NOTE, Score, TableDefinition
from simhand.report.differences import in_words
from simhand.report.metrics import MeasuredRow
from simhand.report.row_origins import RowOrigin
from simhand.report.table_display import DisplayTable, number_range, status_of
from simhand.report.templating import render
from simhand.settings.experiment_groups import TABLE_PROTOCOL

DESCRIBED = ("method", "set", "weighting", "top_k", "init", "encoder", "label_fraction")
PARTS = ("mean", "spread", "low", "high", "unit")


def to_csv(
    rows: list[ComparisonRow], definition: TableDefinition, origins: Mapping[str, RowOrigin] | None = None
) -> str:
    """Every number of the table, measured ones with four decimals; one line per row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _columns(definition), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        values: dict[str, Any] = {"protocol": TABLE_PROTOCOL, "status": status_of(row, definition)}
        if row.measured:
            values |= _measured(row.measured, definition)
            origin = (origins or {}).get(row.measured.experiment, RowOrigin())
            values["differs_from_paper"] = in_words(origin.differences)
        if row.reported:
            keys = {
                f"paper_{key.theirs}": name
                for key, name in zip(definition.keys, row.reported.key, strict=True)
            }
            values |= keys | _reported(row, definition)
        writer.writerow(values)
    return text.getvalue()


def to_markdown(table: DisplayTable) -> str:
    """The table in Markdown with its caption, notes and protocol."""
    lines = [f"**{table.definition.title}.** {table.definition.caption}", ""]
    lines.append("| " + " | ".join(str(column) for column in table.header) + " |")
    lines.append("|" + "|".join("---:" if column.number else "---" for column in table.header) + "|")
    for row in table.rows:
        cells = (f"**{cell.text}**" if cell.best else cell.text for cell in row)
        lines.append("| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |")
    paragraphs = [table.shared, *table.notes, PROTOCOL_NOTE]
    return "\n".join([*lines, "", "\n\n".join(filter(None, paragraphs)), ""])


def to_html(table: DisplayTable) -> str:
    """The table as a page of its own; its ``figure`` element is what the report takes over."""
    return render("table.html.j2", table=table, protocol_note=PROTOCOL_NOTE)


def score_name(score: Score, definition: TableDefinition) -> str:
    """What a score is called in the CSV and by `make why`: with its data set where there are several."""
    several = len(definition.layouts) > 1
    return f"{score.layout}_{score.metric}" if several and score.layout else score.metric


def _columns(definition: TableDefinition) -> list[str]:
    names = [score_name(score, definition) for score in definition.scores]
    scores = [f"{name}_{part}" for name in names for part in PARTS]
    described = ["experiment", *DESCRIBED, "dataset", "protocol", "status"]
    counts = ["seeds", "samples", "failures"]
    paper = [key.theirs for key in definition.keys]
    paper += [score.reported_column for score in definition.scores if score.reported_column]
    return [
        *described,
        *scores,
        *counts,
        *(f"paper_{column}" for column in paper),
        "differs_from_paper",
        *(f"{name}_experiments" for name in names),
    ]


def _measured(row: MeasuredRow, definition: TableDefinition) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(row, name) for name in ("experiment", *DESCRIBED)}
    values["dataset"] = " ".join(row.datasets)
    for index, score in enumerate(definition.scores):
        name, found = score_name(score, definition), row.measurements[index]
        values[f"{name}_unit"] = score.unit
        values[f"{name}_experiments"] = " ".join(row.experiments[index])
        if found:
            values |= {f"{name}_{part}": text for part, text in found.texts.items()}
    seeds = " ".join(str(seed) for seed in row.seeds)
    return values | {"seeds": seeds, "samples": number_range(row.samples), "failures": row.failures}


def _reported(row: ComparisonRow, definition: TableDefinition) -> dict[str, str]:
    values = {}
    for index, score in enumerate(definition.scores):
        value = row.reported_score(index, score)
        if score.reported_column and value is not None:
            values[f"paper_{score.reported_column}"] = f"{value:.2f}"
    return values
