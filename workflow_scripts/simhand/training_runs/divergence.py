"""When a training has failed: its numbers are no longer finite, and would be so again.

- The loss or the gradient of a step is not finite: the step is not taken.
- The weights to be saved are not finite: they are not saved.
"""

import math

import torch
from torch import Tensor

from simhand.errors import SimhandError
from simhand.training_runs.training_state import TrainingState


class DivergedError(SimhandError):
    """The training has failed, and would fail again from its last checkpoint with the same settings."""

    def __init__(self, training: TrainingState, problem: str) -> None:
        super().__init__(
            f"{training.experiment.name}: {problem} at step {training.step}. {training.remedy()}; the "
            "training then begins anew"
        )


def gradient_norm(model: torch.nn.Module) -> Tensor:
    """Length of the gradient over all parameters, a scalar."""
    return torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])


def check_step(training: TrainingState, loss: float, norm: float, learning_rate: float) -> None:
    """Before a step of that loss and that length of the gradient is taken.

    Raises:
        DivergedError: one of them is not finite.
    """
    for name, value in (("loss", loss), ("length of the gradient", norm)):
        if not math.isfinite(value):
            raise DivergedError(training, f"the {name} is {value}, learning rate {learning_rate:.3g},")


def check_weights(training: TrainingState) -> None:
    """Before the weights are saved.

    Raises:
        DivergedError: some are not finite.
    """
    for name, tensor in training.model.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise DivergedError(training, f"{name} is not finite")
