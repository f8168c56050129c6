"""Names for numbers: ``table2/simhand/ego-100k/mpjpe`` is a cell of a table, and so are its experiments."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from simhand.errors import ConfigError
from simhand.files.tables import read_table
from simhand.settings.datasets import Layout

TOLD_BY = ("method", "set", "weighting", "top_k", "init", "label_fraction", "dataset")
SUFFIX = "_experiments"
MOST_LISTED = 40


@dataclass(frozen=True)
class NamedCell:
    """A measured number and the experiments that it comes from.

    ``words`` are all that it can be asked for by; ``name`` are as many of them as tell it from the others.
    """

    name: str
    words: frozenset[str]
    experiments: tuple[str, ...]
    metric: str
    protocol: str
    text: str


def cells_of(run_dir: Path) -> list[NamedCell]:
    """Every measured number of the tables of a run."""
    return [cell for path in sorted((run_dir / "tables").glob("*.csv")) for cell in _cells_of_table(path)]


def find_cell(run_dir: Path, asked: str) -> NamedCell:
    """The cell that ``asked`` names: as many words as it takes, between slashes, in any order.

    Raises:
        ConfigError: no cell has these words, or several have.
    """
    cells = cells_of(run_dir)
    words = {word.lower() for word in asked.strip("/").split("/")}
    found = [cell for cell in cells if words <= cell.words]
    exact = [cell for cell in found if cell.name == asked]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise ConfigError(f"{asked} may be any of\n{_listed([cell.name for cell in found])}")
    experiments = [f"{name}/<protocol>/<metric>" for name in experiments_of(run_dir)]
    raise ConfigError(
        f"no number is called '{asked}' in {run_dir}. Cells of its tables:\n"
        f"{_listed([cell.name for cell in cells])}\nExperiments:\n{_listed(experiments)}"
    )


def experiments_of(run_dir: Path) -> list[str]:
    """The experiments of the metrics of a run; none if it has no metrics yet."""
    path = run_dir / "metrics.parquet"
    if not path.exists():
        return []
    return list(dict.fromkeys(read_table(path, "metrics", ["experiment"])["experiment"].to_pylist()))


def _cells_of_table(path: Path) -> Iterator[NamedCell]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["status"] == "measured"]
    for row in rows:
        names = [column.removesuffix(SUFFIX) for column in row if column.endswith(SUFFIX)]
        for score in names:
            if not row[f"{score}_mean"]:
                continue
            told = [row[name] for name in TOLD_BY if row[name] and _tells_apart(name, rows)]
            experiments = tuple(row[score + SUFFIX].split())
            words = {path.stem, row["experiment"], score, *(row[name] for name in TOLD_BY), *experiments}
            yield NamedCell(
                name="/".join([path.stem, *told, score]),
                words=frozenset(word.lower() for word in words),
                experiments=experiments,
                metric=_without_layout(score),
                protocol=row["protocol"],
                text=_text(row, score),
            )


def _without_layout(score: str) -> str:
    """The metric of a score, which bears the name of its data set in a table of several."""
    for layout in get_args(Layout):
        score = score.removeprefix(f"{layout}_")
    return score


def _tells_apart(name: str, rows: Sequence[dict[str, str]]) -> bool:
    return name in ("method", "set") or len({row[name] for row in rows} - {""}) > 1


def _text(row: dict[str, str], score: str) -> str:
    """The number as the table has it."""
    unit, seeds = row[f"{score}_unit"], len(row["seeds"].split())
    text = f"{float(row[f'{score}_mean']):.2f} {unit}"
    if row[f"{score}_spread"]:
        return f"{text}, mean of {seeds} seeds, standard deviation {float(row[f'{score}_spread']):.2f}"
    if row[f"{score}_low"]:
        low, high = float(row[f"{score}_low"]), float(row[f"{score}_high"])
        return f"{text}, confidence interval over samples {low:.2f} to {high:.2f}"
    return text


def _listed(names: Sequence[str]) -> str:
    lines = [f"  {name}" for name in names[:MOST_LISTED]]
    more = len(names) - MOST_LISTED
    return "\n".join([*(lines or ["  (none)"]), *([f"  and {more} more"] if more > 0 else [])])
