"""Bootstrap intervals against loops that resample the samples themselves."""

import numpy as np
import pytest

from simhand.evaluation import bootstrap
from simhand.evaluation.bootstrap import RatioMean, percentile_intervals
from simhand.evaluation.curves import area_under_curve, areas_of_errors, first_within, mean_error, pck_curve

THRESHOLDS = np.linspace(20, 50, 15)


def errors_of(count, seed=0):
    rng = np.random.default_rng(seed)
    errors = rng.gamma(4, 8, (count, 21))
    counted = rng.random((count, 21)) < 0.3
    counted[1:, 4] = False
    return errors, counted


def test_intervals_equal_a_loop_over_resamples():
    """Macro mean and area under the curve; joint 4 is in few resamples and is left out of the others."""
    errors, counted = errors_of(15)
    counted[0, 4] = True
    counts = counted.astype(float)
    means = [
        RatioMean(np.where(counted, errors, 0), counts),
        RatioMean(
            np.where(counted, areas_of_errors(first_within(errors, THRESHOLDS), THRESHOLDS), 0), counts
        ),
    ]
    found = percentile_intervals(means, np.arange(15), 40, 0.9, seed=3)
    rng = np.random.default_rng(3)
    resampled = []
    for _ in range(40):
        rows = rng.integers(0, 15, 15)
        curve = pck_curve(first_within(errors[rows], THRESHOLDS), counted[rows], len(THRESHOLDS))
        resampled.append((mean_error(errors[rows], counted[rows]), area_under_curve(curve, THRESHOLDS)))
    np.testing.assert_allclose(found, np.quantile(resampled, (0.05, 0.95), axis=0).T, rtol=1e-6)


def test_recordings_are_drawn_whole():
    rng = np.random.default_rng(0)
    clusters = np.array([2, 0, 1, 1, 0, 2, 2, 3, 0])
    values = rng.random((9, 1))
    found = percentile_intervals([RatioMean(values, np.ones((9, 1)))], clusters, 30, 0.8, seed=1)
    rng = np.random.default_rng(1)
    resampled = []
    for _ in range(30):
        rows = np.concatenate([np.flatnonzero(clusters == drawn) for drawn in rng.integers(0, 4, 4)])
        resampled.append(values[rows].mean())
    np.testing.assert_allclose(found[0], np.quantile(resampled, (0.1, 0.9)), rtol=1e-6)


def test_chunks_of_resamples_change_nothing(monkeypatch):
    errors, _ = errors_of(30)
    mean = RatioMean(errors.mean(1, keepdims=True), np.ones((30, 1)))
    whole = percentile_intervals([mean], np.arange(30), 25, 0.95, seed=0)
    monkeypatch.setattr(bootstrap, "DRAWS_AT_ONCE", 100)
    np.testing.assert_allclose(
        percentile_intervals([mean], np.arange(30), 25, 0.95, seed=0), whole, rtol=1e-13
    )


def test_interval_of_a_mean_is_as_wide_as_theory_says():
    """1.96 standard errors to either side."""
    values = np.random.default_rng(4).normal(10, 2, (400, 1))
    ((low, high),) = percentile_intervals(
        [RatioMean(values, np.ones((400, 1)))], np.arange(400), 4000, 0.95, 0
    )
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)


@pytest.mark.parametrize(("clusters", "resamples"), [(np.zeros(5, int), 100), (np.arange(5), 0)])
def test_nothing_to_draw_from_gives_no_interval(clusters, resamples):
    mean = RatioMean(np.ones((5, 1)), np.ones((5, 1)))
    assert np.isnan(percentile_intervals([mean], clusters, resamples, 0.95, 0)).all()


def test_nothing_counted_gives_no_interval():
    mean = RatioMean(np.zeros((5, 2)), np.zeros((5, 2)))
    assert np.isnan(percentile_intervals([mean], np.arange(5), 20, 0.95, 0)).all()
