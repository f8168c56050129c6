"""The crops of a set as images in memory."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.mining.sets import hand_ids_of

UInt8Array = npt.NDArray[np.uint8]
Int64Array = npt.NDArray[np.int64]


class Crops:
    """The crops of a set as uint8 images, decoded once if they fit in memory, else whenever asked for.

    Args:
        run_dir: folder of the run.
        hands: the set.
        side_px: crops larger than this are shrunk to it by area.
        enlarge: whether smaller ones are enlarged to it; else all get the first crop's size.
        memory_mb: the images are kept if they need no more than this.
        threads: for decoding.

    Raises:
        DataError: a file is missing, not the one that the set was sampled from, or holds a broken image.
    """

    def __init__(
        self, run_dir: Path, hands: pa.Table, side_px: int, enlarge: bool, memory_mb: int, threads: int
    ) -> None:
        encoded = hands["crop_file"].combine_chunks().dictionary_encode()
        self._files = [Path(run_dir, name) for name in encoded.dictionary.to_pylist()]
        self._readers = [PackedReader(path, "crops") for path in self._files]
        self._file = encoded.indices.to_numpy()
        self._row = hands["crop_row"].to_numpy()
        self._check_hands(hand_ids_of(hands))
        self._pool = ThreadPoolExecutor(max(1, threads))
        self.side_px = side_px if enlarge else min(side_px, len(self._decode_whole(0)))
        self._memory: UInt8Array | None = None
        if len(hands) * self.side_px**2 * 3 <= memory_mb * 2**20:
            self._memory = self._decode_all(range(len(hands)))

    def __len__(self) -> int:
        return len(self._row)

    def take(self, rows: Int64Array) -> UInt8Array:
        """The crops (M, side_px, side_px, 3), RGB, of ``rows``."""
        return self._memory[rows] if self._memory is not None else self._decode_all(rows.tolist())

    def _decode_all(self, rows: Sequence[int]) -> UInt8Array:
        images = np.empty((len(rows), self.side_px, self.side_px, 3), np.uint8)
        for place, image in enumerate(self._pool.map(self._decode, rows)):
            images[place] = image
        return images

    def _decode(self, row: int) -> UInt8Array:
        image = self._decode_whole(row)
        if image.shape[:2] == (self.side_px, self.side_px):
            return image
        shrinks = image.shape[0] > self.side_px
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return cv2.resize(image, (self.side_px, self.side_px), interpolation=interpolation).astype(np.uint8)

    def _decode_whole(self, row: int) -> UInt8Array:
        encoded = np.frombuffer(self._readers[self._file[row]].image(int(self._row[row])), np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if len(encoded) else None
        if image is None:
            raise DataError(
                f"{self._files[self._file[row]]}, row {self._row[row]}: the crop is not a readable image; "
                "delete the file and run the crops stage again"
            )
        return np.ascontiguousarray(image[:, :, ::-1])

    def _check_hands(self, hand_ids: Int64Array) -> None:
        for number, (path, reader) in enumerate(zip(self._files, self._readers, strict=True)):
            members = self._file == number
            stored = hand_ids_of(reader.table(["hand_id"]))
            rows = self._row[members]
            if rows.max() >= len(stored) or not np.array_equal(stored[rows], hand_ids[members]):
                raise DataError(f"{path} is not the file that the set was sampled from; run sample_set again")
