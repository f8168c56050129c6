"""Predictions of 3D hands beside their ground truth, as fine-tuning writes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simhand.errors import DataError
from simhand.files.tables import JOINTS, read_table

# Where the position of the root and the size of a predicted hand come from.
SOURCES = ("predicted", "dataset", "ground_truth")


@dataclass(frozen=True)
class Predictions:
    """N predicted hands and their ground truth, camera frame.

    Attributes:
        ids: N distinct ids of the samples.
        prediction_m: float64 (N, 21, 3); NaN where nothing was predicted.
        ground_truth_m: float64 (N, 21, 3), finite; all NaN where the data set withholds it.
        visible: bool (N, 21).
        root_sources: where the positions of the roots come from: ``predicted``, ``dataset`` (the
            protocol hands it out) or ``ground_truth``.
        scale_sources: the same of the sizes.
    """

    ids: list[str]
    prediction_m: npt.NDArray[np.float64]
    ground_truth_m: npt.NDArray[np.float64]
    visible: npt.NDArray[np.bool_]
    root_sources: frozenset[str]
    scale_sources: frozenset[str]

    @property
    def can_be_measured(self) -> bool:
        """Whether there is ground truth to measure them against."""
        return not np.isnan(self.ground_truth_m).all()

    def __len__(self) -> int:
        return len(self.ids)


def load_predictions(path: Path | str) -> Predictions:
    """Read table ``predictions``.

    Raises:
        DataError: no predictions, an id that stands twice, ground truth of some samples that is not
            finite (that of all may be withheld, all NaN), an unknown root_source or scale_source.
    """
    columns = ["id", "prediction", "ground_truth", "visible", "root_source", "scale_source"]
    table = read_table(path, "predictions", columns)
    if table.num_rows == 0:
        raise DataError(f"{path} holds no predictions, so nothing can be measured; run finetune_detnet again")
    ids = table["id"].to_pylist()
    if len(set(ids)) < len(ids):
        raise DataError(f"{path} holds {len(ids) - len(set(ids))} samples twice; every sample counts once")
    truth = _hands(table["ground_truth"])
    without_truth = ~np.isfinite(truth).all(axis=(1, 2))
    if without_truth.any() and not np.isnan(truth).all():
        raise DataError(
            f"{path}: the ground truth of {np.count_nonzero(without_truth)} samples is not 63 finite "
            f"values (first: {ids[int(np.argmax(without_truth))]}); samples without labels cannot be measured"
        )
    return Predictions(
        ids=ids,
        prediction_m=_hands(table["prediction"]),
        ground_truth_m=truth,
        visible=_flat(table["visible"]).astype(bool).reshape(-1, JOINTS),
        root_sources=_sources(table, "root_source", path),
        scale_sources=_sources(table, "scale_source", path),
    )


def _hands(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    return _flat(column).reshape(-1, JOINTS, 3)


def _flat(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    return column.combine_chunks().flatten().to_numpy(zero_copy_only=False)


def _sources(table: pa.Table, column: str, path: Path | str) -> frozenset[str]:
    found = frozenset(table[column].unique().to_pylist())
    if unknown := found - set(SOURCES):
        named = ", ".join(sorted(map(repr, unknown)))
        raise DataError(f"{path}: {column} is {named}, expected one of {', '.join(SOURCES)}")
    return found
