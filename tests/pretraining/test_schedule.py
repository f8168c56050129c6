"""The learning rate: the recorded schedule of the release, and ours at its corners."""

import pytest
from recordings import cases

from simhand.pretraining.schedule import learning_rates, released_warmup_cosine, warmup_cosine
from simhand.settings.pretrain import PretrainSettings


def test_released_schedule_equals_the_recordings(golden):
    compared = 0
    for _, case in cases(golden("lr_schedule.npz")):
        if case["reference_fails"]:
            continue
        base = float(case["base_learning_rate"])
        for step, recorded in zip(case["step"].tolist(), case["learning_rate"].tolist(), strict=True):
            found = released_warmup_cosine(
                step,
                base=base,
                warmup_steps=int(case["warmup_steps"]),
                planned_steps=int(case["planned_steps"]),
            )
            assert found == pytest.approx(recorded, abs=1e-9 * base)
            compared += 1
    assert compared > 500


def test_release_settings_plan_as_recorded(golden):
    for _, case in cases(golden("lr_schedule.npz")):
        if case["reference_fails"] or case["processes"] != 1 or case["accumulate"] != 1:
            continue
        settings = PretrainSettings(
            batch_size=int(case["batch"]),
            epochs=int(case["epochs"]),
            warmup_epochs=int(case["warmup_epochs"]),
            learning_rate=float(case["base_learning_rate"]),
            schedule="release",
        )
        rate = learning_rates(settings, int(case["samples"]), steps_per_epoch=-1)
        recorded = dict(zip(case["step"].tolist(), case["learning_rate"].tolist(), strict=True))
        assert all(rate(step) == pytest.approx(value, abs=1e-9) for step, value in recorded.items())


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
