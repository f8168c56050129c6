"""Predictions of 3D hands beside their ground truth, as fine-tuning writes them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simhand.errors import DataError
from simhand.evaluation.hand_pairs import HandPairs
from simhand.files.tables import JOINTS, SCHEMAS, read_table

IntArray = npt.NDArray[np.int64]

# Where the position of the root and the size of a predicted hand come from.
SOURCES = ("predicted", "dataset", "ground_truth")
SIDES = ("right", "left")


@dataclass(frozen=True)
class Predictions:
    """N predicted hands and their ground truth, camera frame.

    Attributes:
        ids: N distinct ids of the samples.
        prediction_m: float64 (N, 21, 3); NaN where nothing was predicted.
        ground_truth_m: float64 (N, 21, 3), finite; all NaN where the data set withholds it.
        visible: bool (N, 21).
        left: bool (N,) left hands, as their images show them.
        sequences: int (N,) number of the recording as seen by one camera; -1 for single pictures.
        recordings: int (N,) number of the recording, whatever the camera; -1 for single pictures.
        frames: int (N,) place in the recording; -1 for single pictures.
        occluded_share: float64 (N,) share of the joints that something hides; NaN where unknown.
        prediction_px: float64 (N, 21, 2) in the image; NaN where nothing was predicted.
        intrinsics: float64 (N, 3, 3).
        root_sources: where the positions of the roots come from: ``predicted``, ``dataset`` (the
            protocol hands it out) or ``ground_truth``.
        scale_sources: the same of the sizes.
    """

    ids: list[str]
    prediction_m: npt.NDArray[np.float64]
    ground_truth_m: npt.NDArray[np.float64]
    visible: npt.NDArray[np.bool_]
    left: npt.NDArray[np.bool_]
    sequences: npt.NDArray[np.int64]
    recordings: npt.NDArray[np.int64]
    frames: npt.NDArray[np.int64]
    occluded_share: npt.NDArray[np.float64]
    prediction_px: npt.NDArray[np.float64]
    intrinsics: npt.NDArray[np.float64]
    root_sources: frozenset[str]
    scale_sources: frozenset[str]

    @property
    def can_be_measured(self) -> bool:
        """Whether there is ground truth to measure them against."""
        return not np.isnan(self.ground_truth_m).all()

    @cached_property
    def hands(self) -> HandPairs:
        """The hands as the protocols take them."""
        return HandPairs(self.ground_truth_m, self.prediction_m, self.visible, self.left)

    @property
    def tracks(self) -> npt.NDArray[np.int64]:
        """Number (N,) of the hand in its recording: both sides may be seen in one; -1 for single pictures."""
        return np.where(self.sequences < 0, -1, 2 * self.sequences + self.left)

    @property
    def clusters(self) -> npt.NDArray[np.int64]:
        """Number (N,) of what a sample is drawn with: its recording, or itself if it is a single picture."""
        alone = self.recordings < 0
        numbers = np.where(alone, self.recordings.max() + np.cumsum(alone), self.recordings)
        return np.unique(numbers, return_inverse=True)[1]

    def __len__(self) -> int:
        return len(self.ids)


def load_predictions(path: Path | str) -> Predictions:
    """Read table ``predictions``.

    Raises:
        DataError: no predictions, an id that stands twice, ground truth of some samples that is not
            finite (that of all may be withheld, all NaN), an unknown side, root_source or scale_source, a
            sample of a recording without its frame.
    """
    table = read_table(
        path, "predictions", [name for name in SCHEMAS["predictions"].names if name != "image"]
    )
    if table.num_rows == 0:
        raise DataError(f"{path} holds no predictions, so nothing can be measured; run its stage again")
    ids = table["id"].to_pylist()
    if len(set(ids)) < len(ids):
        raise DataError(f"{path} holds {len(ids) - len(set(ids))} samples twice; every sample counts once")
    truth = _floats(table["ground_truth"], JOINTS, 3)
    without_truth = ~np.isfinite(truth).all(axis=(1, 2))
    if without_truth.any() and not np.isnan(truth).all():
        raise DataError(
            f"{path}: the ground truth of {np.count_nonzero(without_truth)} samples is not 63 finite "
            f"values (first: {ids[int(np.argmax(without_truth))]}); samples without labels cannot be measured"
        )
    _known(table, "side", SIDES, path)
    sequences, recordings, frames = _recordings(table, path)
    return Predictions(
        ids=ids,
        prediction_m=_floats(table["prediction"], JOINTS, 3),
        ground_truth_m=truth,
        visible=_flat(table["visible"]).astype(bool).reshape(-1, JOINTS),
        left=pc.equal(table["side"], "left").to_numpy(),
        sequences=sequences,
        recordings=recordings,
        frames=frames,
        occluded_share=pc.fill_null(table["occluded_share"], float("nan")).to_numpy(),
        prediction_px=_floats(table["prediction_2d"], JOINTS, 2),
        intrinsics=_floats(table["intrinsics"], 3, 3),
        root_sources=_known(table, "root_source", SOURCES, path),
        scale_sources=_known(table, "scale_source", SOURCES, path),
    )


def _floats(column: pa.ChunkedArray, *shape: int) -> npt.NDArray[np.float64]:
    return _flat(column).reshape(-1, *shape)


def _flat(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    return column.combine_chunks().flatten().to_numpy(zero_copy_only=False)


def _recordings(table: pa.Table, path: Path | str) -> tuple[IntArray, IntArray, IntArray]:
    """The numbers (N,) of sequences, recordings and frames; -1 for single pictures."""
    named = table["sequence"].is_valid()
    if lost := pc.sum(pc.and_(named, table["frame"].is_null())).as_py():
        raise DataError(f"{path}: {lost} samples have a sequence but no frame; give both or neither")
    # <recording>/<camera>
    recordings = pc.replace_substring_regex(table["sequence"], "/[^/]*$", "")
    frames = pc.fill_null(table["frame"], -1).to_numpy()
    return _numbered(table["sequence"]), _numbered(recordings), frames


def _numbered(names: pa.ChunkedArray) -> IntArray:
    """A number (N,) for each different name, from 0; -1 for null."""
    numbers = names.combine_chunks().dictionary_encode().indices
    return pc.fill_null(numbers, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _known(table: pa.Table, column: str, allowed: tuple[str, ...], path: Path | str) -> frozenset[str]:
    """The values of ``column``, all of them ``allowed``."""
    found = frozenset(table[column].unique().to_pylist())
    if unknown := found - set(allowed):
        named = ", ".join(sorted(map(repr, unknown)))
        raise DataError(f"{path}: {column} is {named}, expected one of {', '.join(allowed)}")
    return found
