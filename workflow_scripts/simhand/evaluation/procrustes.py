"""Procrustes alignment: rotation, size and position of a predicted hand fitted to the ground truth.

All functions take ground truth and prediction (N, 21, 3) in the same unit; hands that are not finite
give NaN.
"""

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

# Added to each hand's norm by FreiHAND's tool; its results therefore depend on the unit (1e-8 relatively).
FREIHAND_EPSILON = 1e-8
# A hand smaller than this share of its distance from the camera is what rounding left of a point.
ROUNDING = 1e-14


def procrustes_with_reflection(ground_truth: Float64Array, prediction: Float64Array) -> Float64Array:
    """The aligned prediction of FreiHAND's ``align_w_scale``, also used by DexYCB's tool.

    The best orthogonal matrix may be a reflection: a mirrored hand is laid over its ground truth
    without error. A prediction of no size gives the centroid of the ground truth.
    """
    true_centre, true_hand = _centred(ground_truth)
    _, predicted_hand = _centred(prediction)
    true_norm = _norm(true_hand) + FREIHAND_EPSILON
    unit_true, unit_predicted = (
        true_hand / true_norm,
        predicted_hand / (_norm(predicted_hand) + FREIHAND_EPSILON),
    )
    left, singular_values, right = _svd(unit_predicted, unit_true)
    rotated = unit_predicted @ (left @ right)
    return rotated * singular_values.sum(axis=-1)[:, None, None] * true_norm + true_centre


def procrustes_rotation(ground_truth: Float64Array, prediction: Float64Array) -> Float64Array:
    """The prediction aligned by a proper rotation, size and position (Umeyama 1991; mmpose, HaMeR).

    NaN where all predicted joints lie in one point, up to the rounding of their coordinates.
    """
    true_centre, true_hand = _centred(ground_truth)
    _, predicted_hand = _centred(prediction)
    left, singular_values, right = _svd(predicted_hand, true_hand)
    signs = np.ones_like(singular_values)
    signs[:, 2] = np.where(np.linalg.det(left @ right) < 0, -1.0, 1.0)
    size = _norm(predicted_hand)
    size = np.where(size > ROUNDING * _norm(prediction), size, np.nan)
    scale = (singular_values * signs).sum(axis=-1)[:, None, None] / size**2
    return predicted_hand @ (left * signs[:, None, :] @ right) * scale + true_centre


def fits_better_mirrored(ground_truth: Float64Array, prediction: Float64Array) -> npt.NDArray[np.bool_]:
    """Whether the mirror image of each prediction (N,) can be laid over the ground truth more closely.

    This is where the best orthogonal matrix of :func:`procrustes_with_reflection` is a reflection; a
    predictor that takes left hands for right ones shows it on nearly every sample.
    """
    left, _, right = _svd(_centred(prediction)[1], _centred(ground_truth)[1])
    return np.linalg.det(left @ right) < 0


def _centred(joints: Float64Array) -> tuple[Float64Array, Float64Array]:
    centre = joints.mean(axis=1, keepdims=True)
    return centre, joints - centre


def _norm(joints: Float64Array) -> Float64Array:
    return np.linalg.norm(joints, axis=(1, 2), keepdims=True)


def _svd(source: Float64Array, target: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
    """SVD of sourceᵀ · target for each hand; NaN comes back as NaN instead of stopping LAPACK."""
    products = source.transpose(0, 2, 1) @ target
    finite = np.isfinite(products).all(axis=(1, 2))
    left, singular_values, right = np.linalg.svd(np.where(finite[:, None, None], products, 0.0))
    singular_values[~finite] = np.nan
    return left, singular_values, right
