"""Rows of table ``errors``: where the error of a protocol lies, by joint, side, occlusion and threshold."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from simhand.evaluation.curves import mean_error
from simhand.evaluation.predictions import SIDES, Predictions
from simhand.evaluation.protocols import Protocol, Scores

PERCENT = 100.0
OCCLUSION_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Bins of the occluded share: from each edge up to below the next, the last one up to 1 itself."""


def error_rows(
    name: str, protocol: Protocol, scores: Scores, predictions: Predictions
) -> Iterator[dict[str, Any]]:
    """Mean errors by joint, side and occlusion, and the PCK curve; what no sample falls into has no row."""
    columns, counted = scores.columns_mm, scores.counted_columns
    counts = counted.sum(axis=0)
    joints = [str(joint) for joint in range(len(counts))]
    if protocol.sides_apart:
        joints = [f"{side}_{joint}" for side in SIDES for joint in range(len(counts) // 2)]
    for joint, mean, count in zip(joints, scores.per_joint_mpjpe_mm, counts, strict=True):
        if count:
            yield _row(name, "joint", joint, mean, "mm", count)
    groups = {("side", side): predictions.left == (side == "left") for side in SIDES}
    groups |= {("occlusion", key): inside for key, inside in occlusion_bins(predictions.occluded_share)}
    for (kind, key), inside in groups.items():
        mean = mean_error(columns[inside], counted[inside], protocol.average)
        if not np.isnan(mean):
            yield _row(name, kind, key, mean, "mm", inside.sum())
    for threshold, share in zip(scores.thresholds_mm, scores.pck, strict=True):
        if not np.isnan(share):
            yield _row(name, "pck", repr(float(threshold)), PERCENT * share, "%", len(predictions))


def occlusion_bins(
    occluded_share: npt.NDArray[np.float64],
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Name and members (N,) of each bin of :data:`OCCLUSION_EDGES`; NaN, unknown, is in none."""
    for low, high in zip(OCCLUSION_EDGES[:-1], OCCLUSION_EDGES[1:], strict=True):
        below = occluded_share <= high if high == OCCLUSION_EDGES[-1] else occluded_share < high
        yield f"{low}-{high}", (occluded_share >= low) & below


def _row(protocol: str, kind: str, key: str, value: float, unit: str, samples: int) -> dict[str, Any]:
    found = {"protocol": protocol, "kind": kind, "key": key, "value": float(value), "unit": unit}
    return found | {"samples": int(samples)}
