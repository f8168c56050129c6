"""Error over the share of the labels that a model is fine-tuned on: the form of the paper's Figure 4."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from simhand.errors import DataError
from simhand.report.definitions import Score, TableDefinition
from simhand.report.figures.short_labels import short_labels
from simhand.report.figures.style import Figure, method_colour, plot, plot_png
from simhand.report.metrics import MeasuredRow, summarise
from simhand.settings.experiment_names import without_share

MARKERS = "osD^vPX*"
LINE_STYLES = ("-", "--", "-.", ":")

CURVES = TableDefinition(
    name="figure4",
    title="Error over the share of the labels",
    caption="",
    shown=(),
    scores=(Score("mpjpe", "mm", "MPJPE", higher_is_better=False),),
)


@dataclass(frozen=True)
class Curve:
    """One pre-training (or none) with the errors of its fine-tunings, by ascending share of the labels."""

    label: str
    method: str
    rows: tuple[MeasuredRow, ...]


def label_fraction_curves(metrics: pa.Table) -> list[Curve]:
    """The experiments of a metrics table that differ only in their share of the labels, as curves."""
    rows: dict[tuple[str, ...], list[MeasuredRow]] = {}
    for row in summarise(metrics, CURVES):
        if row.measurements[0]:
            rows.setdefault(_apart_from_labels(row), []).append(row)
    found = [sorted(group, key=lambda row: row.label_fraction) for group in rows.values()]
    # The first fine-tuning names the curve; its share of the labels is the same in all labels or left out.
    labels = short_labels([_with_seed(group[0]) for group in found])
    return [
        Curve(_without_share(label, group), group[0].method, tuple(group))
        for label, group in zip(labels, found, strict=True)
    ]


def draw_label_fractions(metrics: pa.Table) -> Figure:
    """MPJPE by protocol simhand over the share of the labels, a line per pre-training.

    Raises:
        DataError: nothing was measured in that protocol.
    """
    curves = label_fraction_curves(metrics)
    if not curves:
        raise DataError(
            "no MPJPE was measured by protocol simhand for figure4; is it in evaluation.protocols?"
        )
    with plot(7.6, 4.2) as drawing:
        axes = drawing.axes[0]
        drawn: dict[str, int] = {}
        for curve in curves:
            place = drawn.setdefault(curve.method, 0)
            drawn[curve.method] += 1
            below, above = _bars(curve.rows)
            axes.errorbar(
                [100 * row.label_fraction for row in curve.rows],
                _means(curve.rows),
                yerr=[below, above],
                color=method_colour(curve.method),
                linestyle=LINE_STYLES[place % len(LINE_STYLES)],
                marker=MARKERS[place % len(MARKERS)],
                markersize=4.5,
                capsize=3,
                label=curve.label,
            )
        shares = sorted({100 * row.label_fraction for curve in curves for row in curve.rows})
        axes.set_xticks(shares, [f"{share:g}" for share in shares])
        axes.set(xlabel="share of the training labels [%]", ylabel="MPJPE [mm]", ylim=(0, None))
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        png = plot_png(drawing)
    return Figure("figure4", "finetuning", CURVES.title, _caption(curves), False, png)


def _caption(curves: Iterable[Curve]) -> str:
    rows = [row for curve in curves for row in curve.rows]
    seeds = {len(row.seeds) for row in rows}
    several = max(seeds) > 1
    if several:
        bars = "Bars: one standard deviation over the seeds."
    elif any(row.measurements[0] and row.measurements[0].interval for row in rows):
        bars = "One seed; bars: confidence interval over the evaluation samples."
    else:
        bars = "One seed, so no spread is known."
    datasets = ", ".join(dict.fromkeys(name for row in rows for name in row.datasets))
    return (
        f"Error after fine-tuning on a share of the labels of {datasets}, protocol simhand (the form of the "
        f"paper's Figure 4, which gives no numbers to compare with). {bars} Pre-training should help most "
        "where labels are few."
    )


def _means(rows: Sequence[MeasuredRow]) -> list[float]:
    return [found.mean for row in rows if (found := row.measurements[0])]


def _bars(rows: Sequence[MeasuredRow]) -> tuple[list[float], list[float]]:
    """How far the bars reach below and above the means; zero where nothing is known."""
    below, above = [], []
    for row in rows:
        found = row.measurements[0]
        assert found is not None
        low, high = found.interval or (found.mean, found.mean)
        spread = found.spread
        below.append(found.mean - low if spread is None else spread)
        above.append(high - found.mean if spread is None else spread)
    return below, above


def _apart_from_labels(row: MeasuredRow) -> tuple[str, ...]:
    return tuple(without_share(row.experiment, row.label_fraction).split("__"))


def _with_seed(row: MeasuredRow) -> str:
    """The name of one of the experiments, from which a short label can be told."""
    return row.experiments[0][0]


def _without_share(label: str, rows: Sequence[MeasuredRow]) -> str:
    return label.replace(f", {100 * rows[0].label_fraction:g} % of labels", "")
