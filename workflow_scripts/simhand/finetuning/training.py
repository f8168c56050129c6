"""A fine-tuning in progress: what a checkpoint holds, and how it begins."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simhand.device import choose_device
from simhand.encoder_weights import initialise, load_encoder
from simhand.finetuning.detnet import DetNet
from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings
from simhand.training_runs.meter import Meter

COUNTED = ("step", "epochs_ended", "seconds", "judging_s", "history_bytes", "best_error_mm", "chosen", "last")
METERS = ("of_epoch", "of_steps")


@dataclass
class Training:
    """A training in progress.

    Attributes:
        step: optimiser steps taken.
        epochs_ended: epochs that have their line in the history; behind by one while the network is judged.
        seconds: spent in steps, in all jobs that took part.
        judging_s: spent in judging the network after each epoch.
        history_bytes: how much of the history belongs to the steps taken.
        best_error_mm: error of the best epoch so far.
        chosen: line of the epoch whose weights are kept so far.
        last: line of the last epoch.
        best: its weights on the CPU, if the last epoch's are not simply kept.
        of_epoch: the steps of this epoch so far.
        of_steps: the steps since the last line about steps.
    """

    experiment: FinetuneExperiment
    settings: FinetuneSettings
    device: torch.device
    network: DetNet
    optimiser: torch.optim.Optimizer
    step: int = 0
    epochs_ended: int = 0
    seconds: float = 0.0
    judging_s: float = 0.0
    history_bytes: int = 0
    best_error_mm: float = math.inf
    chosen: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Tensor] | None = None
    of_epoch: Meter = field(default_factory=Meter)
    of_steps: Meter = field(default_factory=Meter)

    def state(self) -> dict[str, Any]:
        """All that :meth:`load_state` needs to go on as if nothing had happened."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": self.best,
            **{name: getattr(self, name) for name in COUNTED},
            **{name: asdict(getattr(self, name)) for name in METERS},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` returned, whatever device that was on."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best = state["best"]
        for name in COUNTED:
            setattr(self, name, state[name])
        for name in METERS:
            setattr(self, name, Meter(**state[name]))

    def choose(self, line: dict[str, Any]) -> None:
        """Keep the weights as they are if ``line`` tells of the best epoch, or nothing tells of epochs."""
        error_mm = line.get("error_mm")
        if error_mm is not None and not error_mm < self.best_error_mm:
            return
        self.chosen = line
        if error_mm is not None:
            self.best_error_mm = error_mm
            self.best = {name: tensor.cpu().clone() for name, tensor in self.network.state_dict().items()}

    def take_chosen_weights(self) -> None:
        """Leave the network with the weights of the chosen epoch."""
        if self.best is not None:
            self.network.load_state_dict(self.best)


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
