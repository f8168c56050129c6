"""Optimisers: Adam, and the released Adam behind a LARS trust ratio."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from simhand.encoder_weights import RELEASED_CHILDREN
from simhand.settings.pretrain import PretrainSettings

TRUST_COEFFICIENT = 0.02
TRUST_EPSILON = 1e-8


class LarsAdam(torch.optim.Adam):
    """Adam on gradients scaled as lightning-bolts 0.2.2's LARSWrapper does.

    For a tensor p with gradient g, both not zero: g becomes (g + wd p) r with
    r = min(0.02 |p| / (|g| + wd |p| + 1e-8) / lr, 1), and Adam sees no decay of its own. Since r
    never exceeds 1 and Adam does not mind the scale of its gradients, this changes little.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Scale the gradients in place, then take Adam's step."""
        decays = [group["weight_decay"] for group in self.param_groups]
        for group in self.param_groups:
            self._scale_gradients(group)
            group["weight_decay"] = 0.0
        result = super().step(closure)
        for group, decay in zip(self.param_groups, decays, strict=True):
            group["weight_decay"] = decay
        return result

    @staticmethod
    def _scale_gradients(group: dict[str, Any]) -> None:
        present = [parameter for parameter in group["params"] if parameter.grad is not None]
        if not present:
            return
        decay, rate = group["weight_decay"], group["lr"]
        weight_norms = torch._foreach_norm(present)
        gradient_norms = torch._foreach_norm([parameter.grad for parameter in present])
        for parameter, weight_norm, gradient_norm in zip(present, weight_norms, gradient_norms, strict=True):
            trust = TRUST_COEFFICIENT * weight_norm / (gradient_norm + decay * weight_norm + TRUST_EPSILON)
            ratio = (trust / rate).clamp(max=1) if rate > 0 else torch.ones_like(trust)
            both = (weight_norm > 0) & (gradient_norm > 0)
            scaled = (parameter.grad + decay * parameter) * ratio
            parameter.grad.copy_(torch.where(both, scaled, parameter.grad))


def make_optimiser(model: nn.Module, settings: PretrainSettings) -> torch.optim.Optimizer:
    """The optimiser of ``settings`` over ``model``; its learning rate is set at every step."""
    decayed: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in model.named_parameters():
        (decayed if is_decayed(name, parameter, settings.decayed) else others).append(parameter)
    groups: Iterable[dict[str, Any]] = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if settings.optimiser == "lars_adam":
        return LarsAdam(groups, lr=settings.learning_rate)
    return torch.optim.Adam(groups, lr=settings.learning_rate, fused=True)


def is_decayed(name: str, parameter: Tensor, rule: str) -> bool:
    """Whether weight decay applies to parameter ``name`` of :class:`ContrastiveModel`."""
    if rule == "matrices":
        return parameter.ndim > 1
    released = released_name(name)
    return "bias" not in released and "bn" not in released


def released_name(name: str) -> str:
    """What the released code calls parameter ``name``, e.g. encoder.bn1.weight: encoder.features.1.weight.

    An encoder that the release does not know keeps its names.
    """
    part, _, rest = name.partition(".")
    if part == "head":
        return f"projection_head.{rest}"
    child, _, rest = rest.partition(".")
    numbers = {child: number for number, child in RELEASED_CHILDREN.items()}
    return f"encoder.features.{numbers[child]}.{rest}" if child in numbers else name
