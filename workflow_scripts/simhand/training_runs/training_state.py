"""What every training counts, and what its checkpoints hold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import torch
from torch import nn

from simhand.settings.experiments import FinetuneExperiment, PretrainExperiment
from simhand.settings.finetune import FinetuneSettings
from simhand.settings.pretrain import PretrainSettings
from simhand.training_runs.checkpoint_files import Checkpoint
from simhand.training_runs.meter import Meter


@dataclass
class TrainingState:
    """A training in progress; each kind of training adds what else it counts.

    Attributes:
        section: of the config, which its settings are from.
        saved: the attributes that a checkpoint holds: modules, optimisers, meters, and what torch can save.
        step: optimiser steps taken.
        seconds: spent in them, in all jobs that took part.
        history_bytes: how much of the history belongs to the steps taken.
        of_epoch: the steps of this epoch so far.
        of_steps: the steps since the last line about steps.
    """

    section: ClassVar[str]
    saved: ClassVar[tuple[str, ...]] = (
        "model",
        "optimiser",
        "step",
        "seconds",
        "history_bytes",
        "of_epoch",
        "of_steps",
    )

    experiment: PretrainExperiment | FinetuneExperiment
    settings: PretrainSettings | FinetuneSettings
    device: torch.device
    model: nn.Module
    optimiser: torch.optim.Optimizer
    step: int = field(default=0, kw_only=True)
    seconds: float = field(default=0.0, kw_only=True)
    history_bytes: int = field(default=0, kw_only=True)
    of_epoch: Meter = field(default_factory=Meter, kw_only=True)
    of_steps: Meter = field(default_factory=Meter, kw_only=True)

    def count(self, values: Mapping[str, float], items: int, seconds: float, waited_s: float) -> None:
        """Add what a step that was taken has measured; see :class:`Meter`."""
        self.seconds += seconds
        for meter in (self.of_epoch, self.of_steps):
            meter.add(values, items, seconds, waited_s)

    def state(self) -> Checkpoint:
        """All that :meth:`load_state` needs to go on as if nothing had happened."""
        return {name: _as_saved(getattr(self, name)) for name in self.saved}

    def load_state(self, state: Checkpoint) -> None:
        """Go on from what :meth:`state` returned, whatever device that was on."""
        for name in self.saved:
            current = getattr(self, name)
            if isinstance(current, nn.Module | torch.optim.Optimizer):
                current.load_state_dict(state[name])
            else:
                setattr(self, name, Meter(**state[name]) if isinstance(current, Meter) else state[name])

    def worth_saving(self) -> bool:
        """Whether a checkpoint of it as it is would be of use; if not, the ones before are kept."""
        return True

    def remedy(self) -> str:
        """What to change when it has diverged."""
        rate = self.settings.learning_rate
        return f"Lower `{self.section}.learning_rate` ({rate:g}; try {rate / 3:.1g})"


def _as_saved(value: Any) -> Any:
    if isinstance(value, nn.Module | torch.optim.Optimizer):
        return value.state_dict()
    return asdict(value) if isinstance(value, Meter) else value
