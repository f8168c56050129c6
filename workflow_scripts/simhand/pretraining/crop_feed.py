"""Crops of one group of views after the other, each fetched while the one before is in use."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from simhand.pretraining.crops import Crops, Int64Array


class CropFeed(Iterator[Tensor]):
    """The crops (M, S, S, 3) uint8 of some groups of views, in turn; the first is asked for at once.

    No more than two groups are in memory: the one that is used, and the one after it. Where a GPU will
    take them they lie in pinned memory, so that the copy does not hold up what is computed.

    Args:
        fetcher: a pool of one thread.
        crops: of the set.
        groups: rows of the set for each group.
        pinned: whether to pin.

    Attributes:
        waited_s: how long the crops were waited for, so far.
    """

    def __init__(
        self, fetcher: ThreadPoolExecutor, crops: Crops, groups: Sequence[Int64Array], pinned: bool
    ) -> None:
        self._fetcher = fetcher
        self._crops = crops
        self._groups = iter(groups)
        self._pinned = pinned
        self.waited_s = 0.0
        self._coming = self._ask()

    def __next__(self) -> Tensor:
        if self._coming is None:
            raise StopIteration
        asked = time.perf_counter()
        crops = self._coming.result()
        self.waited_s += time.perf_counter() - asked
        self._coming = self._ask()
        return crops

    def _ask(self) -> Future[Tensor] | None:
        rows = next(self._groups, None)
        return None if rows is None else self._fetcher.submit(self._fetch, rows)

    def _fetch(self, rows: Int64Array) -> Tensor:
        crops = torch.from_numpy(self._crops.take(rows))
        return crops.pin_memory() if self._pinned else crops
