"""Procrustes alignment: rotation, size and position of a predicted hand fitted to the ground truth.

All take ground truth and prediction (N, 21, 3) in the same unit; hands that are not finite
give NaN.
"""

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Added to each hand's norm by FreiHAND's tool; its results therefore depend on the unit (1e-8 relatively).
FREIHAND_EPSILON = 1e-8
# A hand smaller than this share of its distance from the camera is what rounding left of a point.
ROUNDING = 1e-14
# A hand whose thickness is a smaller share than this of its length is flat: mirroring it changes nothing.
FLAT = 1e-9


class ProcrustesFit:
    """The singular value decompositions behind every Procrustes alignment of N predictions, made once."""

    def __init__(self, ground_truth: Float64Array, prediction: Float64Array) -> None:
        """Decompose predictionᵀ · ground truth of each pair, both centred."""
        self._true_centre, true_hand = _centred(ground_truth)
        _, self._hand = _centred(prediction)
        self._norm = _norm(self._hand)
        self._is_point = self._norm <= ROUNDING * _norm(prediction)
        self._left, self._values, self._right = _svd(self._hand, true_hand)
        self._mirrors = np.linalg.det(self._left) * np.linalg.det(self._right) < 0

    def reflecting(self, epsilon: float = FREIHAND_EPSILON) -> Float64Array:
        """The aligned predictions, see :func:`procrustes_with_reflection`.

        FreiHAND's tool divides both hands by their norms plus ``epsilon`` and multiplies by the true one
        in the end, where it cancels out.
        """
        scale = self._values.sum(axis=-1)[:, None, None] / (self._norm + epsilon) ** 2
        return self._hand @ (self._left @ self._right * scale) + self._true_centre

    def rotating(self) -> Float64Array:
        """The aligned predictions, see :func:`procrustes_rotation`."""
        signs = np.ones_like(self._values)
        signs[:, 2] = np.where(self._mirrors, -1.0, 1.0)
        norm = np.where(self._is_point, np.nan, self._norm)
        scale = (self._values * signs).sum(axis=-1)[:, None, None] / norm**2
        return self._hand @ (self._left * signs[:, None, :] @ self._right * scale) + self._true_centre

    def aligned(self) -> BoolArray:
        """Which predictions (N,) :meth:`rotating` can align: finite and not one point."""
        return np.isfinite(self._values[:, 0]) & ~self._is_point[:, 0, 0]

    def better_mirrored(self) -> BoolArray:
        """Whether the mirror image of each prediction (N,) can be laid over the ground truth more closely.

        This is where the best orthogonal matrix of :func:`procrustes_with_reflection` is a reflection; a
        predictor that takes left hands for right ones shows it on nearly every sample. A flat hand is its
        own mirror image and never fits better as such.
        """
        return self._mirrors & (self._values[:, 2] > FLAT * self._values[:, 0])


def procrustes_with_reflection(
    ground_truth: Float64Array, prediction: Float64Array, epsilon: float = FREIHAND_EPSILON
) -> Float64Array:
    """The aligned prediction of FreiHAND's ``align_w_scale``, also used by DexYCB's tool.

    The best orthogonal matrix may be a reflection: a mirrored hand is laid over its ground truth
    without error. A prediction of no size gives the centroid of the ground truth. ``epsilon`` has the
    unit of the hands; FreiHAND's tool is fed with metres, DexYCB's with millimetres.
    """
    return ProcrustesFit(ground_truth, prediction).reflecting(epsilon)


def procrustes_rotation(ground_truth: Float64Array, prediction: Float64Array) -> Float64Array:
    """The prediction aligned by a proper rotation, size and position (Umeyama 1991; mmpose, HaMeR).

    NaN where all predicted joints lie in one point, up to the rounding of their coordinates.
    """
    return ProcrustesFit(ground_truth, prediction).rotating()


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
