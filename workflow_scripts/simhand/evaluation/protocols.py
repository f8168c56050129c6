"""The evaluation protocols by name: how a prediction is laid over the ground truth and what is averaged.

The paper does not publish its evaluation; ``simhand`` is inferred from the metric code released with it
(and with S2DHand, of the same authors). The others are the data sets' own tools and two widely used
ones, so that numbers can stand beside numbers that others report.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from simhand.evaluation.alignment import (
    MIDDLE_KNUCKLE,
    WRIST,
    as_predicted,
    bone_scaled,
    least_squares_scaled,
    wrist_aligned,
)
from simhand.evaluation.curves import (
    Average,
    area_under_curve,
    first_within,
    mean_error,
    median_error,
    pck_curve,
    per_joint_mean,
)
from simhand.evaluation.hand_pairs import HandPairs, hand_pairs
from simhand.evaluation.procrustes import FREIHAND_EPSILON
from simhand.settings.evaluation import ProtocolName

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
MM_PER_M = 1000.0


@dataclass(frozen=True)
class Scores:
    """What a protocol says of N predictions; errors in mm.

    Attributes:
        residuals_mm: (N, 21, 3) aligned prediction minus ground truth; of failed predictions, those of a
            hand shrunk to one point (see `Protocol`).
        errors_mm: (N, 21), their lengths.
        counted: (N, 21) the errors that enter the averages.
        columns_mm: `errors_mm` as what is averaged over: (N, 42) where the sides are kept apart, right
            ones first, else the same.
        counted_columns: `counted` likewise.
        first_within: number of the first threshold that holds each of ``columns_mm``.
        failed: (N,) predictions that are not finite or that the protocol cannot align.
        per_joint_mpjpe_mm: of each column.
        pck: (T,) share of errors within each of ``thresholds_mm`` (T,); all NaN where there is no curve.
        pck_auc: area under ``pck``, in [0, 1].
    """

    residuals_mm: Float64Array
    errors_mm: Float64Array
    counted: BoolArray
    columns_mm: Float64Array
    counted_columns: BoolArray
    first_within: IntArray
    failed: BoolArray
    mpjpe_mm: float
    median_error_mm: float
    per_joint_mpjpe_mm: Float64Array
    thresholds_mm: Float64Array
    pck: Float64Array
    pck_auc: float


@dataclass(frozen=True)
class Protocol:
    """One way to measure predictions against ground truth.

    A prediction that is not finite, or cannot be aligned, has failed. It counts with the errors of a
    hand shrunk to the point that the alignment would lay it on (``shrunk_to``; a prediction of zeros
    has just these errors in FreiHAND's tool), and no joint of it lies within any PCK threshold.

    Attributes:
        align: hands -> aligned prediction (N, 21, 3), metres.
        shrunk_to: ground truth (N, 21, 3) -> (N, 1, 3).
        thresholds_mm: of the PCK curve, ascending; empty if the protocol has none.
        average: over joints and samples, see :mod:`simhand.evaluation.curves`.
        visible_only: count visible joints only.
        sides_apart: the joints of left hands are other joints than those of right hands.
        needs_root: uses the predicted position in the camera frame.
        needs_scale: uses the predicted size.
        rotates: turns each prediction by itself, so that its movement over time is not that predicted.
    """

    align: Callable[[HandPairs], Float64Array]
    shrunk_to: Callable[[Float64Array], Float64Array]
    thresholds_mm: Float64Array
    average: Average = "macro"
    visible_only: bool = False
    sides_apart: bool = False
    needs_root: bool = False
    needs_scale: bool = False
    rotates: bool = False

    def score(
        self,
        ground_truth_m: npt.ArrayLike,
        prediction_m: npt.ArrayLike,
        visible: npt.ArrayLike,
        left: npt.ArrayLike | None = None,
    ) -> Scores:
        """:meth:`score_pairs` of arrays (N, 21, 3) in metres, (N, 21, 3), (N, 21) and (N,)."""
        return self.score_pairs(hand_pairs(ground_truth_m, prediction_m, visible, left))

    def score_pairs(self, hands: HandPairs) -> Scores:
        """What the protocol says of the predictions."""
        truth = hands.ground_truth_m
        with np.errstate(over="ignore", invalid="ignore"):
            residuals = self.align(hands) - truth
            residuals *= MM_PER_M
            errors = _lengths(residuals)
        failed = ~np.isfinite(errors).all(axis=1)
        if failed.any():
            residuals[failed] = (self.shrunk_to(truth[failed]) - truth[failed]) * MM_PER_M
            errors[failed] = _lengths(residuals[failed])
        counted = hands.visible if self.visible_only else np.ones_like(hands.visible)
        columns, counts = self._columns(errors, hands.left), self._columns(counted, hands.left)
        first = first_within(missed(columns, failed), self.thresholds_mm)
        steps = len(self.thresholds_mm)
        pck = pck_curve(first, counts, steps, self.average)
        return Scores(
            residuals_mm=residuals,
            errors_mm=errors,
            counted=counted,
            columns_mm=columns,
            counted_columns=counts,
            first_within=first,
            failed=failed,
            mpjpe_mm=mean_error(columns, counts, self.average),
            median_error_mm=median_error(columns, counts, self.average),
            per_joint_mpjpe_mm=per_joint_mean(columns, counts),
            thresholds_mm=self.thresholds_mm,
            pck=pck,
            pck_auc=area_under_curve(pck, self.thresholds_mm) if steps else np.nan,
        )

    def _columns(self, values: npt.NDArray[Any], left: BoolArray) -> npt.NDArray[Any]:
        """``values`` (N, 21) as columns to average over: (N, 42), zero on the other side, if apart."""
        if not self.sides_apart:
            return values
        right = ~left[:, None]
        return np.concatenate([values * right, values * ~right], axis=1)


def missed(errors: Float64Array, failed: BoolArray) -> Float64Array:
    """``errors`` (N, J) with those of failed predictions (N,) beyond every threshold."""
    return np.where(failed[:, None], np.inf, errors) if failed.any() else errors


def _lengths(vectors: Float64Array) -> Float64Array:
    return np.sqrt(np.einsum("njc,njc->nj", vectors, vectors))


Aligned = Callable[[Float64Array, Float64Array], Float64Array]


def _moved(align: Aligned, hands: HandPairs) -> Float64Array:
    return align(hands.ground_truth_m, hands.prediction_m)


def _reflected(epsilon_m: float, hands: HandPairs) -> Float64Array:
    return hands.fit.reflecting(epsilon_m)


def _rotated(hands: HandPairs) -> Float64Array:
    return hands.fit.rotating()


def _joint(joint: int, ground_truth: Float64Array) -> Float64Array:
    return ground_truth[:, [joint]]


def _centroid(ground_truth: Float64Array) -> Float64Array:
    return ground_truth.mean(axis=1, keepdims=True)


def _camera_centre(ground_truth: Float64Array) -> Float64Array:
    return np.zeros_like(ground_truth[:, :1])


AUC_20_TO_50_MM = np.linspace(20.0, 50.0, 15)
AUC_0_TO_50_MM = np.linspace(0.0, 50.0, 100)
NO_CURVE = np.empty(0)

_wrist_scaled = partial(Protocol, partial(_moved, bone_scaled), partial(_joint, WRIST), AUC_20_TO_50_MM)
_root_relative = partial(Protocol, partial(_moved, wrist_aligned), partial(_joint, WRIST), needs_scale=True)
_absolute = partial(
    Protocol,
    partial(_moved, as_predicted),
    _camera_centre,
    AUC_0_TO_50_MM,
    needs_root=True,
    needs_scale=True,
)
_rotating = partial(Protocol, _rotated, _centroid, AUC_0_TO_50_MM, rotates=True)


def _reflecting(epsilon_m: float) -> Protocol:
    return Protocol(partial(_reflected, epsilon_m), _centroid, AUC_0_TO_50_MM, rotates=True)


PROTOCOLS: dict[ProtocolName, Protocol] = {
    "simhand": _wrist_scaled(visible_only=True),
    "simhand_all_joints": _wrist_scaled(),
    "minimalhand_root9": Protocol(
        partial(_moved, partial(bone_scaled, root=MIDDLE_KNUCKLE)),
        partial(_joint, MIDDLE_KNUCKLE),
        AUC_20_TO_50_MM,
    ),
    "freihand_absolute": _absolute(),
    "freihand_procrustes": _reflecting(FREIHAND_EPSILON),
    "procrustes_rotation": _rotating(),
    "dexycb_absolute": _absolute(),
    "dexycb_root_relative": _root_relative(thresholds_mm=AUC_0_TO_50_MM),
    "dexycb_procrustes": _reflecting(FREIHAND_EPSILON / MM_PER_M),
    "assemblyhands": _root_relative(thresholds_mm=NO_CURVE, visible_only=True, sides_apart=True),
    "mmpose_none": _absolute(average="micro", visible_only=True),
    "mmpose_scale": Protocol(
        partial(_moved, least_squares_scaled),
        _camera_centre,
        AUC_0_TO_50_MM,
        average="micro",
        visible_only=True,
        needs_root=True,
    ),
    "mmpose_procrustes": _rotating(average="micro", visible_only=True),
}
