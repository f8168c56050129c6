"""The Parquet tables between the stages: their columns, their version, and checked reading and writing.

Every table carries ``simhand_table`` and ``simhand_version`` in its schema metadata. docs/files.md
explains each column; a test holds that page and these schemas together.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from simhand.errors import DataError
from simhand.files.atomic import atomic_path

VERSION = "1"
JOINTS = 21


def _floats(count: int, kind: pa.DataType) -> pa.DataType:
    return pa.list_(kind, count)


VIDEO = [("video_id", pa.string()), ("source", pa.string())]
PROBE = [
    ("duration_s", pa.float64()),
    ("fps", pa.float64()),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("start_time_s", pa.float64()),
    ("codec", pa.string()),
    ("bytes", pa.int64()),
]
STATUS = [
    ("video_id", pa.string()),
    ("ok", pa.bool_()),
    ("frames", pa.int32()),
    ("hands", pa.int32()),
    ("reason", pa.string()),
]

SCHEMAS: dict[str, pa.Schema] = {
    "manifest": pa.schema(
        [*VIDEO, ("path", pa.string()), ("shard", pa.string()), *PROBE, ("status", pa.string())]
    ),
    "groups": pa.schema([("video_id", pa.string()), ("group_id", pa.string())]),
    "near_duplicates": pa.schema(
        [
            ("video_a", pa.string()),
            ("video_b", pa.string()),
            ("matching_seconds", pa.int32()),
            ("share", pa.float64()),
            ("offset_s", pa.int32()),
            ("mirrored", pa.bool_()),
        ]
    ),
    "status": pa.schema(STATUS),
    "frames_status": pa.schema([*STATUS, *PROBE]),
    "frames": pa.schema(
        [
            ("video_id", pa.string()),
            ("frame_index", pa.int64()),
            ("timestamp_s", pa.float64()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("jpeg", pa.binary()),
        ]
    ),
    "hashes": pa.schema(
        [
            ("video_id", pa.string()),
            ("frame_index", pa.int64()),
            ("timestamp_s", pa.float64()),
            ("hash", pa.int64()),
        ]
    ),
    "detections": pa.schema(
        [
            ("video_id", pa.string()),
            ("frame_index", pa.int64()),
            ("timestamp_s", pa.float64()),
            ("kind", pa.string()),
            ("x1", pa.float32()),
            ("y1", pa.float32()),
            ("x2", pa.float32()),
            ("y2", pa.float32()),
            ("score", pa.float32()),
            ("side", pa.string()),
            ("contact_state", pa.int8()),
            ("offset_x", pa.float32()),
            ("offset_y", pa.float32()),
            ("offset_magnitude", pa.float32()),
        ]
    ),
    "annotations": pa.schema(
        [
            ("hand_id", pa.int64()),
            ("source", pa.string()),
            ("file_name", pa.string()),
            ("video_id", pa.string()),
            ("frame_index", pa.int64()),
            ("timestamp_s", pa.float64()),
            ("side", pa.string()),
            ("x1", pa.float32()),
            ("y1", pa.float32()),
            ("x2", pa.float32()),
            ("y2", pa.float32()),
            ("keypoints", _floats(2 * JOINTS, pa.float32())),
            ("z", _floats(JOINTS, pa.float32())),
            ("positives", pa.list_(pa.int64())),
            ("ranks", pa.list_(pa.int32())),
            ("distances", pa.list_(pa.float64())),
        ]
    ),
    "crops": pa.schema(
        [
            ("hand_id", pa.int64()),
            ("video_id", pa.string()),
            ("frame_index", pa.int64()),
            ("timestamp_s", pa.float64()),
            ("side", pa.string()),
            ("x1", pa.float32()),
            ("y1", pa.float32()),
            ("x2", pa.float32()),
            ("y2", pa.float32()),
            ("score", pa.float32()),
            ("window", _floats(4, pa.float32())),
            ("landmarks", _floats(3 * JOINTS, pa.float32())),
            ("jpeg", pa.binary()),
        ]
    ),
    "keypoints": pa.schema(
        [
            ("hand_id", pa.int64()),
            ("video_id", pa.string()),
            ("timestamp_s", pa.float64()),
            ("side", pa.string()),
            ("score", pa.float32()),
            ("keypoints", _floats(2 * JOINTS, pa.float32())),
            ("z", _floats(JOINTS, pa.float32())),
            ("valid", pa.bool_()),
        ]
    ),
    "set": pa.schema(
        [
            ("hand_id", pa.int64()),
            ("video_id", pa.string()),
            ("group_id", pa.string()),
            ("source", pa.string()),
            ("side", pa.string()),
            ("crop_file", pa.string()),
            ("crop_row", pa.int64()),
        ]
    ),
    "pairs": pa.schema(
        [
            ("hand_id", pa.int64()),
            ("rank", pa.int32()),
            ("positive_hand_id", pa.int64()),
            ("distance", pa.float64()),
        ]
    ),
    "matches": pa.schema(
        [
            ("photo", pa.string()),
            ("query_hand", pa.int32()),
            ("query_side", pa.string()),
            ("query_score", pa.float32()),
            ("query_x1", pa.float32()),
            ("query_y1", pa.float32()),
            ("query_x2", pa.float32()),
            ("query_y2", pa.float32()),
            ("set", pa.string()),
            ("rank", pa.int32()),
            ("distance", pa.float64()),
            ("hand_id", pa.int64()),
            ("group_id", pa.string()),
            ("video_id", pa.string()),
            ("source", pa.string()),
            ("side", pa.string()),
            ("crop_file", pa.string()),
            ("crop_row", pa.int64()),
            ("timestamp_s", pa.float64()),
        ]
    ),
    "predictions": pa.schema(
        [
            ("id", pa.string()),
            ("image", pa.string()),
            ("side", pa.string()),
            ("sequence", pa.string()),
            ("frame", pa.int64()),
            ("occluded_share", pa.float64()),
            ("prediction", _floats(3 * JOINTS, pa.float64())),
            ("ground_truth", _floats(3 * JOINTS, pa.float64())),
            ("visible", pa.list_(pa.bool_(), JOINTS)),
            ("prediction_2d", _floats(2 * JOINTS, pa.float64())),
            ("intrinsics", _floats(9, pa.float64())),
            ("root_source", pa.string()),
            ("scale_source", pa.string()),
        ]
    ),
    "predicted_hands": pa.schema(
        [
            ("picture", pa.string()),
            ("frame", pa.int64()),
            ("time_s", pa.float64()),
            ("hand", pa.int32()),
            ("side", pa.string()),
            ("score", pa.float64()),
            *((name, pa.float64()) for name in ("x1", "y1", "x2", "y2")),
            ("prediction_2d", _floats(2 * JOINTS, pa.float64())),
            ("joints_3d_m", _floats(3 * JOINTS, pa.float64())),
            ("root_m", _floats(3, pa.float64())),
            ("root_source", pa.string()),
            ("scale_source", pa.string()),
        ]
    ),
    "metrics": pa.schema(
        [
            ("experiment", pa.string()),
            ("method", pa.string()),
            ("set", pa.string()),
            ("weighting", pa.string()),
            ("top_k", pa.int32()),
            ("init", pa.string()),
            ("dataset", pa.string()),
            ("label_fraction", pa.float64()),
            ("seed", pa.int64()),
            ("protocol", pa.string()),
            ("metric", pa.string()),
            ("value", pa.float64()),
            ("unit", pa.string()),
            ("samples", pa.int64()),
            ("failures", pa.int64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("resampled", pa.string()),
        ]
    ),
    "errors": pa.schema(
        [
            ("protocol", pa.string()),
            ("kind", pa.string()),
            ("key", pa.string()),
            ("value", pa.float64()),
            ("unit", pa.string()),
            ("samples", pa.int64()),
        ]
    ),
    "sample_errors": pa.schema(
        [
            ("id", pa.string()),
            ("protocol", pa.string()),
            ("error_mm", pa.float64()),
            ("failed", pa.bool_()),
            ("mirrored", pa.bool_()),
        ]
    ),
    "truth": pa.schema(
        [
            ("video_id", pa.string()),
            ("recording", pa.string()),
            ("person", pa.string()),
            ("frame_index", pa.int64()),
            ("timestamp_s", pa.float64()),
            ("side", pa.string()),
            ("pose_class", pa.string()),
            ("joints_3d_m", _floats(3 * JOINTS, pa.float32())),
            ("joints_2d_px", _floats(2 * JOINTS, pa.float32())),
            ("in_view", pa.bool_()),
        ]
    ),
}


def stamped_schema(name: str) -> pa.Schema:
    """The schema of table ``name`` with its name and version in the metadata."""
    return SCHEMAS[name].with_metadata({"simhand_table": name, "simhand_version": VERSION})


def make_table(name: str, rows: Iterable[dict[str, Any]] | dict[str, Any]) -> pa.Table:
    """Build table ``name`` from a list of row dicts or a dict of columns; types are checked."""
    schema = stamped_schema(name)
    if isinstance(rows, dict):
        return pa.Table.from_pydict(rows, schema=schema)
    return pa.Table.from_pylist(list(rows), schema=schema)


def write_table(
    path: Path | str, name: str, rows: pa.Table | Iterable[dict[str, Any]] | dict[str, Any]
) -> None:
    """Write ``rows`` (a table, row dicts, or a dict of columns) as Parquet table ``name``, atomically.

    Raises:
        ValueError: a list column of fixed size holds null, which pyarrow could write but not read back
            (apache/arrow#35692); what is missing there is a list of NaN.
    """
    table = rows.cast(stamped_schema(name)) if isinstance(rows, pa.Table) else make_table(name, rows)
    for field in table.schema:
        if pa.types.is_fixed_size_list(field.type) and table[field.name].null_count:
            raise ValueError(
                f"null in column {field.name} of table {name}: write a list of NaN for what is missing"
            )
    with atomic_path(path) as partial:
        pq.write_table(table, partial, compression="zstd")


def read_table(path: Path | str, name: str, columns: list[str] | None = None) -> pa.Table:
    """Read Parquet table ``name``.

    Raises:
        DataError: the file is missing, is not Parquet, or is another table or version.
    """
    try:
        schema = pq.read_schema(path)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; run the stage that writes the {name} table first") from error
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{path} is not a readable Parquet file ({error}); delete it and run its stage again"
        ) from error
    check_stamp(path, schema, name)
    return pq.read_table(path, columns=columns)


def check_stamp(path: Path | str, schema: pa.Schema, name: str) -> None:
    """Raise :class:`DataError` unless ``schema`` is stamped as table ``name`` of this version."""
    metadata = schema.metadata or {}
    found = metadata.get(b"simhand_table", b"?").decode(), metadata.get(b"simhand_version", b"?").decode()
    if found != (name, VERSION):
        raise DataError(
            f"{path} holds table '{found[0]}' version {found[1]}, expected '{name}' version {VERSION}; "
            "delete it and run its stage again"
        )
