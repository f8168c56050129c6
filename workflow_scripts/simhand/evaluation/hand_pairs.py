"""Predicted hands beside their ground truth, and the rotation that fits each, found once for all."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simhand.evaluation.procrustes import ProcrustesFit

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class HandPairs:
    """N hands in metres, camera frame.

    Attributes:
        ground_truth_m: (N, 21, 3).
        prediction_m: (N, 21, 3); NaN where nothing was predicted.
        visible: (N, 21).
        left: (N,) left hands; only AssemblyHands keeps the sides apart.
    """

    ground_truth_m: Float64Array
    prediction_m: Float64Array
    visible: BoolArray
    left: BoolArray

    def __len__(self) -> int:
        return len(self.left)

    @cached_property
    def fit(self) -> ProcrustesFit:
        """The Procrustes fit of every prediction."""
        return ProcrustesFit(self.ground_truth_m, self.prediction_m)


def hand_pairs(
    ground_truth_m: npt.ArrayLike,
    prediction_m: npt.ArrayLike,
    visible: npt.ArrayLike,
    left: npt.ArrayLike | None = None,
) -> HandPairs:
    """Hands of any float type as :class:`HandPairs`, computed with in float64; without ``left`` all right.

    Raises:
        ValueError: the shapes are not (N, 21, 3), (N, 21, 3), (N, 21) and (N,).
    """
    truth, prediction = (np.asarray(hands, dtype=np.float64) for hands in (ground_truth_m, prediction_m))
    counted = np.asarray(visible).astype(bool)
    sides = np.zeros(len(truth), dtype=bool) if left is None else np.asarray(left).astype(bool)
    shapes = [truth.shape, prediction.shape, counted.shape, sides.shape]
    if shapes != [(len(truth), 21, 3), (len(truth), 21, 3), (len(truth), 21), (len(truth),)]:
        raise ValueError(f"expected (N, 21, 3), (N, 21, 3), (N, 21) and (N,), found {shapes}")
    return HandPairs(truth, prediction, counted, sides)
