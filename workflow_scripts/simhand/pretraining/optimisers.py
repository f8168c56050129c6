"""Optimisers: Adam, and the released Adam behind a LARS trust ratio."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from simhand.encoder_weights import RELEASED_CHILDREN
from simhand.settings.pretrain import PretrainSettings


class LarsAdam(torch.optim.Adam):
    """Adam on gradients scaled as lightning-bolts 0.2.2's LARSWrapper does.

    For a tensor p with gradient g, both not zero: g becomes (g + wd p) r with
    r = min(c |p| / (|g| + wd |p| + e) / lr, 1), and Adam sees no decay of its own. Since r never exceeds 1
    and Adam does not mind the scale of its gradients, this changes little. The released code's values are
    the defaults.

    Args:
        params: parameters, or groups of them, as every optimiser of torch takes.
        lr: learning rate.
        weight_decay: wd, of the groups that have none of their own.
        trust_coefficient: c.
        trust_epsilon: e.
        trust_clipped: False leaves out the division by lr and the bound: r = c |p| / (|g| + wd |p| + e).
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        weight_decay: float = 0.0,
        trust_coefficient: float = 0.02,
        trust_epsilon: float = 1e-8,
        trust_clipped: bool = True,
    ) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay)
        self._coefficient, self._epsilon = trust_coefficient, trust_epsilon
        self._clipped = trust_clipped

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

    def _scale_gradients(self, group: dict[str, Any]) -> None:
        present = [parameter for parameter in group["params"] if parameter.grad is not None]
        if not present:
            return
        decay, rate = group["weight_decay"], group["lr"]
        weight_norms = torch._foreach_norm(present)
        gradient_norms = torch._foreach_norm([parameter.grad for parameter in present])
        for parameter, weight_norm, gradient_norm in zip(present, weight_norms, gradient_norms, strict=True):
            ratio = self._coefficient * weight_norm / (gradient_norm + decay * weight_norm + self._epsilon)
            if self._clipped:
                ratio = (ratio / rate).clamp(max=1) if rate > 0 else torch.ones_like(ratio)
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
