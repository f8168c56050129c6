"""A fine-tuning in progress: what a checkpoint holds, and how it begins."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from simhand.device import choose_device
from simhand.encoder_weights import initialise, load_encoder
from simhand.finetuning.detnet import DetNet
from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings
from simhand.training_runs.training_state import TrainingState


@dataclass
class Training(TrainingState):
    """A fine-tuning in progress.

    Attributes:
        epochs_ended: epochs that have their line in the history; behind by one while the model is validated.
        validation_s: spent in validating the model after each epoch.
        best_error_mm: error of the best epoch so far.
        chosen: line of the epoch whose weights are kept so far.
        last: line of the last epoch.
        best: its weights on the CPU, if the last epoch's are not simply kept.
    """

    section: ClassVar[str] = "finetune"
    saved: ClassVar[tuple[str, ...]] = (
        *TrainingState.saved,
        *("epochs_ended", "validation_s", "best_error_mm", "chosen", "last", "best"),
    )

    experiment: FinetuneExperiment
    settings: FinetuneSettings
    model: DetNet
    epochs_ended: int = 0
    validation_s: float = 0.0
    best_error_mm: float = math.inf
    chosen: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Tensor] | None = None

    def choose(self, line: dict[str, Any]) -> None:
        """Keep the weights as they are if ``line`` tells of the best epoch, or nothing tells of epochs."""
        error_mm = line.get("error_mm")
        if error_mm is not None and not error_mm < self.best_error_mm:
            return
        self.chosen = line
        if error_mm is not None:
            self.best_error_mm = error_mm
            self.best = {name: tensor.cpu().clone() for name, tensor in self.model.state_dict().items()}

    def take_chosen_weights(self) -> None:
        """Leave the model with the weights of the chosen epoch."""
        if self.best is not None:
            self.model.load_state_dict(self.best)


def start_training(
    experiment: FinetuneExperiment, settings: FinetuneSettings, encoder: Path | None
) -> Training:
    """A network with its initial weights on its device, and its optimiser.

    Raises:
        ConfigError: the device does not exist, or there are no such weights.
        DataError: the encoder's weights cannot be used.
    """
    device = choose_device(settings.device, "finetune.device")
    network = new_network(settings, experiment.seed, experiment.init, encoder)
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(parameter_groups(network, settings.weight_decay), lr=settings.learning_rate)
    return Training(experiment, settings, device, network, optimiser)


def new_network(settings: FinetuneSettings, seed: int, init: str, encoder: Path | None) -> DetNet:
    """A DetNet with weights drawn from ``seed``, its encoder from ``encoder``, else as ``init`` says."""
    torch.manual_seed(seed)
    network = DetNet(settings.encoder, settings.head_width, settings.input_px)
    if encoder is not None:
        load_encoder(network.encoder, settings.encoder, encoder)
    else:
        initialise(network.encoder, settings.encoder, init)
    return network


def parameter_groups(network: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights with the L2 penalty; biases and normalisation without."""
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
