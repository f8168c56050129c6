"""The learning rate: the recorded schedule of the release, and ours at its corners."""

import pytest
from recordings import cases

from simhand.errors import DataError
from simhand.pretraining.epochs import steps_in_epoch
from simhand.pretraining.schedule import (
    learning_rates,
    released_plan,
    released_warmup_cosine,
    warmup_cosine,
)
from simhand.settings.pretrain import PretrainSettings

PLANNED = {
    "base_learning_rate": "base",
    "iterations_per_epoch_used": "steps_per_epoch",
    "warmup_steps": "warmup_steps",
    "planned_steps": "planned_steps",
    "steps_run": "steps_run",
}


def plan_of(case):
    return released_plan(
        int(case["samples"]),
        int(case["batch"]),
        **{name: int(case[name]) for name in ("epochs", "warmup_epochs", "processes", "accumulate")},
        epochs_of_schedule=int(case["epochs_of_schedule"]),
    )


def recorded_rates(case):
    return zip(case["step"].tolist(), case["learning_rate"].tolist(), strict=True)


def test_released_plan_and_rates_equal_the_recordings(golden):
    compared = 0
    for name, case in cases(golden("lr_schedule.npz")):
        if case["reference_fails"]:
            with pytest.raises(DataError, match="at least one whole batch"):
                plan_of(case)
            continue
        plan = plan_of(case)
        for recorded, ours in PLANNED.items():
            assert getattr(plan, ours) == pytest.approx(float(case[recorded]), rel=1e-12), (name, recorded)
        for step, rate in recorded_rates(case):
            found = released_warmup_cosine(
                step, base=plan.base, warmup_steps=plan.warmup_steps, planned_steps=plan.planned_steps
            )
            assert found == pytest.approx(rate, abs=1e-9 * plan.base), (name, step)
            compared += 1
    assert compared


def test_release_settings_run_and_plan_as_recorded(golden):
    """The cases that this workflow can be asked for, which has one batch and no accumulation."""
    compared = 0
    for name, case in cases(golden("lr_schedule.npz")):
        asked = case["processes"] == case["accumulate"] == 1 and case["epochs_of_schedule"] == case["epochs"]
        if case["reference_fails"] or not asked:
            continue
        compared += 1
        settings = PretrainSettings(
            batch_size=int(case["batch"]),
            epochs=int(case["epochs"]),
            warmup_epochs=int(case["warmup_epochs"]),
            learning_rate=float(case["base_learning_rate"]),
            schedule="release",
            last_batch="keep",
        )
        steps_per_epoch = steps_in_epoch(int(case["samples"]), settings)
        assert settings.epochs * steps_per_epoch == case["steps_run"], name
        rate = learning_rates(settings, int(case["samples"]), steps_per_epoch)
        assert all(
            rate(step) == pytest.approx(value, abs=1e-9 * settings.learning_rate)
            for step, value in recorded_rates(case)
        )
    assert compared


def test_every_parameter_of_the_plan_counts():
    """By hand: 1,000 samples in batches of 2 x 30 are 16 whole batches and a rest."""
    plan = released_plan(1000, 30, epochs=7, warmup_epochs=3, processes=2, accumulate=5, epochs_of_schedule=9)
    assert plan.base == pytest.approx(1e-4 * 5120**0.5)
    assert plan[1:] == (16, 48 // 5, 144 // 5, 24), "17 batches 7 times, 5 to a step, are 24 steps"


def test_the_base_rate_without_accumulation_is_the_default_setting():
    plan = released_plan(8192, 8192, epochs=100, warmup_epochs=10)
    assert plan.base == pytest.approx(PretrainSettings().learning_rate, rel=1e-15)
    assert plan.planned_steps == plan.steps_run == 100


def test_release_schedule_without_warmup_waits_for_the_end_of_the_plan():
    rates = [released_warmup_cosine(step, base=1.0, warmup_steps=0, planned_steps=10) for step in range(16)]
    assert rates[:11] == [0.0] * 11 and 0 < rates[11] < rates[15]


def test_our_schedule_uses_every_step_and_ends_at_zero():
    rates = [warmup_cosine(step, base=2.0, warmup_steps=4, total_steps=20) for step in range(21)]
    assert rates[:5] == [0.5, 1.0, 1.5, 2.0, 2.0]
    assert all(later < earlier for earlier, later in zip(rates[4:], rates[5:], strict=False))
    assert rates[12] == pytest.approx(1.0) and rates[20] == pytest.approx(0.0, abs=1e-15)


def test_a_warmup_that_fills_the_training_only_climbs():
    rates = [warmup_cosine(step, base=1.0, warmup_steps=8, total_steps=4) for step in range(4)]
    assert rates == [0.125, 0.25, 0.375, 0.5]
