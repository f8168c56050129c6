"""Which fine-tuned model predicts."""

import json
import logging
from pathlib import Path
from pickle import PickleError
from typing import NamedTuple

from simhand.errors import ConfigError, DataError
from simhand.finetuning.outputs import FinetunedModel, load_checkpoint

log = logging.getLogger("simhand")

CHECKPOINT = "checkpoint.pt"
VALIDATED_ON = {"validation": "held-out training labels", "test": "the evaluation labels"}
"""What chose the epoch, by ``finetune.model_selection``."""


def find_checkpoint(run_dir: Path, model: str | None) -> Path:
    """The checkpoint that ``model`` names: a file, or a fine-tuning of the run.

    Without a name: of the run's fine-tunings the one with the smallest error on the labels that it chose its
    epoch with, which the log tells; those must be of one data set.

    Raises:
        ConfigError: there is no such fine-tuning, or none can be chosen.
        DataError: the run has no fine-tuned model.
    """
    if model is not None and Path(model).is_file():
        return Path(model)
    found = {path.parent.name: path for path in sorted((run_dir / "finetune").glob(f"*/{CHECKPOINT}"))}
    if not found:
        named = f"no file {model}, and " if model is not None else ""
        raise DataError(
            f"{named}no finetune/<experiment>/{CHECKPOINT} in {run_dir}; run `snakemake finetune` first, or "
            "name the file of a fine-tuned model"
        )
    if model is not None:
        if model in found:
            return found[model]
        raise ConfigError(
            f"{model} is neither a file nor a fine-tuning of {run_dir}; those are: {', '.join(found)}"
        )
    if len(found) == 1:
        return next(iter(found.values()))
    validations = {name: _validation_of(path.with_name("metrics.json")) for name, path in found.items()}
    known = [one for one in validations.values() if one is not None]
    if len(known) < len(found):
        raise ConfigError(f"{run_dir} has several models; name one of them: {', '.join(found)}")
    if len({one.labels for one in known}) > 1:
        of_each = ", ".join(f"{name} ({one.labels})" for name, one in zip(validations, known, strict=True))
        raise ConfigError(
            f"{run_dir} has models judged on different labels, so their errors do not compare; name one of "
            f"them: {of_each}"
        )
    best, chosen = min(zip(validations, known, strict=True), key=lambda pair: pair[1].error_mm)
    log.info(
        "model %s: the smallest error on %s, %.1f mm, of %d", best, chosen.labels, chosen.error_mm, len(found)
    )
    return found[best]


def load_model(path: Path) -> FinetunedModel:
    """The model of a checkpoint that finetune_detnet wrote.

    Raises:
        DataError: it is something else, damaged, or from another version.
    """
    try:
        return load_checkpoint(path)
    except (OSError, EOFError, RuntimeError, LookupError, TypeError, ValueError, PickleError) as error:
        raise DataError(
            f"{path} is not the checkpoint of a fine-tuning of this version ({type(error).__name__}); name a "
            f"finetune/<experiment>/{CHECKPOINT}, or run finetune_detnet again"
        ) from error


class _Validation(NamedTuple):
    """The error of a model's chosen epoch, and in words the labels that it was measured on."""

    error_mm: float
    labels: str


def _validation_of(path: Path) -> _Validation | None:
    """What metrics.json tells; None if it is not there, or the epoch was not chosen by an error."""
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
        labels = f"{VALIDATED_ON[metrics['model_selection']]} of {metrics['dataset']}"
        return _Validation(float(metrics["chosen"]["error_mm"]), labels)
    except (OSError, ValueError, KeyError, TypeError):
        return None
