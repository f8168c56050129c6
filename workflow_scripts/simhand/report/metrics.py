"""The metrics table of a run: one file from many, and its rows summarised over seeds."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from simhand.errors import DataError
from simhand.files.tables import make_table, read_table
from simhand.report.definitions import Score, TableDefinition
from simhand.settings.datasets import Layout
from simhand.settings.experiment_groups import TABLE_PROTOCOL
from simhand.settings.experiment_names import several_ranks, without_dataset, without_seed
from simhand.settings.tables import TablesSettings

Row = dict[str, Any]

IDENTITY = ("experiment", "protocol", "metric")


@dataclass(frozen=True)
class Measurement:
    """One score over the seeds of an experiment.

    Attributes:
        spread: sample standard deviation over the seeds; None for one seed.
        interval: confidence interval over the samples, of one seed; None where several seeds show the
            spread, and where none was computed.
    """

    mean: float
    spread: float | None
    seeds: int
    interval: tuple[float, float] | None = None

    @property
    def texts(self) -> dict[str, str]:
        """Mean, spread, low and high end as the CSV has them, with four decimals; '' for none."""
        low, high = self.interval or (None, None)
        numbers = {"mean": self.mean, "spread": self.spread, "low": low, "high": high}
        return {part: "" if number is None else f"{number:.4f}" for part, number in numbers.items()}


@dataclass(frozen=True)
class MeasuredRow:
    """One experiment over all of its seeds, and in a table of several data sets, over these.

    Attributes:
        experiment: what the names of its experiments share.
        top_k: rank of the positive, ``1+2+5`` for several at once; None where there is none.
        encoder: None where it is not known.
        layouts: which of the paper's data sets ``datasets`` are.
        measurements: one for each score of the table; None where nothing was measured.
        experiments: the names of the experiments behind each score.
        samples: fewest and most, of all experiments.
    """

    experiment: str
    method: str
    set: str | None
    weighting: str
    top_k: str | None
    init: str
    encoder: str | None
    datasets: tuple[str, ...]
    layouts: tuple[Layout | None, ...]
    label_fraction: float
    measurements: tuple[Measurement | None, ...]
    experiments: tuple[tuple[str, ...], ...]
    seeds: tuple[int, ...]
    samples: tuple[int, int]
    failures: int

    def all_experiments(self) -> list[str]:
        """Every experiment of the row once, in the order of the scores."""
        return list(dict.fromkeys(name for names in self.experiments for name in names))


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


def files_of_experiments(paths: Sequence[Path]) -> dict[str, Path]:
    """Which of the metrics tables each experiment is in."""
    return {
        name: path
        for path in paths
        for name in dict.fromkeys(read_table(path, "metrics", ["experiment"])["experiment"].to_pylist())
    }


def summarise(
    metrics: pa.Table, definition: TableDefinition, settings: TablesSettings | None = None
) -> list[MeasuredRow]:
    """The experiments of a metrics table with mean and spread over seeds, in the order of the table.

    Experiments that differ only in their seed are one row. Where the table has scores of several data
    sets, so are those that differ only in their data set, unless two are of the same kind.

    Raises:
        DataError: the table is not empty but holds nothing in the table's protocol, or has other units.
    """
    settings = settings or TablesSettings()
    several = len(definition.layouts) > 1
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in metrics.to_pylist():
        if row["protocol"] == TABLE_PROTOCOL:
            name = without_seed(row["experiment"], row["seed"])
            place = 0
            if several:
                name, place = without_dataset(name, row["dataset"]), _place(row["dataset"], settings)
            groups.setdefault((name, place), []).append(row)
    if not groups and metrics.num_rows:
        found = sorted(set(metrics.column("protocol").to_pylist()))
        raise DataError(
            f"the metrics hold no protocol '{TABLE_PROTOCOL}', which {definition.name} needs; "
            f"they hold {', '.join(found) or 'nothing'}"
        )
    return [_measured_row(name, rows, definition, settings) for (name, _), rows in groups.items()]


def _place(dataset: str, settings: TablesSettings) -> int:
    """The place of a data set among those of its kind: the first of each kind share their rows."""
    same = [name for name, layout in settings.layouts.items() if layout == settings.layouts.get(dataset)]
    return same.index(dataset) if dataset in same else 0


def _measured_row(
    name: str, rows: list[Row], definition: TableDefinition, settings: TablesSettings
) -> MeasuredRow:
    first = rows[0]
    cells = [_rows_of_score(rows, score, definition, settings) for score in definition.scores]
    per_experiment = {row["experiment"]: row for found in cells for row in found}
    per_experiment = per_experiment or {first["experiment"]: first}
    samples = [row["samples"] for row in per_experiment.values()]
    datasets = tuple(dict.fromkeys(row["dataset"] for row in rows))
    rank = several_ranks(name) if first["top_k"] is None else str(first["top_k"])
    return MeasuredRow(
        experiment=name,
        **{key: first[key] for key in ("method", "set", "weighting", "init", "label_fraction")},
        top_k=rank,
        encoder=settings.encoders.get(first["experiment"]),
        datasets=datasets,
        layouts=tuple(settings.layouts.get(dataset) for dataset in datasets),
        measurements=tuple(measurement(found) for found in cells),
        experiments=tuple(tuple(dict.fromkeys(row["experiment"] for row in found)) for found in cells),
        seeds=tuple(sorted({row["seed"] for row in per_experiment.values()} - {None})),
        samples=(min(samples), max(samples)),
        failures=sum(row["failures"] for row in per_experiment.values()),
    )


def _rows_of_score(
    rows: list[Row], score: Score, definition: TableDefinition, settings: TablesSettings
) -> list[Row]:
    """The rows of the metrics table behind one score; of another data set only where there is one column."""
    several = len(definition.layouts) > 1
    found = [
        row
        for row in rows
        if row["metric"] == score.metric
        and (not several or settings.layouts.get(row["dataset"]) == score.layout)
    ]
    for row in found:
        if row["unit"] != score.unit:
            raise DataError(
                f"experiment {row['experiment']} gives {score.metric} in '{row['unit']}', "
                f"{definition.name} expects '{score.unit}'; evaluate its predictions again"
            )
    return found


def measurement(rows: list[Row]) -> Measurement | None:
    """Mean and spread; nothing when no seed has a value (a protocol may have to leave a cell blank)."""
    known = [row for row in rows if row["value"] is not None and math.isfinite(row["value"])]
    if not known:
        return None
    values = [row["value"] for row in known]
    spread = statistics.stdev(values) if len(values) > 1 else None
    low, high = known[0]["low"], known[0]["high"]
    interval = None if len(values) > 1 or low is None or high is None else (low, high)
    return Measurement(statistics.fmean(values), spread, len(values), interval)
