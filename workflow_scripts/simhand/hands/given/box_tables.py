"""Boxes in Parquet or CSV: the columns of table ``detections``, or some of them."""

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset

from simhand.errors import DataError
from simhand.hands.given.box_rows import BOX_ROWS, CORNERS, BoxFile, check_kind, side_of

TEXTS = ("video_id", "kind", "side")


def read_table_boxes(path: Path, shard_videos: Collection[str]) -> BoxFile:
    """The boxes of ``shard_videos`` in a Parquet or CSV file.

    Other rows are not kept in memory, and of a Parquet file sorted by ``video_id`` they are hardly read.

    Raises:
        DataError: it cannot be read, lacks a column, or a value is none that its column may have.
    """
    try:
        dataset = _dataset(path)
        _check_columns(path, dataset.schema.names)
        video_id = pc.field("video_id")
        if not pa.types.is_string(dataset.schema.field("video_id").type):
            video_id = video_id.cast(pa.string())
        names = [name for name in BOX_ROWS.names if name in dataset.schema.names]
        wanted = video_id.isin(sorted(shard_videos))
        table = dataset.to_table(columns=names, filter=wanted, use_threads=False)
        elsewhere: Counter[str] = Counter()
        others = ~wanted | video_id.is_null()
        for batch in dataset.to_batches(columns={"video_id": video_id}, filter=others, use_threads=False):
            for entry in pc.value_counts(batch["video_id"]).to_pylist():
                elsewhere[entry["values"] or ""] += entry["counts"]
        return BoxFile(path, _as_box_rows(table, path), elsewhere)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        kind = "Parquet" if path.suffix == ".parquet" else "CSV"
        raise DataError(f"{path} cannot be read as a {kind} table of boxes ({error}); mend it") from error


def _dataset(path: Path) -> pyarrow.dataset.Dataset:
    if path.suffix == ".parquet":
        return pyarrow.dataset.dataset(path, format="parquet")
    types = {name: pa.string() if name in TEXTS else pa.float64() for name in BOX_ROWS.names}
    # a video named 0012 must not become the number 12
    convert = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    return pyarrow.dataset.dataset(path, format=pyarrow.dataset.CsvFileFormat(convert_options=convert))


def _check_columns(path: Path, names: Collection[str]) -> None:
    missing = {"video_id", *CORNERS, "side"} - set(names)
    if not set(names) & {"frame_index", "timestamp_s"}:
        missing.add("frame_index or timestamp_s")
    if missing:
        why = " (left or right, the person's own: a left hand is mirrored)" if "side" in missing else ""
        raise DataError(
            f"{path}: no column {', '.join(sorted(missing))}{why}; found {', '.join(names)}; add it"
        )


def _as_box_rows(table: pa.Table, path: Path) -> pa.Table:
    columns: dict[str, Any] = {name: table[name] for name in table.column_names}
    for name in set(columns) - set(TEXTS):
        if pa.types.is_floating(columns[name].type) and not pa.types.is_floating(BOX_ROWS.field(name).type):
            columns[name] = pc.if_else(pc.is_nan(columns[name]), None, columns[name])
    kinds = columns.get("kind", pa.nulls(len(table), pa.string()))
    columns["kind"] = _mapped(kinds, lambda value: check_kind(value, f"{path}, column kind")).fill_null(
        "hand"
    )
    columns["side"] = _mapped(columns["side"], lambda value: side_of(value, f"{path}, column side"))
    columns["in_fractions"] = pa.array([False] * len(table))
    absent = {name: pa.nulls(len(table), BOX_ROWS.field(name).type) for name in BOX_ROWS.names}
    return pa.table({**absent, **columns}).select(BOX_ROWS.names).cast(BOX_ROWS)


def _mapped(column: pa.ChunkedArray | pa.Array, change: Any) -> pa.ChunkedArray | pa.Array:
    """``change`` applied to each distinct value of a column; nulls stay."""
    values = pc.unique(column)
    changed = pa.array(
        [None if value is None else change(value) for value in values.to_pylist()], pa.string()
    )
    return pc.take(changed, pc.index_in(column, value_set=values))
