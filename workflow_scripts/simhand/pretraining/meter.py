"""Sums over some steps of a training; plain numbers, so that a checkpoint can hold them."""

from dataclasses import dataclass


@dataclass
class Meter:
    """Sums over ``steps``: loss, norm of the gradient, views, seconds, and those spent waiting for data."""

    steps: int = 0
    loss: float = 0.0
    gradient_norm: float = 0.0
    views: int = 0
    seconds: float = 0.0
    waited_s: float = 0.0

    def add(self, loss: float, gradient_norm: float, views: int, seconds: float, waited_s: float) -> None:
        """Count one step."""
        self.steps += 1
        self.loss += loss
        self.gradient_norm += gradient_norm
        self.views += views
        self.seconds += seconds
        self.waited_s += waited_s

    def read(self) -> dict[str, float]:
        """Mean loss and gradient norm, views per second, and the share of the time spent waiting."""
        return {
            "loss": self.loss / self.steps,
            "gradient_norm": self.gradient_norm / self.steps,
            "views_per_s": round(self.views / self.seconds, 2),
            "data_wait": round(self.waited_s / self.seconds, 4),
        }
