"""Errors of the predicted 2D joints in the image, as mmpose's ``keypoint_epe`` and ``keypoint_auc`` do."""

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# mmpose's AUC of 3D and 2D hands: 20 thresholds from 0 in shares of 30 pixels.
NORM_PX = 30.0
THRESHOLDS = np.arange(20) / 20


def pixel_errors(
    ground_truth_m: Float64Array, intrinsics: Float64Array, prediction_px: Float64Array
) -> Float64Array:
    """Distances (N, 21) of predicted pixels (N, 21, 2) from the projection of true joints (N, 21, 3)."""
    image = ground_truth_m @ intrinsics.transpose(0, 2, 1)
    return np.linalg.norm(prediction_px - image[..., :2] / image[..., 2:], axis=-1)


def end_point_error_px(errors_px: Float64Array, counted: BoolArray) -> float:
    """Mean of the counted errors (N, 21) in pixels; NaN where none counts, or one that counts is NaN."""
    return float(errors_px[counted].mean()) if counted.any() else float("nan")


def pck_below(errors_px: Float64Array, counted: BoolArray, threshold: float, norm_px: float) -> float:
    """Share of errors below ``threshold`` times ``norm_px``: mean over joints of the shares of each."""
    within = (errors_px / norm_px < threshold) & counted
    counts = counted.sum(axis=0)
    shares = within.sum(axis=0)[counts > 0] / counts[counts > 0]
    return float(shares.mean()) if len(shares) else float("nan")


def area_under_pck(errors_px: Float64Array, counted: BoolArray, norm_px: float = NORM_PX) -> float:
    """Mean over :data:`THRESHOLDS` of :func:`pck_below`."""
    return float(np.mean([pck_below(errors_px, counted, at, norm_px) for at in THRESHOLDS]))
