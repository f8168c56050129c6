"""A pre-training in progress: what a checkpoint holds, and how it begins."""

from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from simhand.device import choose_device
from simhand.encoder_weights import initialise
from simhand.pretraining.encoders import ContrastiveModel
from simhand.pretraining.grouped_batch_norm import with_batch_norm
from simhand.pretraining.methods.method import Method
from simhand.pretraining.methods.registry import find_method
from simhand.pretraining.optimisers import make_optimiser
from simhand.settings.experiments import PretrainExperiment
from simhand.settings.pretrain import PretrainSettings
from simhand.training_runs.meter import Meter

COUNTED = ("step", "seconds", "views", "final_loss", "retrieval_errors", "collapsed_epochs", "history_bytes")
METERS = ("of_epoch", "of_steps")


@dataclass
class Training:
    """A training in progress.

    Attributes:
        step: optimiser steps taken.
        seconds: spent in them, in all jobs that took part.
        views: images seen.
        final_loss: mean loss of the last whole epoch.
        retrieval_errors: of the probe, before training and after each epoch; empty without a probe.
        collapsed_epochs: how many epochs in a row ended with all embeddings alike.
        history_bytes: how much of the history belongs to the steps taken.
        of_epoch: the steps of this epoch so far.
        of_steps: the steps since the last line about steps.
    """

    experiment: PretrainExperiment
    settings: PretrainSettings
    method: Method
    device: torch.device
    model: ContrastiveModel
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    views: int = 0
    final_loss: float = float("nan")
    retrieval_errors: list[float] = field(default_factory=list)
    collapsed_epochs: int = 0
    history_bytes: int = 0
    of_epoch: Meter = field(default_factory=Meter)
    of_steps: Meter = field(default_factory=Meter)

    def state(self) -> dict[str, Any]:
        """All that :meth:`load_state` needs to go on as if nothing had happened."""
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            **{name: getattr(self, name) for name in COUNTED},
            **{name: asdict(getattr(self, name)) for name in METERS},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` returned, whatever device that was on."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        for name in COUNTED:
            setattr(self, name, state[name])
        for name in METERS:
            setattr(self, name, Meter(**state[name]))


def start_training(experiment: PretrainExperiment, settings: PretrainSettings) -> Training:
    """A model with its initial weights on its device, and its optimiser.

    Raises:
        ConfigError: the method or the device does not exist, or the BatchNorm not on that device.
        DataError: the initial weights cannot be used.
    """
    method = find_method(experiment.method)
    device = choose_device(settings.device, "pretrain.device")
    torch.manual_seed(experiment.seed)
    model = ContrastiveModel(settings)
    initialise(model.encoder, settings.encoder, experiment.init)
    model.encoder = with_batch_norm(model.encoder, settings, device)
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Training(experiment, settings, method, device, model, make_optimiser(model, settings))
