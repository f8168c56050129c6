"""The smallest of many (key, row) without sorting them."""

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(nogil=True)
def select_smallest(keys: npt.NDArray[np.float64], rows: npt.NDArray[np.int32], count: int) -> None:
    """Reorder ``keys`` and ``rows`` (n,) so that the ``count`` smallest by (key, row) come first.

    The largest of those stands at ``count - 1``. Hoare's quickselect with the median of three; the rows
    are distinct, so what ends up where does not depend on the order given.
    """
    first, last, wanted = 0, len(keys) - 1, count - 1
    while first < last:
        middle = _median(keys, rows, first, (first + last) // 2, last)
        key, row = keys[middle], rows[middle]
        left, right = first, last
        while left <= right:
            while keys[left] < key or (keys[left] == key and rows[left] < row):
                left += 1
            while keys[right] > key or (keys[right] == key and rows[right] > row):
                right -= 1
            if left <= right:
                keys[left], keys[right] = keys[right], keys[left]
                rows[left], rows[right] = rows[right], rows[left]
                left += 1
                right -= 1
        if wanted <= right:
            last = right
        elif wanted >= left:
            first = left
        else:
            return


@njit(nogil=True)
def _median(keys: npt.NDArray[np.float64], rows: npt.NDArray[np.int32], a: int, b: int, c: int) -> int:
    """That of the places ``a``, ``b``, ``c`` which holds the middle one of three entries."""
    if _before(keys, rows, b, a):
        a, b = b, a
    if _before(keys, rows, c, b):
        return a if _before(keys, rows, c, a) else c
    return b


@njit(nogil=True)
def _before(keys: npt.NDArray[np.float64], rows: npt.NDArray[np.int32], a: int, b: int) -> bool:
    return keys[a] < keys[b] or (keys[a] == keys[b] and rows[a] < rows[b])
