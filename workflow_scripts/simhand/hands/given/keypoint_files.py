"""Reads files of keypoints: Parquet, or a JSON list of records."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ijson
import numpy as np
import pyarrow as pa
import pyarrow.dataset

from simhand.errors import DataError
from simhand.files.tables import JOINTS

BUFFER_BYTES = 1 << 20
ROWS_PER_BATCH = 4096
HAND_KEYS = (
    ("hand_id",),
    ("video_id", "frame_index", "number"),
    ("video_id", "frame_index", "x1", "y1", "x2", "y2"),
)
"""The columns that may tell which hand a row is of, in order of preference."""

Row = Mapping[str, Any]


def keypoint_rows(path: Path) -> Iterator[tuple[Row, str]]:
    """The rows of a file and, for messages, the place of each.

    Raises:
        DataError: it cannot be read, or does not tell which hand a row is of.
    """
    rows = _json_rows(path) if path.suffix == ".json" else _parquet_rows(path)
    for number, row in enumerate(rows):
        where = f"{path}, row {number}"
        if not isinstance(row, Mapping) or "keypoints" not in row or hand_key(row) is None:
            found = ", ".join(map(str, row)) if isinstance(row, Mapping) else repr(row)
            raise DataError(
                f"{where}: expected keypoints and hand_id, or video_id and frame_index with number or x1, "
                f"y1, x2, y2; found {found}; add what is missing"
            )
        yield row, where


def hand_key(row: Row) -> tuple[str, ...] | None:
    """The columns by which ``row`` tells which hand it is of."""
    return next((key for key in HAND_KEYS if all(row.get(name) is not None for name in key)), None)


def points_of(row: Row, where: str) -> np.ndarray | None:
    """The keypoints (21, 3) of a row, float64, z NaN where there is none; None if any x or y is missing.

    Raises:
        DataError: they are not 21 joints with two or three numbers.
    """
    if row["keypoints"] is None or row.get("valid") is False:
        return None
    points = _array(row["keypoints"], where)
    if points.shape not in ((2 * JOINTS,), (3 * JOINTS,), (JOINTS, 2), (JOINTS, 3)):
        raise DataError(
            f"{where}: expected keypoints of {JOINTS} joints, (x, y) or (x, y, z) each, in the order wrist, "
            f"thumb, index, middle, ring, little, found {points.size} numbers in the form {points.shape}"
        )
    points = points.reshape(JOINTS, -1)
    z = points[:, 2] if points.shape[1] == 3 else _array(row.get("z") or [np.nan] * JOINTS, where)
    if z.shape != (JOINTS,):
        raise DataError(f"{where}: expected {JOINTS} numbers in z, found {z.size}; correct it")
    found = np.column_stack([points[:, :2], z])
    return found if np.isfinite(found[:, :2]).all() else None


def _array(values: Any, where: str) -> np.ndarray:
    try:
        return np.array(values, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: expected numbers, found {values!r:.200}; correct it") from error


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        dataset = pyarrow.dataset.dataset(path, format="parquet")
        for batch in dataset.to_batches(batch_size=ROWS_PER_BATCH, use_threads=False):
            yield from batch.to_pylist()
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} cannot be read as Parquet ({error}); write it again") from error


def _json_rows(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            if next(iter(ijson.basic_parse(file)))[0] != "start_array":
                raise DataError(f"{path}: expected a JSON list with one record per hand; write it so")
            file.seek(0)
            yield from ijson.items(file, "item", use_float=True, buf_size=BUFFER_BYTES)
    except ijson.JSONError as error:
        first_line = str(error).strip().splitlines()[0]
        raise DataError(
            f"{path} is not JSON ({first_line}); a missing number is null there, NaN is none; mend or "
            "write it again"
        ) from error
