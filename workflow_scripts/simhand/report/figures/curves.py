"""Training curves, one line per experiment."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from simhand.errors import DataError
from simhand.report.figures.experiment_names import experiment_parts, short_labels
from simhand.report.figures.style import METHOD_COLOURS, MUTED, Figure, plot, plot_png

LINE_STYLES = {"none": "-", "both": "--", "positive": "-.", "negative": ":"}
ROWS_BESIDE_PLOT = 14

History = list[dict[str, Any]]


def read_history(path: Path) -> History:
    """The records of a history.jsonl.

    Raises:
        DataError: it is missing, empty, or not JSON lines.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines if line]
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; run the training that writes it first") from error
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not JSON lines ({error}); run its training again") from error
    if not records or "loss" not in records[0]:
        raise DataError(f"{path} has no records with a loss; run its training again")
    return records


def draw_pretraining(run_dir: Path, names: Sequence[str]) -> Figure | None:
    """The contrastive loss of every pre-training; None without any."""
    if not names:
        return None
    histories = [read_history(run_dir / "pretrain" / name / "history.jsonl") for name in names]
    with plot(8.6, 3.3) as drawing:
        _draw_lines(drawing.axes[0], names, histories, "loss")
        drawing.axes[0].set_ylabel("contrastive loss")
        _legend_beside(drawing.axes[0])
        png = plot_png(drawing)
    caption = (
        "Contrastive loss of each pre-training. Every curve should fall and flatten; the levels of different methods "
        "do not compare, since their positives, weights and batches differ."
    )
    return Figure("pretraining", "pretraining", "Pre-training", caption, False, png)


def draw_finetuning(run_dir: Path, names: Sequence[str]) -> Figure | None:
    """The loss of every fine-tuning and, where it was judged, its error on held-out labels; None without any."""
    if not names:
        return None
    histories = [read_history(run_dir / "finetune" / name / "history.jsonl") for name in names]
    judged = any("error_mm" in history[0] for history in histories)
    with plot(10.0 if judged else 8.6, 3.3, columns=1 + judged) as drawing:
        _draw_lines(drawing.axes[0], names, histories, "loss")
        drawing.axes[0].set(ylabel="training loss", yscale="log")
        if judged:
            _draw_lines(drawing.axes[1], names, histories, "error_mm")
            drawing.axes[1].set(ylabel="error that chooses the epoch [mm]")
        _legend_beside(drawing.axes[-1])
        png = plot_png(drawing)
    caption = "Training loss of each fine-tuning (heat maps, deltas and locations together; logarithmic)"
    if judged:
        caption += ", and the error by which its epoch is chosen, aligned at the wrist and by bone 0-9"
    caption += ". A curve that starts lower and stays lower is what pre-training is for."
    return Figure("finetuning", "finetuning", "Fine-tuning", caption, False, png)


def _draw_lines(axes: Axes, names: Sequence[str], histories: Sequence[History], key: str) -> None:
    """One line per experiment; the x axis is epochs, or steps where several records share an epoch."""
    by_step = any(_repeats_epochs(history) for history in histories)
    for name, label, history in zip(names, short_labels(names), histories, strict=True):
        records = [record for record in history if record.get(key) is not None]
        if by_step:
            x = [record.get("step", place) for place, record in enumerate(records)]
        else:
            x = [record.get("epoch", place + 1) for place, record in enumerate(records)]
        parts = experiment_parts(name)
        style = LINE_STYLES.get(parts.get("weighting", "none"), "-")
        colour = METHOD_COLOURS.get(parts.get("method", ""), MUTED)
        marker = "o" if len(records) <= 12 else ""
        values = [record[key] for record in records]
        axes.plot(x, values, color=colour, linestyle=style, marker=marker, markersize=3.5, label=label)
    axes.set_xlabel("step" if by_step else "epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _repeats_epochs(history: History) -> bool:
    epochs = [record["epoch"] for record in history if "epoch" in record]
    return len(set(epochs)) < len(epochs)


def _legend_beside(axes: Axes) -> None:
    count = len(axes.get_lines())
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), ncols=1 + (count - 1) // ROWS_BESIDE_PLOT)
