"""What a training leaves: the encoder with its model card, a checkpoint, and the metrics."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from simhand.device import hardware_of
from simhand.files.atomic import atomic_path, write_bytes, write_text
from simhand.files.identity import file_sha256
from simhand.pretraining.data import HandSet
from simhand.pretraining.processes import process_count
from simhand.pretraining.training import Training


def save_encoder(encoder: nn.Module, path: Path) -> None:
    """Write ``encoder`` as safetensors, without a classifier and with the names of torchvision or timm."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    write_bytes(path, safetensors.torch.save(state, metadata={"format": "pt"}))


def save_checkpoint(training: Training, path: Path) -> None:
    """Write model, head and optimiser as they stand, with the settings that made them."""
    checkpoint = {
        "model": training.model.state_dict(),
        "optimiser": training.optimiser.state_dict(),
        "epochs": training.settings.epochs,
        "steps": training.step,
        "experiment": training.experiment.model_dump(),
        "settings": training.settings.model_dump(),
    }
    # An open file rather than a name: torch writes the file's name into the archive.
    with atomic_path(path) as partial, partial.open("wb") as file:
        torch.save(checkpoint, file)


def save_metrics(metrics: dict[str, Any], path: Path) -> None:
    """Write :func:`training_metrics` as JSON."""
    write_text(path, json.dumps(metrics, indent=2) + "\n")


def training_metrics(training: Training, hands: HandSet, inputs: Iterable[Path]) -> dict[str, Any]:
    """What was trained on what, with what result, at what speed, on which machine."""
    return {
        "experiment": training.experiment.model_dump(),
        "settings": training.settings.model_dump(),
        "hands": len(hands.crops),
        "anchors": len(hands.anchors),
        "steps": training.step,
        "final_loss": training.final_loss,
        "retrieval_errors": training.retrieval_errors,
        "seconds": round(training.seconds, 3),
        "views_per_s": round(training.views / training.seconds, 2),
        "parameters": sum(parameter.numel() for parameter in training.model.encoder.parameters()),
        "hardware": hardware_of(training.device, process_count()),
        "inputs_sha256": {f"{path.parent.name}/{path.name}": file_sha256(path) for path in inputs},
    }
