"""The learning rate as a pure function of the step: linear warm-up, then a cosine to zero."""

import math
from collections.abc import Callable
from functools import partial

from simhand.settings.pretrain import PretrainSettings


def warmup_cosine(step: int, *, base: float, warmup_steps: int, total_steps: int) -> float:
    """The learning rate of ``step`` (from 0): reaches ``base`` at the end of the warm-up, falls to 0.

    Step 0 already learns, and the cosine would be 0 one step after the last.
    """
    if step < warmup_steps:
        return base * (step + 1) / warmup_steps
    return base * (1 + math.cos(math.pi * (step - warmup_steps) / max(1, total_steps - warmup_steps))) / 2


def released_warmup_cosine(step: int, *, base: float, warmup_steps: int, planned_steps: int) -> float:
    """The schedule of the released code (lightning-bolts 0.2.2), which computes each rate from the last.

    Step 0 has rate 0; base is reached at the last step of the warm-up and again at the next; beyond
    ``planned_steps`` the cosine climbs again. Without warm-up the recursion stays at 0 to the plan's end.
    """
    if step < warmup_steps:
        return base * step / max(1, warmup_steps - 1)
    if warmup_steps == 0 and step <= planned_steps:
        return 0.0
    if planned_steps == warmup_steps:
        return base
    return base * (1 + math.cos(math.pi * (step - warmup_steps) / (planned_steps - warmup_steps))) / 2


def learning_rates(settings: PretrainSettings, samples: int, steps_per_epoch: int) -> Callable[[int], float]:
    """The learning rate by step for a training of ``settings.epochs`` times ``steps_per_epoch`` steps."""
    if settings.schedule == "exact":
        return partial(
            warmup_cosine,
            base=settings.learning_rate,
            warmup_steps=settings.warmup_epochs * steps_per_epoch,
            total_steps=settings.epochs * steps_per_epoch,
        )
    planned_per_epoch = samples // settings.batch_size
    return partial(
        released_warmup_cosine,
        base=settings.learning_rate,
        warmup_steps=settings.warmup_epochs * planned_per_epoch,
        planned_steps=settings.epochs * planned_per_epoch,
    )
