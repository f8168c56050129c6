"""Sums over some steps of a fine-tuning; plain numbers, so that a checkpoint can hold them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Meter:
    """Sums over ``steps``: losses, norm of the gradient, images, seconds, and those of waiting for data."""

    steps: int = 0
    loss: float = 0.0
    loss_heat: float = 0.0
    loss_delta: float = 0.0
    loss_location: float = 0.0
    gradient_norm: float = 0.0
    images: int = 0
    seconds: float = 0.0
    waited_s: float = 0.0

    def add(self, losses: Sequence[float], norm: float, images: int, seconds: float, waited_s: float) -> None:
        """Count one step; ``losses`` are total, heat, delta and location."""
        self.steps += 1
        total, heat, delta, location = losses
        self.loss += total
        self.loss_heat += heat
        self.loss_delta += delta
        self.loss_location += location
        self.gradient_norm += norm
        self.images += images
        self.seconds += seconds
        self.waited_s += waited_s

    def read(self) -> dict[str, float]:
        """Mean losses and gradient norm, images per second, and the share of the time spent waiting."""
        summed = ("loss", "loss_heat", "loss_delta", "loss_location", "gradient_norm")
        return {
            **{name: getattr(self, name) / self.steps for name in summed},
            "images_per_s": round(self.images / self.seconds, 2),
            "data_wait": round(self.waited_s / self.seconds, 4),
        }
