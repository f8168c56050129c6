"""The crops of a set as images in memory."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import simplejpeg

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.mining.sets import hand_ids_of

UInt8Array = npt.NDArray[np.uint8]
Int64Array = npt.NDArray[np.int64]

PORTIONS_PER_THREAD = 4
"""A thread is given so many portions of a batch: one by one, the passing on costs as much as the decoding."""


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
        self._threads = max(1, threads)
        self._pool = ThreadPoolExecutor(self._threads)
        with self._explained(0):
            stored_px = simplejpeg.decode_jpeg_header(self._encoded(0))[0]
        self.side_px = side_px if enlarge else min(side_px, stored_px)
        self._memory: UInt8Array | None = None
        if len(hands) * self.side_px**2 * 3 <= memory_mb * 2**20:
            self._memory = self._decode_all(range(len(hands)))

    def __len__(self) -> int:
        return len(self._row)

    def take(self, rows: Int64Array) -> UInt8Array:
        """The crops (M, side_px, side_px, 3), RGB, of ``rows``."""
        return self._memory[rows] if self._memory is not None else self._decode_all(rows.tolist())

    def image(self, row: int) -> UInt8Array:
        """The crop (side_px, side_px, 3), RGB, of one row; decoded, if need be, by who asks."""
        if self._memory is not None:
            return self._memory[row]
        image = np.empty((self.side_px, self.side_px, 3), np.uint8)
        self._decode(row, image)
        return image

    def _decode_all(self, rows: Sequence[int]) -> UInt8Array:
        images = np.empty((len(rows), self.side_px, self.side_px, 3), np.uint8)
        portions = np.array_split(np.arange(len(rows)), PORTIONS_PER_THREAD * self._threads)

        def decode(portion: Int64Array) -> None:
            for place in portion.tolist():
                self._decode(rows[place], images[place])

        list(self._pool.map(decode, portions))
        return images

    def _decode(self, row: int, image: UInt8Array) -> None:
        """Fill ``image`` (side_px, side_px, 3) with a crop."""
        encoded = self._encoded(row)
        with self._explained(row):
            if simplejpeg.decode_jpeg_header(encoded)[:2] == image.shape[:2]:
                simplejpeg.decode_jpeg(encoded, "RGB", buffer=image)
                return
            whole = simplejpeg.decode_jpeg(encoded, "RGB")
        interpolation = cv2.INTER_AREA if len(whole) > self.side_px else cv2.INTER_LINEAR
        cv2.resize(whole, (self.side_px, self.side_px), dst=image, interpolation=interpolation)

    def _encoded(self, row: int) -> bytes:
        return self._readers[self._file[row]].image(int(self._row[row]))

    @contextmanager
    def _explained(self, row: int) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise DataError(
                f"{self._files[self._file[row]]}, row {self._row[row]}: the crop is not a readable image "
                f"({error}); delete the file and run the crops stage again"
            ) from error

    def _check_hands(self, hand_ids: Int64Array) -> None:
        for number, (path, reader) in enumerate(zip(self._files, self._readers, strict=True)):
            members = self._file == number
            stored = hand_ids_of(reader.table(["hand_id"]))
            rows = self._row[members]
            if rows.max() >= len(stored) or not np.array_equal(stored[rows], hand_ids[members]):
                raise DataError(f"{path} is not the file that the set was sampled from; run sample_set again")
