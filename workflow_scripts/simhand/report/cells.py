"""Names for numbers: ``table2/simhand/ego-100k/mpjpe`` is a cell of a table, and so are its experiments."""

import csv
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from simhand.errors import ConfigError, DataError
from simhand.files.tables import read_table
from simhand.settings.datasets import Layout
from simhand.settings.experiment_groups import is_table
from simhand.text import listed_lines

TOLD_BY = ("method", "set", "weighting", "top_k", "init", "label_fraction", "dataset")
SUFFIX = "_experiments"
NUMBERS = ("mean", "spread", "low", "high")
MOST_LISTED = 40
NONE = "  (none)"


@dataclass(frozen=True)
class NamedCell:
    """A measured number and the experiments that it comes from.

    Attributes:
        table: where it stands.
        configured: whether the configuration that the run has noted has this table.
        name: as many of the words as tell it from the others.
        words: all that it can be asked for by.
        numbers: mean, spread, low and high end as the table has them; '' for what it has not.
    """

    table: str
    configured: bool
    name: str
    words: frozenset[str]
    experiments: tuple[str, ...]
    metric: str
    protocol: str
    numbers: Mapping[str, str]
    text: str


def cells_of(run_dir: Path) -> list[NamedCell]:
    """Every measured number of the tables of a run.

    Raises:
        DataError: provenance.json is damaged.
    """
    configured = _configured_tables(run_dir / "provenance.json")
    return [
        cell
        for path in sorted((run_dir / "tables").glob("*.csv"))
        for cell in _cells_of_table(path, configured is None or path.stem in configured)
    ]


def find_cell(run_dir: Path, asked: str) -> NamedCell:
    """The cell that ``asked`` names: as many words as it takes, between slashes, in any order.

    Tables of other configurations are only searched for what those of this one do not have.

    Raises:
        ConfigError: no cell has these words, or several have.
    """
    cells = cells_of(run_dir)
    words = _words(asked)
    exact = [cell for cell in cells if cell.name == asked]
    found = exact or [cell for cell in cells if words <= cell.words]
    found = [cell for cell in found if cell.configured] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(f"{asked} may be any of\n{listed_lines(map(_told, found), MOST_LISTED)}")
    raise ConfigError(f"no number is called '{asked}' in {run_dir}. {listing(run_dir, MOST_LISTED)}")


def listing(run_dir: Path, most: int | None = None) -> str:
    """What can be asked for: the cells and experiments of a run, ``most`` of each (None: all)."""
    experiments = [f"{name}/<protocol>/<metric>" for name in experiments_of(run_dir)]
    return (
        f"Cells of its tables:\n{listed_lines(map(_told, cells_of(run_dir)), most) or NONE}\n"
        f"Experiments:\n{listed_lines(experiments, most) or NONE}"
    )


def experiments_of(run_dir: Path) -> list[str]:
    """The experiments of the metrics of a run; none if it has no metrics yet."""
    path = run_dir / "metrics.parquet"
    if not path.exists():
        return []
    return list(dict.fromkeys(read_table(path, "metrics", ["experiment"])["experiment"].to_pylist()))


def _configured_tables(path: Path) -> Collection[str] | None:
    """The tables of the configuration in provenance.json; None where there is none yet."""
    if not path.exists():
        return None
    try:
        experiments = json.loads(path.read_text(encoding="utf-8"))["config"].get("experiments")
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is not what record_provenance writes ({error!r}); run it again") from error
    return [group for group in experiments or () if is_table(group)]


def _cells_of_table(path: Path, configured: bool) -> Iterator[NamedCell]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["status"] == "measured"]
    all_told = [[row[name] for name in TOLD_BY if row[name] and _tells_apart(name, rows)] for row in rows]
    for row, told in zip(rows, all_told, strict=True):
        # Rows may differ in nothing but their label or encoder.
        own = [row["experiment"]] if all_told.count(told) > 1 else []
        names = [column.removesuffix(SUFFIX) for column in row if column.endswith(SUFFIX)]
        for score in names:
            if not row[f"{score}_mean"]:
                continue
            experiments = tuple(row[score + SUFFIX].split())
            words = [path.stem, row["experiment"], score, *(row[name] for name in TOLD_BY), *experiments]
            yield NamedCell(
                table=path.stem,
                configured=configured,
                name="/".join([path.stem, *told, *own, score]),
                words=_words("/".join(words)),
                experiments=experiments,
                metric=_without_layout(score),
                protocol=row["protocol"],
                numbers={part: row[f"{score}_{part}"] for part in NUMBERS},
                text=_text(row, score),
            )


def _words(text: str) -> frozenset[str]:
    """The words between the slashes of ``text``, of which a path has several."""
    return frozenset(word.lower() for word in text.split("/") if word)


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


def _told(cell: NamedCell) -> str:
    return cell.name if cell.configured else f"{cell.name} (of another configuration)"
