"""Which samples make up which batch, in training and in evaluation: a pure function of seed and epoch."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

Key = tuple[int, int]
"""Epoch and row of a sample."""

EVALUATION_EPOCH = -1
"""The epoch of samples that are cut out as they are."""


class EpochBatches(Sampler[list[Key]]):
    """The keys of all training epochs in batches, shuffled by (seed, epoch), without a partial last batch.

    Args:
        rows: what to train on.
        batch_size: rows in a batch.
        epochs: how many.
        seed: of the order.
        first_step: how many batches to leave out, as they were trained on before.
    """

    def __init__(
        self, rows: NDArray[np.int64], batch_size: int, epochs: int, seed: int, first_step: int = 0
    ) -> None:
        self._rows, self._batch_size, self._seed = rows, batch_size, seed
        self.first_step = first_step
        self.steps_per_epoch = len(rows) // batch_size
        self.total_steps = epochs * self.steps_per_epoch

    def __len__(self) -> int:
        return self.total_steps - self.first_step

    def __iter__(self) -> Iterator[list[Key]]:
        of_epoch, order = -1, self._rows
        for step in range(self.first_step, self.total_steps):
            epoch, place = divmod(step, self.steps_per_epoch)
            if epoch != of_epoch:
                of_epoch, order = epoch, shuffled(self._rows, self._seed, epoch)
            chosen = order[place * self._batch_size : (place + 1) * self._batch_size]
            yield [(epoch, int(row)) for row in chosen]


def shuffled(rows: NDArray[np.int64], *seeds: int) -> NDArray[np.int64]:
    """``rows`` in an order that is a function of ``seeds``."""
    return rows[np.random.default_rng(seeds).permutation(len(rows))]


def evaluation_batches(rows: NDArray[np.int64], batch_size: int) -> list[list[Key]]:
    """The keys of ``rows`` in order, every one of them, without augmentation."""
    return [
        [(EVALUATION_EPOCH, int(row)) for row in rows[start : start + batch_size]]
        for start in range(0, len(rows), batch_size)
    ]
