"""Means, medians and PCK curves of joint errors, averaged as the tools of the field do.

``errors`` (N, 21) are Euclidean; ``counted`` (N, 21) says which of them count (visibility). ``macro``
averages over samples for each joint, then over joints that were ever counted (``EvalUtil`` of
FreiHAND, DexYCB and Minimal-Hand); ``micro`` averages over all counted errors at once (mmpose). NaN
where nothing is counted.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Average = Literal["macro", "micro"]


def mean_error(errors: Float64Array, counted: BoolArray, average: Average = "macro") -> float:
    """The mean error."""
    return _over_joints([column.mean() for column in _columns(errors, counted, average)])


def median_error(errors: Float64Array, counted: BoolArray, average: Average = "macro") -> float:
    """The median error; for ``macro`` the mean over joints of their medians."""
    return _over_joints([np.median(column) for column in _columns(errors, counted, average)])


def per_joint_mean(errors: Float64Array, counted: BoolArray) -> Float64Array:
    """The mean error of each joint (21,); NaN for a joint that is never counted."""
    counts = counted.sum(axis=0)
    sums = np.where(counted, errors, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def pck_curve(
    errors: Float64Array, counted: BoolArray, thresholds: Float64Array, average: Average = "macro"
) -> Float64Array:
    """The share (T,) of errors that are at most as large as each threshold (T,), ascending."""
    columns = _columns(errors, counted, average)
    if not columns:
        return np.full(len(thresholds), np.nan)
    shares = [np.searchsorted(np.sort(column), thresholds, side="right") / len(column) for column in columns]
    return np.mean(shares, axis=0)


def area_under_curve(curve: Float64Array, thresholds: Float64Array) -> float:
    """Trapezium area under ``curve`` (T,) over ``thresholds`` (T,), divided by their range: in [0, 1]."""
    area = ((curve[1:] + curve[:-1]) / 2 * np.diff(thresholds)).sum()
    return float(area / (thresholds[-1] - thresholds[0]))


def _columns(errors: Float64Array, counted: BoolArray, average: Average) -> list[Float64Array]:
    """The counted errors of each joint that has any, or of all joints together."""
    if average == "micro":
        return [errors[counted]] if counted.any() else []
    return [errors[counted[:, joint], joint] for joint in range(errors.shape[1]) if counted[:, joint].any()]


def _over_joints(values: list[np.floating]) -> float:
    return float(np.mean(values)) if values else float("nan")
