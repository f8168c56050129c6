"""What all figures share: colours, type, and how a drawing becomes the bytes of a PNG file."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import pyplot
from matplotlib.figure import Figure as Plot
from PIL import Image, ImageFont

from simhand.settings.experiments import METHODS

matplotlib.use("Agg")

INK = "#1f2328"
MUTED = "#646c76"
LINE = "#d8dbe0"
TINT = "#f4f5f7"
PAPER = "#ffffff"

FINGER_COLOURS = {
    "thumb": "#e4572e",
    "index": "#f2a71b",
    "middle": "#3fa34d",
    "ring": "#2d8bba",
    "little": "#8e5bb5",
}
SIDE_COLOURS = {"left": "#2d8bba", "right": "#e4572e"}
NO_PRETRAINING_COLOUR = "#7d858f"
METHOD_PALETTE = ("#f2a71b", "#2d8bba", "#d1432f", "#3fa34d", "#8e5bb5", "#8c564b", "#17a2a2", "#d16ba5")

PLOT_DPI = 170
PLOT_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "figure.facecolor": PAPER,
    "svg.hashsalt": "simhand",
}


@dataclass(frozen=True)
class Figure:
    """A finished figure.

    Attributes:
        name: file name without suffix.
        section: part of the report that it belongs to.
        caption: what is seen and what to look for.
        photographs: made of photographs, so that the report may embed it as JPEG.
    """

    name: str
    section: str
    title: str
    caption: str
    photographs: bool
    png: bytes


@contextmanager
def plot(
    width_in: float, height_in: float, columns: int = 1, width_ratios: Sequence[float] | None = None
) -> Iterator[Plot]:
    """A Matplotlib figure with a row of axes in the common style, closed when the block ends."""
    with matplotlib.rc_context(PLOT_STYLE):
        drawing, _ = pyplot.subplots(
            1, columns, width_ratios=width_ratios, figsize=(width_in, height_in), layout="constrained"
        )
        try:
            yield drawing
        finally:
            pyplot.close(drawing)


def method_colour(method: str | None) -> str:
    """The colour of a method, by its place among the methods; None is a model of unknown origin."""
    if method == "none":
        return NO_PRETRAINING_COLOUR
    if method not in METHODS:
        return MUTED
    return METHOD_PALETTE[list(METHODS).index(method) % len(METHOD_PALETTE)]


def plot_png(drawing: Plot) -> bytes:
    """The PNG of a plot; the same plot gives the same bytes (no version, no date inside)."""
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png", dpi=PLOT_DPI, metadata={"Software": None})
    return buffer.getvalue()


def image_png(image: Image.Image) -> bytes:
    """The PNG of an image."""
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    return buffer.getvalue()


@cache
def font(size_px: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The typeface of the plots, for text on photographs."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)), size_px)


def rgb(colour: str) -> tuple[int, int, int]:
    """``#rrggbb`` as numbers from 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
