"""The images of a data set, kept in memory where all of them fit, else decoded when they are asked for."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from simhand.datasets.samples import HandSamples
from simhand.errors import DataError
from simhand.text import listed

log = logging.getLogger("simhand")

CHANNELS = 3


class UnreadableImageError(DataError):
    """An image file is missing or not a whole JPEG."""


class Images(Protocol):
    """Images (H, W, 3) uint8 by row, and the rows known to be unreadable."""

    unreadable: list[int]

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        """The image of a row."""

    def raise_unreadable(self) -> None:
        """Raise if any is known to be unreadable."""


class ImageStore:
    """RGB images (H, W, 3) uint8 by row of ``samples``, left hands mirrored to right ones.

    Where all images fit into memory, every file is decoded when the store is made, so broken ones are known
    before training starts. A larger set is decoded at each use.

    Args:
        samples: whose images to hold.
        cache_mb: keep the decoded images if all of them fit into this.
        negative: give photographic negatives, (256 - x) mod 256.
        threads: threads that decode.
    """

    def __init__(self, samples: HandSamples, cache_mb: int, negative: bool, threads: int) -> None:
        self._paths = [samples.root / name for name in samples.images]
        self._mirror_width = samples.mirror_width_px
        self._negative = negative
        self._cache: list[NDArray[np.uint8]] = []
        self.unreadable: list[int] = []
        if self._fits(cache_mb * 1_000_000):
            with ThreadPoolExecutor(threads) as pool:
                images = list(pool.map(self._try_decode, range(len(self._paths))))
            self.unreadable = [row for row, image in enumerate(images) if image is None]
            self._cache = [_NOTHING if image is None else image for image in images]

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        """The image of a row.

        Raises:
            UnreadableImageError: its file is not a whole JPEG.
            DataError: it is the image of a left hand and not as wide as the labels say.
        """
        image = self._cache[row] if self._cache else self._try_decode(row)
        if image is None or not image.size:
            raise unreadable_error([self._paths[row]])
        return image

    def __len__(self) -> int:
        return len(self._paths)

    def raise_unreadable(self) -> None:
        """Raise :class:`UnreadableImageError` naming the files known not to be whole, if there are any."""
        if self.unreadable:
            raise unreadable_error([self._paths[row] for row in self.unreadable])

    def _fits(self, room: int) -> bool:
        """Whether all images fit into ``room`` bytes, if they are as large as the first readable one."""
        for path in self._paths:
            try:
                with Image.open(path) as picture:
                    width, height = picture.size
            except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
                continue
            needed = len(self._paths) * width * height * CHANNELS
            if needed > room:
                log.info(
                    "%d images of %d MB in all are decoded as they are used",
                    len(self._paths),
                    needed // 10**6,
                )
            return needed <= room
        return True

    def _try_decode(self, row: int) -> NDArray[np.uint8] | None:
        try:
            with Image.open(self._paths[row]) as picture:
                image = np.asarray(picture.convert("RGB"))
        except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
            return None
        expected = int(self._mirror_width[row])
        if expected:
            if image.shape[1] != expected:
                raise DataError(
                    f"{self._paths[row]} is {image.shape[1]} pixels wide and its labels are for {expected}; "
                    "images must be those of the release, not resized: copy them again"
                )
            image = np.ascontiguousarray(image[:, ::-1])
        return np.negative(image) if self._negative else image


_NOTHING = np.zeros((0, 0, CHANNELS), dtype=np.uint8)


def unreadable_error(paths: list[Path]) -> UnreadableImageError:
    """The error that names images which are not whole JPEG files."""
    return UnreadableImageError(
        f"{len(paths)} image(s) cannot be decoded: {listed(map(str, paths))}. "
        "Expected whole JPEG files; copy or download them again"
    )
