"""A finished table as CSV, Markdown and HTML."""

import csv
import io
from typing import Any

from simhand.report.comparison import ComparisonRow
from simhand.report.definitions import TableDefinition
from simhand.report.metrics import MeasuredRow
from simhand.report.table_display import NOT_RUN, DisplayTable, number_range
from simhand.report.templating import render

DESCRIBED = ("method", "set", "weighting", "top_k", "init", "dataset", "label_fraction")


def to_csv(rows: list[ComparisonRow], definition: TableDefinition) -> str:
    """Every number of the table, measured ones with four decimals; one line per row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _columns(definition), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        status = "measured" if row.measured else NOT_RUN
        values: dict[str, Any] = {"protocol": definition.protocol, "status": status}
        if row.measured:
            values |= _measured(row.measured, definition)
        if row.reported:
            scores = [f"{score:.2f}" for score in row.reported.scores]
            values |= dict(zip(_paper_columns(definition), (*row.reported.key, *scores), strict=True))
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


def _columns(definition: TableDefinition) -> list[str]:
    scores = [f"{score.metric}_{part}" for score in definition.scores for part in ("mean", "spread", "unit")]
    described = ["experiment", *DESCRIBED, "protocol", "status"]
    return [*described, *scores, "seeds", "samples", "failures", *_paper_columns(definition)]


def _paper_columns(definition: TableDefinition) -> list[str]:
    keys = [column for _, column in definition.keys]
    return [f"paper_{column}" for column in (*keys, *(score.reported_column for score in definition.scores))]


def _measured(row: MeasuredRow, definition: TableDefinition) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in ("experiment", *DESCRIBED)}
    for score, found in zip(definition.scores, row.measurements, strict=True):
        values[f"{score.metric}_unit"] = score.unit
        if found:
            values[f"{score.metric}_mean"] = f"{found.mean:.4f}"
            values[f"{score.metric}_spread"] = "" if found.spread is None else f"{found.spread:.4f}"
    seeds = " ".join(str(seed) for seed in row.seeds)
    return values | {"seeds": seeds, "samples": number_range(row.samples), "failures": row.failures}
