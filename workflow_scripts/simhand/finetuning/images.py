"""The images of a data set: all decoded once at the start, kept in memory where they are small."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from simhand.errors import DataError
from simhand.finetuning.samples import HandSamples

NAMED = 10
"""How many files an error lists by name."""


class ImageStore:
    """RGB images (H, W, 3) uint8 by row of ``samples``.

    Every file is decoded once when the store is made, so broken ones are known before training starts.

    Args:
        samples: whose images to hold.
        cache_mb: keep the decoded images if all of them fit into this, else decode them at each use.
        negative: give photographic negatives, (256 - x) mod 256.
        threads: threads that decode.
    """

    def __init__(self, samples: HandSamples, cache_mb: int, negative: bool, threads: int) -> None:
        self._paths = [samples.root / name for name in samples.images]
        self._negative = negative
        self._cache: list[NDArray[np.uint8] | None] = [None] * len(self._paths)
        self.unreadable: list[int] = []
        room = cache_mb * 1_000_000
        with ThreadPoolExecutor(threads) as pool:
            for row, image in enumerate(pool.map(self._try_decode, self._paths)):
                if image is None:
                    self.unreadable.append(row)
                elif room >= 0:
                    room -= image.nbytes
                    self._cache[row] = image
        if room < 0:
            self._cache = [None] * len(self._paths)

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        image = self._cache[row]
        if image is None:
            image = self._try_decode(self._paths[row])
        if image is None:
            raise unreadable_error([self._paths[row]])
        return image

    def raise_unreadable(self) -> None:
        """Raise :class:`DataError` naming the files that could not be decoded, if there are any."""
        if self.unreadable:
            raise unreadable_error([self._paths[row] for row in self.unreadable])

    def _try_decode(self, path: Path) -> NDArray[np.uint8] | None:
        try:
            with Image.open(path) as picture:
                image = np.asarray(picture.convert("RGB"))
        except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
            return None
        return np.negative(image) if self._negative else image


def unreadable_error(paths: list[Path]) -> DataError:
    """The error that names images which are not whole JPEG files."""
    return DataError(
        f"{len(paths)} image(s) cannot be decoded: {listing([str(path) for path in paths])}. "
        "Expected whole JPEG files; copy or download them again"
    )


def listing(names: list[str], count: int | None = None) -> str:
    """The first names, then how many more of ``count`` (all of ``names`` if not given) there are."""
    more = (count or len(names)) - len(names[:NAMED])
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more else "")
