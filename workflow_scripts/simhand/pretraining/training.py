"""A pre-training in progress: what a checkpoint holds, and how it begins."""

from dataclasses import dataclass, field
from typing import ClassVar

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
from simhand.training_runs.training_state import TrainingState


@dataclass
class Training(TrainingState):
    """A pre-training in progress.

    Attributes:
        views: images seen.
        final_loss: mean loss of the last whole epoch.
        retrieval_errors: of the probe, before training and after each epoch; empty without a probe.
        collapsed_epochs: how many epochs in a row ended with all embeddings alike.
        alike: whether the embeddings of the last step that could tell were alike; it is not saved then.
    """

    section: ClassVar[str] = "pretrain"
    saved: ClassVar[tuple[str, ...]] = (
        *TrainingState.saved,
        *("views", "final_loss", "retrieval_errors", "collapsed_epochs"),
    )

    experiment: PretrainExperiment
    settings: PretrainSettings
    model: ContrastiveModel
    method: Method
    views: int = 0
    final_loss: float = float("nan")
    retrieval_errors: list[float] = field(default_factory=list)
    collapsed_epochs: int = 0
    alike: bool = False

    def worth_saving(self) -> bool:
        """Whether it has not collapsed."""
        return not self.alike

    def remedy(self) -> str:
        """What to change when it has diverged."""
        return f"{super().remedy()} or lengthen `pretrain.warmup_epochs` ({self.settings.warmup_epochs})"


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
    return Training(experiment, settings, device, model, make_optimiser(model, settings), method)
