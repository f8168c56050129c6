"""A pre-training set as a file: reading it, and the keypoints of its hands.

Imports pyarrow and NumPy only, so that pre-training can use it in its own environment.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simhand.errors import DataError
from simhand.files.tables import JOINTS, read_table

Int64Array = npt.NDArray[np.int64]
Float32Array = npt.NDArray[np.float32]


def load_set(path: Path | str, columns: list[str] | None = None) -> pa.Table:
    """The hands of a pre-training set (table ``set``), ascending by hand_id.

    Args:
        path: the set.
        columns: which columns, hand_id among them; all by default.

    Raises:
        DataError: the file is missing, not a set, empty, or holds a hand twice.
    """
    hands = read_table(path, "set", columns)
    if hands.num_rows == 0:
        raise DataError(f"{path} holds no hands; run sample_set again")
    check_unique(hand_ids_of(hands), str(path))
    return hands


def hand_ids_of(table: pa.Table, column: str = "hand_id") -> Int64Array:
    """Column ``column`` of ``table`` as int64 (N,)."""
    return table[column].to_numpy().astype(np.int64, copy=False)


def load_keypoints(run_dir: Path | str, hands: pa.Table) -> Float32Array:
    """The keypoints of ``hands`` (table ``set``) in its order.

    Returns:
        float32 (N, 21, 2): x and y in [0, 1] of the crop as stored (left hands mirrored).

    Raises:
        DataError: a hand of the set is not in its keypoints file, or has no valid keypoints there.
    """
    hand_ids = hand_ids_of(hands)
    keypoints = np.empty((len(hand_ids), JOINTS, 2), np.float32)
    for crop_file, members in _by_crop_file(hands):
        path = keypoints_file(run_dir, crop_file)
        table = read_table(path, "keypoints", ["hand_id", "keypoints", "valid"])
        rows = rows_of(hand_ids[members], hand_ids_of(table), str(path))
        found = table.take(rows)
        if not pc.all(found["valid"], skip_nulls=False).as_py():
            raise DataError(
                f"{path} has no valid keypoints for some hands of the set; it changed after the set was "
                "sampled: run sample_set again"
            )
        values = found["keypoints"].combine_chunks().flatten()
        keypoints[members] = values.to_numpy().reshape(-1, JOINTS, 2)
    _check_finite(keypoints, hand_ids)
    return keypoints


def keypoints_file(run_dir: Path | str, crop_file: str) -> Path:
    """The keypoints file of ``crop_file`` (``crops/<source>/<shard>.arrow``, relative to the run folder)."""
    _, *inside = PurePosixPath(crop_file).parts
    return Path(run_dir, "keypoints", *inside).with_suffix(".parquet")


def rows_of(wanted: Int64Array, stored: Int64Array, where: str) -> Int64Array:
    """The row of each ``wanted`` hand among the ``stored`` hand_ids of file ``where``.

    Raises:
        DataError: a hand is missing there, or stands there twice.
    """
    check_unique(stored, where)
    order = np.argsort(stored, kind="stable")
    position = np.searchsorted(stored, wanted, sorter=order)
    found = np.zeros(len(wanted), bool)
    inside = position < len(stored)
    found[inside] = stored[order[position[inside]]] == wanted[inside]
    if not found.all():
        raise DataError(
            f"{where} lacks {np.count_nonzero(~found)} of {len(wanted)} hands (first: hand_id "
            f"{wanted[~found][0]}); crops, keypoints and sets do not belong together: run them again"
        )
    return order[position]


def check_unique(hand_ids: Int64Array, where: str) -> None:
    """Raise :class:`DataError` if a hand_id stands twice in ``hand_ids`` of ``where``."""
    values, counts = np.unique(hand_ids, return_counts=True)
    twice = values[counts > 1]
    if len(twice):
        raise DataError(
            f"{where}: {len(twice)} hand_id(s) stand for more than one hand (first: {twice[0]}); "
            "a hand must have one id: is a video listed twice, or are files of two runs mixed?"
        )


def _by_crop_file(hands: pa.Table) -> Iterator[tuple[str, Int64Array]]:
    """Each crop file of the set with the rows of the set whose hands lie in it."""
    encoded = hands["crop_file"].combine_chunks().dictionary_encode()
    index = encoded.indices.to_numpy()
    order = np.argsort(index, kind="stable")
    bounds = np.searchsorted(index[order], np.arange(len(encoded.dictionary) + 1))
    for number, crop_file in enumerate(encoded.dictionary.to_pylist()):
        yield crop_file, order[bounds[number] : bounds[number + 1]]


def _check_finite(keypoints: Float32Array, hand_ids: Int64Array) -> None:
    broken = hand_ids[~np.isfinite(keypoints).all(axis=(1, 2))]
    if len(broken):
        raise DataError(
            f"{len(broken)} hands of the set have keypoints that are not finite (first: hand_id "
            f"{broken[0]}); estimate_keypoints must mark such hands as not valid"
        )
