"""The metrics table of a run: one file from many, and its rows summarised over seeds."""

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from simhand.errors import DataError
from simhand.files.tables import make_table, read_table
from simhand.report.definitions import TableDefinition

IDENTITY = ("experiment", "protocol", "metric")


@dataclass(frozen=True)
class Measurement:
    """One score over the seeds of an experiment; ``spread`` is the sample standard deviation."""

    mean: float
    spread: float | None
    seeds: int


@dataclass(frozen=True)
class MeasuredRow:
    """One experiment over all of its seeds."""

    experiment: str
    method: str
    set: str | None
    weighting: str
    top_k: int | None
    init: str
    dataset: str
    label_fraction: float
    measurements: tuple[Measurement | None, ...]
    seeds: tuple[int, ...]
    samples: tuple[int, int]
    failures: int


def concatenate_metrics(paths: Sequence[Path]) -> pa.Table:
    """One metrics table from the tables of all experiments, in the order given.

    A run without fine-tuning has no metrics: no paths give an empty table.

    Raises:
        DataError: one of the tables cannot be read, or two rows measure the same thing.
    """
    origin: dict[tuple[str, ...], Path] = {}
    tables = [make_table("metrics", [])]
    for path in paths:
        table = read_table(path, "metrics")
        for identity in zip(*(table.column(name).to_pylist() for name in IDENTITY), strict=True):
            if identity in origin:
                described = ", ".join(
                    f"{name} {value}" for name, value in zip(IDENTITY, identity, strict=True)
                )
                raise DataError(f"{path} and {origin[identity]} both measure {described}; keep one of them")
            origin[identity] = path
        tables.append(table)
    return pa.concat_tables(tables)


def summarise(metrics: pa.Table, definition: TableDefinition) -> list[MeasuredRow]:
    """The experiments of a metrics table with mean and spread over seeds, in the order of the table.

    Experiments that differ only in their seed are one row.

    Raises:
        DataError: the table is not empty but holds nothing in the table's protocol, or has other units.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in metrics.to_pylist():
        if row["protocol"] == definition.protocol:
            groups.setdefault(without_seed(row["experiment"], row["seed"]), []).append(row)
    if not groups and metrics.num_rows:
        found = sorted(set(metrics.column("protocol").to_pylist()))
        raise DataError(
            f"the metrics hold no protocol '{definition.protocol}', which {definition.name} needs; "
            f"they hold {', '.join(found) or 'nothing'}"
        )
    return [_measured_row(name, rows, definition) for name, rows in groups.items()]


def without_seed(experiment: str, seed: int) -> str:
    """The name of an experiment without its seed: what all of its seeds share."""
    return re.sub(rf"_seed{seed}(?=__|$)", "", experiment)


def _measured_row(name: str, rows: list[dict[str, Any]], definition: TableDefinition) -> MeasuredRow:
    first = rows[0]
    measurements = []
    for score in definition.scores:
        found = [row for row in rows if row["metric"] == score.metric]
        for row in found:
            if row["unit"] != score.unit:
                raise DataError(
                    f"experiment {row['experiment']} gives {score.metric} in '{row['unit']}', "
                    f"{definition.name} expects '{score.unit}'; evaluate its predictions again"
                )
        measurements.append(_measurement([row["value"] for row in found]))
    names = {score.metric for score in definition.scores}
    per_seed = {row["seed"]: row for row in rows if row["metric"] in names} or {first["seed"]: first}
    samples = [row["samples"] for row in per_seed.values()]
    return MeasuredRow(
        experiment=name,
        **{
            key: first[key]
            for key in ("method", "set", "weighting", "top_k", "init", "dataset", "label_fraction")
        },
        measurements=tuple(measurements),
        seeds=tuple(sorted(per_seed)),
        samples=(min(samples), max(samples)),
        failures=sum(row["failures"] for row in per_seed.values()),
    )


def _measurement(values: list[float | None]) -> Measurement | None:
    """Mean and spread; nothing when no seed has a value (a protocol may have to leave a cell blank)."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return None
    spread = statistics.stdev(known) if len(known) > 1 else None
    return Measurement(mean=statistics.fmean(known), spread=spread, seeds=len(known))
