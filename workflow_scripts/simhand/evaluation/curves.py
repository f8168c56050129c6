"""Means, medians and PCK curves of joint errors, averaged as the tools of the field do.

``errors`` (N, J) are Euclidean; ``counted`` (N, J) says which of them count (visibility). ``macro``
averages over samples for each joint, then over joints that were ever counted (``EvalUtil`` of
FreiHAND, DexYCB and Minimal-Hand); ``micro`` averages over all counted errors at once (mmpose). NaN
where nothing is counted.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Average = Literal["macro", "micro"]


def mean_error(errors: Float64Array, counted: BoolArray, average: Average = "macro") -> float:
    """The mean error."""
    if average == "micro":
        return float(errors[counted].mean()) if counted.any() else float("nan")
    means = per_joint_mean(errors, counted)
    return _mean(means[~np.isnan(means)])


def median_error(errors: Float64Array, counted: BoolArray, average: Average = "macro") -> float:
    """The median error; for ``macro`` the mean over joints of their medians."""
    if average == "micro":
        return float(np.median(errors[counted])) if counted.any() else float("nan")
    columns = zip(np.ascontiguousarray(errors.T), np.ascontiguousarray(counted.T), strict=True)
    return _mean(np.array([np.median(column[counts]) for column, counts in columns if counts.any()]))


def per_joint_mean(errors: Float64Array, counted: BoolArray) -> Float64Array:
    """The mean error of each joint (J,); NaN for a joint that is never counted."""
    counts = counted.sum(axis=0)
    sums = np.where(counted, errors, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def first_within(errors: Float64Array, thresholds: Float64Array) -> IntArray:
    """Number (N, J) of the first of ascending ``thresholds`` (T,) that is not below each error, or T."""
    return np.searchsorted(thresholds, errors, side="left")


def pck_curve(first: IntArray, counted: BoolArray, steps: int, average: Average = "macro") -> Float64Array:
    """The share (T,) of errors that are at most as large as each of T thresholds.

    Args:
        first: what :func:`first_within` says of the errors (N, J).
        counted: (N, J) the errors that count.
        steps: T.
        average: over joints.
    """
    joints = first.shape[1]
    bins = steps + 2
    binned = np.where(counted, first, steps + 1) + np.arange(joints) * bins
    found = np.bincount(binned.ravel(), minlength=joints * bins).reshape(joints, bins)[:, :-1]
    if average == "micro":
        found = found.sum(axis=0, keepdims=True)
    totals = found.sum(axis=1)
    if not totals.any():
        return np.full(steps, np.nan)
    shares = found[totals > 0, :-1].cumsum(axis=1) / totals[totals > 0, None]
    mean: Float64Array = shares.mean(axis=0)
    return mean


def area_under_curve(curve: Float64Array, thresholds: Float64Array) -> float:
    """Trapezium area under ``curve`` (T,) over ``thresholds`` (T,), divided by their range: in [0, 1]."""
    area = ((curve[1:] + curve[:-1]) / 2 * np.diff(thresholds)).sum()
    return float(area / (thresholds[-1] - thresholds[0]))


def areas_of_errors(first: IntArray, thresholds: Float64Array) -> Float64Array:
    """What each error (N, J) alone adds to the area under the PCK curve: the area is their average.

    ``first`` is what :func:`first_within` says of the errors.
    """
    steps = np.tri(len(thresholds) + 1, len(thresholds), -1, dtype=np.float64)
    return np.array([area_under_curve(1.0 - step, thresholds) for step in steps])[first]


def _mean(values: Float64Array) -> float:
    return float(values.mean()) if len(values) else float("nan")
