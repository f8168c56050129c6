"""Training curves, one line per experiment."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from simhand.errors import DataError
from simhand.report.figures.short_labels import short_labels
from simhand.report.figures.style import Figure, method_colour, plot, plot_png
from simhand.settings.experiment_names import experiment_parts

LINE_STYLES = {"none": "-", "both": "--", "positive": "-.", "negative": ":"}
ROWS_BESIDE_PLOT = 14
MARKED_EPOCHS = 12

History = list[dict[str, Any]]


def read_history(path: Path) -> History:
    """The records of the epochs of a history.jsonl; pre-training writes records of steps between them.

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
    epochs = [record for record in records if record.get("kind", "epoch") == "epoch"]
    if not epochs or any("loss" not in record for record in epochs):
        raise DataError(f"{path} has no epochs with a loss; run its training again")
    return epochs


def draw_pretraining(run_dir: Path, names: Sequence[str]) -> Figure | None:
    """Loss, alignment and uniformity of every pre-training; None without any."""
    if not names:
        return None
    histories = [read_history(run_dir / "pretrain" / name / "history.jsonl") for name in names]
    panels = {"loss": "contrastive loss", "alignment": "alignment", "uniformity": "uniformity"}
    with plot(10.4, 2.9, columns=len(panels)) as drawing:
        for axes, (key, label) in zip(drawing.axes, panels.items(), strict=True):
            _draw_lines(axes, names, histories, key)
            axes.set_ylabel(label)
        _legend_beside(drawing.axes[-1])
        png = plot_png(drawing)
    caption = (
        "Contrastive loss, alignment (mean squared distance of the views of a hand) and uniformity "
        "(how evenly embeddings fill the sphere), each lower the better, by epoch. The loss should fall "
        "and flatten; an alignment of zero with a uniformity of zero is a collapse. Losses of different "
        "methods do not compare, since their positives and weights differ."
    )
    return Figure("pretraining", "pretraining", "Pre-training", caption, False, png)


def draw_finetuning(run_dir: Path, names: Sequence[str]) -> Figure | None:
    """The loss of every fine-tuning and, where it was validated, its held-out error; None without any."""
    if not names:
        return None
    histories = [read_history(run_dir / "finetune" / name / "history.jsonl") for name in names]
    validated = any("error_mm" in history[0] for history in histories)
    with plot(10.0 if validated else 8.6, 3.3, columns=1 + validated) as drawing:
        _draw_lines(drawing.axes[0], names, histories, "loss")
        drawing.axes[0].set_ylabel("training loss")
        if validated:
            _draw_lines(drawing.axes[1], names, histories, "error_mm")
            drawing.axes[1].set(ylabel="error that chooses the epoch [mm]")
        _legend_beside(drawing.axes[-1])
        png = plot_png(drawing)
    caption = "Training loss of each fine-tuning (heat maps, deltas and locations together)"
    if validated:
        caption += ", and the error by which its epoch is chosen, aligned at the wrist and by bone 0-9"
    caption += ". A curve that starts lower and stays lower is what pre-training is for."
    return Figure("finetuning", "finetuning", "Fine-tuning", caption, False, png)


def _draw_lines(axes: Axes, names: Sequence[str], histories: Sequence[History], key: str) -> None:
    """One line per experiment over its epochs."""
    for name, label, history in zip(names, short_labels(names), histories, strict=True):
        values = [record[key] for record in history if key in record]
        parts = experiment_parts(name)
        style = LINE_STYLES.get(parts.get("weighting", "none"), "-")
        colour = method_colour(parts.get("method"))
        marker = "o" if len(values) <= MARKED_EPOCHS else ""
        epochs = range(1, len(values) + 1)
        axes.plot(epochs, values, color=colour, linestyle=style, marker=marker, markersize=3.5, label=label)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _legend_beside(axes: Axes) -> None:
    count = len(axes.get_lines())
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), ncols=1 + (count - 1) // ROWS_BESIDE_PLOT)
