"""A pre-training in progress: what a checkpoint holds, and how it begins."""

from dataclasses import dataclass

import torch

from simhand.device import choose_device
from simhand.encoder_weights import initialise
from simhand.pretraining.encoders import ContrastiveModel
from simhand.pretraining.methods.method import Method
from simhand.pretraining.methods.registry import find_method
from simhand.pretraining.optimisers import make_optimiser
from simhand.settings.experiments import PretrainExperiment
from simhand.settings.pretrain import PretrainSettings


@dataclass
class Training:
    """A training in progress: what a checkpoint holds, and what never changes on the way."""

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


def start_training(experiment: PretrainExperiment, settings: PretrainSettings) -> Training:
    """A model with its initial weights on its device, and its optimiser.

    Raises:
        ConfigError: the method or the device does not exist.
        DataError: the initial weights cannot be used.
    """
    method = find_method(experiment.method)
    device = choose_device(settings.device, "pretrain.device")
    torch.manual_seed(experiment.seed)
    model = ContrastiveModel(settings)
    initialise(model.encoder, settings.encoder, experiment.init)
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Training(experiment, settings, method, device, model, make_optimiser(model, settings))
