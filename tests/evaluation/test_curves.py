"""Averages and PCK curves against recorded numbers and naive loops."""

import numpy as np
import pytest

from simhand.evaluation.curves import area_under_curve, first_within, mean_error, median_error, per_joint_mean
from simhand.evaluation.curves import pck_curve as curve_of_first


def pck_curve(errors, counted, thresholds, average="macro"):
    return curve_of_first(first_within(errors, thresholds), counted, len(thresholds), average)


THRESHOLDS = {
    "from20to50mm_15steps": np.linspace(20, 50, 15),
    "from0to50mm_100steps": np.linspace(0, 50, 100),
}


@pytest.mark.parametrize("range_name", THRESHOLDS)
@pytest.mark.parametrize("tool", ["freihand", "simhand"])
def test_equals_the_recorded_evaluation_of_given_errors(golden, tool, range_name):
    """The records hold errors exactly on thresholds, which count as within."""
    recorded = golden("eval_protocols.npz")
    errors, visible = (recorded[f"errors_given_directly__{name}"] for name in ("errors_mm", "visible"))
    record = f"errors_given_directly__{tool}_evalutil_{range_name}"
    thresholds = THRESHOLDS[range_name]
    curve = pck_curve(errors, visible, thresholds)
    np.testing.assert_allclose(curve, recorded[f"{record}_pck_curve"], rtol=0, atol=1e-12)
    assert area_under_curve(curve, thresholds) == pytest.approx(recorded[f"{record}_auc"], abs=1e-12)
    assert mean_error(errors, visible) == pytest.approx(recorded[f"{record}_mean"], rel=1e-12)
    assert median_error(errors, visible) == pytest.approx(recorded[f"{record}_median"], rel=1e-12)


@pytest.fixture
def errors():
    rng = np.random.default_rng(0)
    counted = rng.random((30, 21)) < 0.4
    counted[:, 5] = False
    return rng.integers(0, 60, (30, 21)).astype(float), counted


def test_macro_averages_equal_loops_over_joints(errors):
    values, counted = errors
    columns = [[values[i, j] for i in range(30) if counted[i, j]] for j in range(21)]
    seen = [column for column in columns if column]
    assert len(seen) == 20
    assert mean_error(values, counted) == pytest.approx(
        np.mean([sum(column) / len(column) for column in seen])
    )
    assert median_error(values, counted) == pytest.approx(np.mean([np.median(column) for column in seen]))
    means = per_joint_mean(values, counted)
    assert np.isnan(means[5])
    np.testing.assert_allclose(np.delete(means, 5), [np.mean(column) for column in seen])
    thresholds = np.array([0.0, 7.0, 7.5, 59.0])
    expected = [np.mean([np.mean([error <= t for error in column]) for column in seen]) for t in thresholds]
    np.testing.assert_allclose(pck_curve(values, counted, thresholds), expected)


def test_micro_averages_treat_all_joints_alike(errors):
    values, counted = errors
    thresholds = np.array([5.0, 30.0])
    assert mean_error(values, counted, "micro") == pytest.approx(values[counted].mean())
    assert median_error(values, counted, "micro") == pytest.approx(np.median(values[counted]))
    expected = [(values[counted] <= t).mean() for t in thresholds]
    np.testing.assert_allclose(pck_curve(values, counted, thresholds, "micro"), expected)
    assert mean_error(values, counted, "micro") != pytest.approx(mean_error(values, counted))


def test_area_of_known_curves():
    thresholds = np.array([20.0, 30.0, 50.0])
    assert area_under_curve(np.ones(3), thresholds) == 1.0
    assert area_under_curve(np.array([0.0, 1.0, 1.0]), thresholds) == pytest.approx((5 + 20) / 30)


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_nothing_counted_is_nan(average):
    nothing = np.zeros((4, 21), bool)
    values = np.ones((4, 21))
    assert np.isnan(mean_error(values, nothing, average)) and np.isnan(median_error(values, nothing, average))
    assert np.isnan(pck_curve(values, nothing, np.array([1.0, 2.0]), average)).all()
