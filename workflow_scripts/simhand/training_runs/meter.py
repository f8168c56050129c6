"""Sums over some steps of a training; plain numbers, so that a checkpoint can hold them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Meter:
    """Sums over ``steps``: of named values, items (views, images), seconds, and those of waiting for data."""

    steps: int = 0
    items: int = 0
    seconds: float = 0.0
    waited_s: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)

    def add(self, values: Mapping[str, float], items: int, seconds: float, waited_s: float) -> None:
        """Count one step; every step has the same ``values``."""
        self.steps += 1
        self.items += items
        self.seconds += seconds
        self.waited_s += waited_s
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def read(self, items: str) -> dict[str, float]:
        """Means of the values, ``items`` per second, and the share of the time spent waiting."""
        return {
            **{name: total / self.steps for name, total in self.sums.items()},
            f"{items}_per_s": round(self.items / self.seconds, 2),
            "data_wait": round(self.waited_s / self.seconds, 4),
        }
