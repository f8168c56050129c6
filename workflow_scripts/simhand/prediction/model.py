"""Which fine-tuned model predicts."""

import json
import logging
from pathlib import Path
from pickle import PickleError

from simhand.errors import ConfigError, DataError
from simhand.finetuning.outputs import FinetunedModel, load_checkpoint

log = logging.getLogger("simhand")

CHECKPOINT = "checkpoint.pt"


def find_checkpoint(run_dir: Path, model: str | None) -> Path:
    """The checkpoint that ``model`` names: a file, or a fine-tuning of the run.

    Without a name: of the run's fine-tunings the one with the smallest error on the labels that it chose its
    epoch with, which the log tells.

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
    errors_mm = {name: _chosen_error_mm(path.with_name("metrics.json")) for name, path in found.items()}
    known = {name: error for name, error in errors_mm.items() if error is not None}
    if len(found) > 1 and len(known) < len(found):
        raise ConfigError(f"{run_dir} has several models; name one of them: {', '.join(found)}")
    best = min(known, key=lambda name: known[name]) if known else next(iter(found))
    if len(found) > 1:
        log.info(
            "model %s: the smallest error on held-out labels, %.1f mm, of %d", best, known[best], len(found)
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


def _chosen_error_mm(path: Path) -> float | None:
    try:
        chosen = json.loads(path.read_text(encoding="utf-8"))["chosen"]
        return float(chosen["error_mm"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
