"""When a training has failed: its numbers are no longer finite, and would be so again."""

import math

import torch
from torch import Tensor

from simhand.errors import SimhandError


class DivergedError(SimhandError):
    """The training has failed, and would fail again from its last checkpoint with the same settings."""


def gradient_norm(model: torch.nn.Module) -> Tensor:
    """Length of the gradient over all parameters, a scalar."""
    return torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])


def problem_of_step(loss: float, norm: float, learning_rate: float) -> str | None:
    """What forbids a step of that loss and that length of the gradient; None if it may be taken."""
    for name, value in (("loss", loss), ("length of the gradient", norm)):
        if not math.isfinite(value):
            return f"the {name} is {value}, learning rate {learning_rate:.3g},"
    return None


def problem_of_weights(model: torch.nn.Module) -> str | None:
    """What forbids to save ``model``; None if all its weights are finite."""
    for name, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            return f"{name} is not finite"
    return None
