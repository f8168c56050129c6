"""The stages of this run as a picture, with how much went through each."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from simhand.report.figures.style import INK, MUTED, Figure, plot, plot_png
from simhand.report.run_folder import RunFolder

BOX_WIDTH = 1.36
BOX_HEIGHT = 0.86
STEP_X = 1.72
STEP_Y = 1.5
GROUP_COLOURS = {"videos": "#2d8bba", "mining": "#3fa34d", "training": "#d1432f", "results": "#8e5bb5"}


@dataclass(frozen=True)
class Stage:
    """One box: where it stands in the grid, and what it says."""

    title: str
    count: str
    group: str
    column: int
    row: int


def draw_dag(run: RunFolder, sets: Sequence[str], pretrain: Sequence[str], finetune: Sequence[str]) -> Figure:
    """The stages from videos to the report and their counts in this run."""
    pairs = sum(run.pair_count(name) for name in sets)
    hands = sum(sum(run.set_sides(name).values()) for name in sets)
    predictions = sum(run.prediction_count(name) for name in finetune)
    stages = [
        Stage("videos", f"{len(run.videos):,}", "videos", 0, 0),
        Stage("frames", f"{run.count('frames'):,}", "videos", 1, 0),
        Stage("crops", f"{run.count('crops'):,} hands", "videos", 2, 0),
        Stage("keypoints", f"{run.count('keypoints'):,} valid", "videos", 3, 0),
        Stage("sets", f"{plural(len(sets), 'set')}, {hands:,} hands", "mining", 4, 0),
        Stage("PCA", plural(len(sets), "embedding"), "mining", 5, 0),
        Stage("pairs", f"{pairs:,}", "mining", 5, 1),
        Stage("pre-train", plural(len(pretrain), "encoder"), "training", 4, 1),
        Stage("fine-tune", plural(len(finetune), "model"), "training", 3, 1),
        Stage("predictions", f"{predictions:,} hands", "training", 2, 1),
        Stage("metrics", plural(len(finetune), "experiment"), "results", 1, 1),
        Stage("tables, figures", "this report", "results", 0, 1),
    ]
    with plot(10.4, 2.85) as drawing:
        axes = drawing.axes[0]
        for first, second in zip(stages, stages[1:], strict=False):
            _draw_arrow(axes, first, second)
        _draw_skip(axes, stages[4], stages[7])
        for stage in stages:
            _draw_box(axes, stage)
        axes.set(xlim=(-0.1, 5 * STEP_X + BOX_WIDTH + 0.1), ylim=(-0.1, STEP_Y + BOX_HEIGHT + 0.1))
        axes.set_aspect("equal")
        axes.axis("off")
        png = plot_png(drawing)
    caption = (
        "The stages of the workflow with what went through them in this run: videos (blue), mining of "
        "similar hands (green), training (red), results (violet). Encoders that need no mined pairs are "
        "trained on the sets alone."
    )
    return Figure("dag", "dag", "The workflow", caption, False, png)


def plural(count: int, noun: str) -> str:
    """``3 models``, ``1 model``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _corner(stage: Stage) -> tuple[float, float]:
    return stage.column * STEP_X, (1 - stage.row) * STEP_Y


def _draw_box(axes: Axes, stage: Stage) -> None:
    x, y = _corner(stage)
    colour = GROUP_COLOURS[stage.group]
    shape = "round,pad=0,rounding_size=0.12"
    axes.add_patch(FancyBboxPatch((x, y), BOX_WIDTH, BOX_HEIGHT, shape, facecolor="white", edgecolor="none"))
    axes.add_patch(
        FancyBboxPatch(
            (x, y),
            BOX_WIDTH,
            BOX_HEIGHT,
            shape,
            facecolor=(*_light(colour), 0.13),
            edgecolor=colour,
            linewidth=1.3,
        )
    )
    middle = x + BOX_WIDTH / 2
    axes.text(
        middle, y + 0.55, stage.title, ha="center", va="center", fontsize=10, fontweight="bold", color=INK
    )
    axes.text(middle, y + 0.26, stage.count, ha="center", va="center", fontsize=8, color=MUTED)


def _light(colour: str) -> tuple[float, float, float]:
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def _draw_arrow(axes: Axes, first: Stage, second: Stage) -> None:
    (x1, y1), (x2, y2) = _corner(first), _corner(second)
    if first.row != second.row:
        start, end = (x1 + BOX_WIDTH / 2, y1), (x2 + BOX_WIDTH / 2, y2 + BOX_HEIGHT)
    elif x2 > x1:
        start, end = (x1 + BOX_WIDTH, y1 + BOX_HEIGHT / 2), (x2, y2 + BOX_HEIGHT / 2)
    else:
        start, end = (x1, y1 + BOX_HEIGHT / 2), (x2 + BOX_WIDTH, y2 + BOX_HEIGHT / 2)
    axes.add_patch(_arrow(start, end))


def _draw_skip(axes: Axes, first: Stage, second: Stage) -> None:
    """From the sets straight down to pre-training, past PCA and pairs."""
    (x, top), (_, bottom) = _corner(first), _corner(second)
    middle = x + BOX_WIDTH / 2
    axes.add_patch(_arrow((middle, top), (middle, bottom + BOX_HEIGHT)))


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> FancyArrowPatch:
    return FancyArrowPatch(
        start, end, arrowstyle="-|>", mutation_scale=10, linewidth=1.2, color=MUTED, shrinkA=2, shrinkB=2
    )
