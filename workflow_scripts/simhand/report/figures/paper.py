"""The paper's figures, each by its number: `snakemake figure4` draws one and builds only what it needs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from simhand.errors import DataError
from simhand.files.atomic import write_bytes, write_text
from simhand.report.figures.label_fractions import draw_label_fractions
from simhand.report.figures.methods import draw_methods
from simhand.report.figures.pairs import draw_ranks
from simhand.report.figures.style import Figure
from simhand.report.figures.timeline import draw_timeline
from simhand.report.metrics import concatenate_metrics
from simhand.report.mined_set import MinedSet
from simhand.settings.report import ReportSettings


@dataclass(frozen=True)
class FigureParts:
    """What a figure is drawn from: a mined set, or the fine-tunings of its experiments."""

    run_dir: Path
    sets: Sequence[str]
    finetune: Sequence[str]


def _ranks(parts: FigureParts, settings: ReportSettings) -> Figure | None:
    return draw_ranks(MinedSet.load(parts.run_dir, parts.sets[0]), settings.example_queries)


def _timeline(parts: FigureParts, settings: ReportSettings) -> Figure | None:
    return draw_timeline(MinedSet.load(parts.run_dir, parts.sets[0]))


def _label_fractions(parts: FigureParts, settings: ReportSettings) -> Figure | None:
    files = [parts.run_dir / "finetune" / name / "metrics.parquet" for name in parts.finetune]
    return draw_label_fractions(concatenate_metrics(files))


def _methods(parts: FigureParts, settings: ReportSettings) -> Figure | None:
    return draw_methods(parts.run_dir, parts.finetune, settings.example_predictions)


PAPER_FIGURES: dict[str, Callable[[FigureParts, ReportSettings], Figure | None]] = {
    "figure2": _ranks,
    "figure4": _label_fractions,
    "figure5": _methods,
    "figure7": _methods,
    "figure8": _timeline,
}


def write_paper_figure(name: str, folder: Path, parts: FigureParts, settings: ReportSettings) -> None:
    """Write <name>.png and what the report says of it as <name>.json to ``folder``.

    Raises:
        DataError: this run has nothing to draw it from.
    """
    figure = PAPER_FIGURES[name](parts, settings)
    if figure is None:
        raise DataError(
            f"nothing to draw {name} from: {', '.join(parts.sets or parts.finetune)} of {parts.run_dir} has "
            "no hand in view for some seconds with a partner of every rank, or no predictions with a truth"
        )
    number = name.removeprefix("figure")
    write_figure(folder, replace(figure, name=name, title=f"{figure.title} (the paper's Figure {number})"))


def write_figure(folder: Path, figure: Figure) -> None:
    """Write a figure and its entry."""
    write_bytes(folder / f"{figure.name}.png", figure.png)
    text = json.dumps(entry_of(figure), indent=2, ensure_ascii=False)
    write_text(folder / f"{figure.name}.json", text + "\n")


def entry_of(figure: Figure) -> dict[str, Any]:
    """What the index of figures holds of one: all but the picture."""
    entry = asdict(figure)
    del entry["png"]
    return entry
