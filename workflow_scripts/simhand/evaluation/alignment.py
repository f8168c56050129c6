"""Ways to lay a predicted hand over its ground truth without rotating it.

All functions take ground truth and prediction (N, 21, 3) in the same unit and return the aligned
prediction (N, 21, 3). Where an alignment is undefined the aligned hand is NaN.
"""

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

WRIST = 0
MIDDLE_KNUCKLE = 9


def as_predicted(ground_truth: Float64Array, prediction: Float64Array) -> Float64Array:
    """The prediction itself: absolute position and size count."""
    return prediction


def wrist_aligned(ground_truth: Float64Array, prediction: Float64Array) -> Float64Array:
    """The prediction moved onto the true wrist (DexYCB's root-relative row)."""
    return _about(prediction, prediction[:, [WRIST]], 1.0, ground_truth[:, [WRIST]])


def bone_scaled(ground_truth: Float64Array, prediction: Float64Array, root: int = WRIST) -> Float64Array:
    """gt_root + s (pred - pred_root) with s = |gt_0 - gt_9| / |pred_0 - pred_9|.

    Root 0 is SiMHand's and S2DHand's ``utils/align.py``, root 9 that of the original Minimal-Hand-pytorch.
    Undefined where the predicted bone 0-9 has no length.
    """
    scale = _bone_length(ground_truth) / _positive(_bone_length(prediction))
    return _about(prediction, prediction[:, [root]], scale[:, None, None], ground_truth[:, [root]])


def least_squares_scaled(ground_truth: Float64Array, prediction: Float64Array) -> Float64Array:
    """The prediction times the factor that fits best, about the camera centre (mmpose's ``scale``).

    Undefined where all predicted joints lie in the camera centre.
    """
    scale = (prediction * ground_truth).sum(axis=(1, 2)) / _positive((prediction**2).sum(axis=(1, 2)))
    return scale[:, None, None] * prediction


def _about(
    prediction: Float64Array,
    centre: Float64Array,
    scale: Float64Array | float,
    new_centre: Float64Array,
) -> Float64Array:
    """new_centre + scale (prediction - centre), in one array."""
    moved = prediction - centre
    moved *= scale
    moved += new_centre
    return moved


def _bone_length(joints: Float64Array) -> Float64Array:
    return np.linalg.norm(joints[:, WRIST] - joints[:, MIDDLE_KNUCKLE], axis=-1)


def _positive(values: Float64Array) -> Float64Array:
    """``values`` with NaN for zero, so that a quotient is NaN instead of a warning."""
    return np.where(values > 0, values, np.nan)
