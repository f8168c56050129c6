"""Plots of mining: distances of the pairs, and the pose embedding they are measured in."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, PercentFormatter

from simhand.files.tables import JOINTS
from simhand.mining.embedding import PoseEmbedding
from simhand.report.figures.drawing import FINGERS
from simhand.report.figures.photographs import spread
from simhand.report.figures.style import FINGER_COLOURS, INK, LINE, MUTED, Figure, plot, plot_png
from simhand.report.mined_set import MinedSet

MOST_RANKS = 9
MOST_BINS = 60
# Of the farthest pair's distance over the nearest one's that is drawn.
MOST_SPAN = 1000
RIDGE_HEIGHT = 0.88
SHOWN_COMPONENTS = 4


def draw_distances(mined: MinedSet) -> Figure | None:
    """How far apart the hands of a pair are, a histogram per rank; None without distances."""
    of_ranks = {rank: mined.of_rank(rank).distances for rank in mined.ranks()}
    known = {rank: found[np.isfinite(found)] for rank, found in of_ranks.items()}
    ranks = spread([rank for rank in known if len(known[rank])], MOST_RANKS)
    if not ranks:
        return None
    edges, equal = _distance_edges([known[rank] for rank in ranks])
    colours = matplotlib.colormaps["viridis"](np.linspace(0.05, 0.85, len(ranks)))
    with plot(7.4, 0.9 + 0.42 * len(ranks)) as drawing:
        axes = drawing.axes[0]
        for place, (rank, colour) in enumerate(zip(ranks, colours, strict=True)):
            heights = np.histogram(np.maximum(known[rank], edges[0]), edges)[0] / len(known[rank])
            floor = -float(place)
            bars = floor + RIDGE_HEIGHT * heights / heights.max()
            axes.stairs(bars, edges, baseline=floor, color=colour, alpha=0.75, fill=True)
            median = float(np.median(known[rank]))
            axes.plot([max(median, edges[0])] * 2, [floor, floor + RIDGE_HEIGHT], color=INK, linewidth=1.1)
            axes.text(1.01, floor + 0.3, f"{median:.3f}", transform=axes.get_yaxis_transform(), color=INK)
        axes.text(1.01, 1.1, "median", transform=axes.get_yaxis_transform(), color=MUTED)
        axes.set(xlabel="distance in the pose embedding", xscale="log", xlim=(edges[0], edges[-1]))
        axes.set_ylim(0.97 - len(ranks), 1.0)
        axes.set_yticks([0.35 - place for place in range(len(ranks))], [f"Top-{rank}" for rank in ranks])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        png = plot_png(drawing)
    some = f"{len(ranks)} of {len(known)} ranks" if len(ranks) < len(known) else "every rank"
    caption = (
        f"Distances of all pairs of set {mined.name}, for {some}: a histogram each, as high as its highest "
        "bar, with the median; the axis is logarithmic. A higher rank must lie further right; Top-1 far "
        "left of the others means that most hands have a true double."
    )
    if equal:
        caption += f" The first bar also holds {equal:,} pairs nearer than that, such as equal hands."
    return Figure(
        f"distances_{mined.name}", "pairs", f"Distances of pairs, set {mined.name}", caption, False, png
    )


def _distance_edges(distances: Sequence[npt.NDArray[np.float64]]) -> tuple[npt.NDArray[np.float64], int]:
    """Edges of the bars, equally far apart on a logarithmic axis, and how many distances lie before them."""
    everything = np.concatenate(distances)
    high = float(everything.max()) or 1.0
    low = high / MOST_SPAN
    if len(positive := everything[everything > low]):
        low = max(low, 0.95 * float(positive.min()))
    bars = int(np.clip(2 * np.sqrt(len(distances[0])), 8, MOST_BINS))
    return np.geomspace(low, 1.02 * high, bars + 1), int(np.count_nonzero(everything < low))


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
