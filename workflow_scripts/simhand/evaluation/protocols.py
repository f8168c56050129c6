"""The evaluation protocols by name: how a prediction is laid over the ground truth and what is averaged.

The paper does not publish its evaluation; ``simhand`` is inferred from the metric code released with it
(and with S2DHand, of the same authors). The others are the data sets' own tools and two widely used
ones, so that numbers can stand beside numbers that others report.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

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
    mean_error,
    median_error,
    pck_curve,
    per_joint_mean,
)
from simhand.evaluation.procrustes import procrustes_rotation, procrustes_with_reflection
from simhand.settings.evaluation import ProtocolName

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
MM_PER_M = 1000.0


@dataclass(frozen=True)
class Scores:
    """What a protocol says of N predictions; errors in mm.

    Attributes:
        errors_mm: (N, 21); of failed predictions, those of a hand shrunk to one point (see `Protocol`).
        counted: (N, 21) the errors that enter the averages.
        failed: (N,) predictions that are not finite or that the protocol cannot align.
        pck: (T,) share of errors within each of ``thresholds_mm`` (T,).
        pck_auc: area under ``pck``, in [0, 1].
    """

    errors_mm: Float64Array
    counted: BoolArray
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
        align: (ground truth, prediction) -> aligned prediction, each (N, 21, 3).
        shrunk_to: ground truth (N, 21, 3) -> (N, 1, 3).
        thresholds_mm: of the PCK curve, ascending.
        visible_only: count visible joints only.
        needs_root: uses the predicted position in the camera frame.
        needs_scale: uses the predicted size.
        works_in_mm: the tool is fed with millimetres; it decides the last digits of Procrustes.
    """

    align: Callable[[Float64Array, Float64Array], Float64Array]
    shrunk_to: Callable[[Float64Array], Float64Array]
    thresholds_mm: Float64Array
    average: Average = "macro"
    visible_only: bool = False
    needs_root: bool = False
    needs_scale: bool = False
    works_in_mm: bool = False

    def score(self, ground_truth_m: Float64Array, prediction_m: Float64Array, visible: BoolArray) -> Scores:
        """Scores of predictions (N, 21, 3) in metres, camera frame; ``visible`` is (N, 21)."""
        unit = MM_PER_M if self.works_in_mm else 1.0
        truth, prediction = ground_truth_m * unit, prediction_m * unit
        with np.errstate(over="ignore", invalid="ignore"):
            errors = np.linalg.norm(self.align(truth, prediction) - truth, axis=-1)
        failed = ~np.isfinite(errors).all(axis=1)
        shrunk = np.linalg.norm(self.shrunk_to(truth) - truth, axis=-1)
        errors_mm = np.where(failed[:, None], shrunk, errors) * (MM_PER_M / unit)
        counted = visible if self.visible_only else np.ones_like(visible)
        missed = np.where(failed[:, None], np.inf, errors_mm)
        pck = pck_curve(missed, counted, self.thresholds_mm, self.average)
        return Scores(
            errors_mm=errors_mm,
            counted=counted,
            failed=failed,
            mpjpe_mm=mean_error(errors_mm, counted, self.average),
            median_error_mm=median_error(errors_mm, counted, self.average),
            per_joint_mpjpe_mm=per_joint_mean(errors_mm, counted),
            thresholds_mm=self.thresholds_mm,
            pck=pck,
            pck_auc=area_under_curve(pck, self.thresholds_mm),
        )


def _joint(joint: int, ground_truth: Float64Array) -> Float64Array:
    return ground_truth[:, [joint]]


def _centroid(ground_truth: Float64Array) -> Float64Array:
    return ground_truth.mean(axis=1, keepdims=True)


def _camera_centre(ground_truth: Float64Array) -> Float64Array:
    return np.zeros_like(ground_truth[:, :1])


AUC_20_TO_50_MM = np.linspace(20.0, 50.0, 15)
AUC_0_TO_50_MM = np.linspace(0.0, 50.0, 100)

_wrist_scaled = partial(Protocol, bone_scaled, partial(_joint, WRIST), AUC_20_TO_50_MM)
_absolute = partial(Protocol, as_predicted, _camera_centre, AUC_0_TO_50_MM, needs_root=True, needs_scale=True)
_reflecting = partial(Protocol, procrustes_with_reflection, _centroid, AUC_0_TO_50_MM)
_rotating = partial(Protocol, procrustes_rotation, _centroid, AUC_0_TO_50_MM)

PROTOCOLS: dict[ProtocolName, Protocol] = {
    "simhand": _wrist_scaled(visible_only=True),
    "simhand_all_joints": _wrist_scaled(),
    "minimalhand_root9": Protocol(
        partial(bone_scaled, root=MIDDLE_KNUCKLE), partial(_joint, MIDDLE_KNUCKLE), AUC_20_TO_50_MM
    ),
    "freihand_absolute": _absolute(),
    "freihand_procrustes": _reflecting(),
    "procrustes_rotation": _rotating(),
    "dexycb_absolute": _absolute(works_in_mm=True),
    "dexycb_root_relative": Protocol(
        wrist_aligned, partial(_joint, WRIST), AUC_0_TO_50_MM, needs_scale=True, works_in_mm=True
    ),
    "dexycb_procrustes": _reflecting(works_in_mm=True),
    "mmpose_none": _absolute(average="micro", visible_only=True, works_in_mm=True),
    "mmpose_scale": Protocol(
        least_squares_scaled,
        _camera_centre,
        AUC_0_TO_50_MM,
        average="micro",
        visible_only=True,
        needs_root=True,
        works_in_mm=True,
    ),
    "mmpose_procrustes": _rotating(average="micro", visible_only=True, works_in_mm=True),
}
