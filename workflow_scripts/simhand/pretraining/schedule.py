"""The learning rate as a pure function of the step: linear warm-up, then a cosine to zero."""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from simhand.errors import DataError
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


class ReleasedPlan(NamedTuple):
    """What the released code makes of a training before it begins.

    Attributes:
        base: the rate after the warm-up, 1e-4 sqrt(1024 accumulate), whatever the batch. Without accumulation
            it is 3.2e-3, the default of the setting `pretrain.learning_rate`, which is what we take.
        steps_per_epoch: those that it counts, without an epoch's last, incomplete batch.
        warmup_steps: of the schedule.
        planned_steps: the whole schedule.
        steps_run: those that are taken; more than planned if an epoch has an incomplete batch.
    """

    base: float
    steps_per_epoch: int
    warmup_steps: int
    planned_steps: int
    steps_run: int


def released_plan(
    samples: int,
    batch_size: int,
    *,
    epochs: int,
    warmup_epochs: int,
    processes: int = 1,
    accumulate: int = 1,
    epochs_of_schedule: int | None = None,
) -> ReleasedPlan:
    """The schedule that the released code plans.

    Args:
        samples: hands in the set.
        batch_size: hands in the batch of one process. In this workflow processes share a batch: there, as in
            the release's DataParallel, it is the whole batch and ``processes`` is 1.
        epochs: passes over the set that are made.
        warmup_epochs: epochs of the linear climb.
        processes: that train with batches of their own.
        accumulate: batches per optimiser step.
        epochs_of_schedule: passes over the set that the schedule is for; as many as are made if None.

    Raises:
        DataError: the set is smaller than a batch, where the release divides by zero.
    """
    together = batch_size * processes
    counted = samples // together
    if counted == 0:
        raise DataError(
            f"the released schedule needs at least one whole batch of {together} hands, but there are "
            f"{samples}; lower `pretrain.batch_size`, or set `pretrain.schedule: exact`"
        )
    planned_epochs = epochs if epochs_of_schedule is None else epochs_of_schedule
    return ReleasedPlan(
        base=1e-4 * math.sqrt(1024 * accumulate),
        steps_per_epoch=counted,
        warmup_steps=warmup_epochs * counted // accumulate,
        planned_steps=planned_epochs * counted // accumulate,
        steps_run=-(-(-(-samples // together) * epochs) // accumulate),
    )


def learning_rates(settings: PretrainSettings, samples: int, steps_per_epoch: int) -> Callable[[int], float]:
    """The learning rate by step for a training of ``settings.epochs`` times ``steps_per_epoch`` steps."""
    if settings.schedule == "exact":
        return partial(
            warmup_cosine,
            base=settings.learning_rate,
            warmup_steps=settings.warmup_epochs * steps_per_epoch,
            total_steps=settings.epochs * steps_per_epoch,
        )
    plan = released_plan(
        samples, settings.batch_size, epochs=settings.epochs, warmup_epochs=settings.warmup_epochs
    )
    return partial(
        released_warmup_cosine,
        base=settings.learning_rate,
        warmup_steps=plan.warmup_steps,
        planned_steps=plan.planned_steps,
    )
