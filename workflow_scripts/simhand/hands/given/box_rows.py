"""A box as its file tells it, before it is brought to a frame: one form for all kinds of files."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from simhand.errors import DataError

BOX_ROWS = pa.schema(
    [
        ("video_id", pa.string()),
        ("frame_index", pa.int64()),
        ("timestamp_s", pa.float64()),
        ("kind", pa.string()),
        ("x1", pa.float64()),
        ("y1", pa.float64()),
        ("x2", pa.float64()),
        ("y2", pa.float64()),
        ("in_fractions", pa.bool_()),
        ("score", pa.float64()),
        ("side", pa.string()),
        ("contact_state", pa.int64()),
        ("offset_x", pa.float64()),
        ("offset_y", pa.float64()),
        ("offset_magnitude", pa.float64()),
    ]
)
"""As table ``detections``; ``in_fractions``: the box is in fractions of the frame's width and height."""

SIDES = {"left": "left", "l": "left", "0": "left", "right": "right", "r": "right", "1": "right"}
"""What is taken for a side, in lower case; always the person's own."""
KINDS = ("hand", "object")
CORNERS = ("x1", "y1", "x2", "y2")
ROWS_PER_BATCH = 65536


@dataclass
class BoxFile:
    """The boxes that a file holds of some videos.

    Attributes:
        path: the file.
        boxes: table of BOX_ROWS.
        elsewhere: how many boxes it holds of each other video.
    """

    path: Path
    boxes: pa.Table
    elsewhere: Counter[str] = field(default_factory=Counter)


def side_of(value: Any, where: str) -> str | None:
    """The side that ``value`` names; None where it is missing.

    Raises:
        DataError: it names none.
    """
    if value is None:
        return None
    found = SIDES.get(str(value).strip().lower().removesuffix(".0"))
    if found is None:
        raise DataError(
            f"{where}: expected a side left, right, l, r, 0 (left) or 1 (right), the person's own, found "
            f"{value!r}; correct it: a left hand is mirrored"
        )
    return found


def check_kind(value: str, where: str) -> str:
    """``value`` if it names a kind of box.

    Raises:
        DataError: it does not.
    """
    if value not in KINDS:
        raise DataError(f"{where}: expected kind hand or object, found {value!r}; correct it")
    return value


def to_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows to a table, some at a time: as Python objects they need ten times the memory."""
    iterator: Iterator[Mapping[str, Any]] = iter(rows)
    batches = []
    while some := list(islice(iterator, ROWS_PER_BATCH)):
        batches.append(pa.RecordBatch.from_pylist(some, schema=BOX_ROWS))
    return pa.Table.from_batches(batches, schema=BOX_ROWS)
