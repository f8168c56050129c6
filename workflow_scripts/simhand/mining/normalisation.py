"""What is done to the 2D keypoints of a hand before the pose embedding; the paper leaves it open."""

import numpy as np
import numpy.typing as npt

from simhand.errors import DataError
from simhand.settings.pca import Normalisation

WRIST = 0
MIDDLE_KNUCKLE = 9


def normalise_keypoints(
    keypoints: npt.NDArray[np.floating], normalisation: Normalisation, min_palm_length: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Keypoints as rows for PCA.

    Args:
        keypoints: (N, 21, 2), x and y in [0, 1] of the crop.
        normalisation: ``crop`` as given; ``wrist`` minus the wrist; ``wrist_scale`` minus the wrist and
            divided by the distance from wrist to middle knuckle; ``box`` minus the middle of the tight box
            around the keypoints and divided by its longer side. With the last two neither the place of the
            hand in its crop nor its size there counts.
        min_palm_length: hands whose divisor is shorter have no usable scale: with ``wrist_scale`` a hand
            that points at the camera would otherwise be blown up and rule the whole PCA.

    Returns:
        float64 (N, 42) as x0, y0, x1, y1 ..., and bool (N,): whether the hand can be used.

    Raises:
        DataError: keypoints are not finite.
    """
    points = keypoints.astype(np.float64)
    if broken := int(np.count_nonzero(~np.isfinite(points).all(axis=(1, 2)))):
        raise DataError(
            f"the keypoints of {broken} of {len(points)} hands are not finite; leave out hands whose "
            "keypoints are not valid, as sample_set does"
        )
    length = np.ones(len(points))
    if normalisation in ("wrist", "wrist_scale"):
        points -= points[:, WRIST : WRIST + 1].copy()
    if normalisation == "wrist_scale":
        length = np.linalg.norm(points[:, MIDDLE_KNUCKLE], axis=1)
    if normalisation == "box":
        low, high = points.min(axis=1), points.max(axis=1)
        points -= ((low + high) / 2)[:, None]
        length = (high - low).max(axis=1)
    usable = length >= min_palm_length
    points /= np.where(usable, length, 1.0)[:, None, None]
    return points.reshape(len(points), -1), usable
