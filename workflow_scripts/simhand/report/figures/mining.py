"""Plots of mining: distances of the pairs, and the pose embedding they are measured in."""

from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from simhand.files.tables import JOINTS
from simhand.mining.embedding import PoseEmbedding
from simhand.report.figures.drawing import FINGERS
from simhand.report.figures.pairs import MOST_RANKS, MinedSet
from simhand.report.figures.photographs import spread
from simhand.report.figures.style import FINGER_COLOURS, LINE, MUTED, Figure, plot, plot_png

MOST_BINS = 60
# Beyond this share of the pairs the tail would only flatten the rest of the picture.
SHOWN_QUANTILE = 0.995
SHOWN_COMPONENTS = 4


def draw_distances(mined: MinedSet) -> Figure | None:
    """How far apart the hands of a pair are, one curve per rank; None without pairs."""
    if mined.pairs.num_rows == 0:
        return None
    ranks = spread(mined.ranks(), MOST_RANKS)
    distances = {rank: mined.distances(rank) for rank in ranks}
    limit = max(float(np.quantile(found, SHOWN_QUANTILE)) for found in distances.values()) or 1.0
    bins = int(np.clip(2 * np.sqrt(len(distances[ranks[0]])), 8, MOST_BINS))
    edges = np.linspace(0.0, limit, bins + 1)
    colours = matplotlib.colormaps["viridis"](np.linspace(0.05, 0.85, len(ranks)))
    with plot(7.4, 3.1) as drawing:
        axes = drawing.axes[0]
        for rank, colour in zip(ranks, colours, strict=True):
            heights = np.histogram(distances[rank], edges)[0] / len(distances[rank])
            median = f"median {np.median(distances[rank]):.3f}"
            axes.stairs(heights, edges, color=colour, linewidth=1.7, label=f"Top-{rank}  ({median})")
            if rank == ranks[0]:
                axes.stairs(heights, edges, color=colour, alpha=0.16, fill=True)
        axes.set(xlabel="distance in the pose embedding", ylabel="share of pairs", xlim=(0, limit))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.legend()
        png = plot_png(drawing)
    caption = (
        f"Distances of all pairs of set {mined.name} by rank (the widest 0.5 % of each rank lie outside). "
        "A higher rank must lie further right; Top-1 near zero with a short tail means that most hands "
        "have a true double."
    )
    return Figure(
        f"distances_{mined.name}", "pairs", f"Distances of pairs, set {mined.name}", caption, False, png
    )


def draw_pca(run_dir: Path, set_name: str) -> Figure:
    """The variance that each component explains, and the change of the hand that the first ones stand for."""
    embedding = PoseEmbedding.load(run_dir / "pca" / f"{set_name}.npz")
    ratio = embedding.explained_variance_ratio
    shown = min(SHOWN_COMPONENTS, len(ratio))
    with plot(10.4, 2.7, columns=1 + shown, width_ratios=[2.2] + [1.0] * shown) as drawing:
        _draw_variance(drawing.axes[0], ratio)
        for component, axes in enumerate(drawing.axes[1:]):
            _draw_component(axes, embedding, component)
        png = plot_png(drawing)
    caption = (
        f"Pose embedding of set {set_name}: {len(ratio)} components explain {100 * ratio.sum():.1f} % of "
        f"the variance of the keypoints (normalisation {embedding.normalisation}). Right: the hand moved "
        "one standard deviation up (coloured) and down (grey) along each of the first components, which "
        "often turn the whole hand before later ones move fingers; a shape that no hand can take is noise."
    )
    return Figure(f"pca_{set_name}", "pca", f"Pose embedding, set {set_name}", caption, False, png)


def _draw_variance(axes: Axes, ratio: npt.NDArray[np.float64]) -> None:
    numbers = np.arange(1, len(ratio) + 1)
    axes.bar(numbers, ratio, color="#2d8bba", width=0.72, label="each")
    axes.plot(numbers, np.cumsum(ratio), color="#d1432f", marker="o", markersize=3.5, label="together")
    axes.set(xlabel="component", ylabel="explained variance", ylim=(0, 1.03))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xticks([number for number in numbers if number == 1 or number % 2 == 0 or len(numbers) < 8])
    axes.legend(loc="center right")


def _draw_component(axes: Axes, embedding: PoseEmbedding, component: int) -> None:
    step = np.sqrt(embedding.explained_variance[component]) * embedding.components[component]
    up, down = ((embedding.mean + sign * step).reshape(JOINTS, 2) for sign in (1, -1))
    _draw_hand(axes, down, MUTED)
    _draw_hand(axes, up, None)
    axes.set_title(f"component {component + 1}", fontsize=9, color=MUTED, fontweight="normal")
    axes.margins(0.12)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_box_aspect(1.05)
    axes.invert_yaxis()
    axes.grid(False)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=LINE)


def _draw_hand(axes: Axes, joints: npt.NDArray[np.float64], colour: str | None) -> None:
    width = 1.1 if colour else 1.9
    for finger, chain in FINGERS.items():
        axes.plot(*joints[[0, *chain]].T, color=colour or FINGER_COLOURS[finger], linewidth=width)
