"""Batches on their device, each loaded while the one before is in use."""

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from simhand.finetuning.batches import Batch
from simhand.finetuning.epoch_batches import EpochBatches, Key
from simhand.finetuning.hand_dataset import Sample
from simhand.training_runs.stop_requests import SIGNALS


class SampleSource(Protocol):
    """Whatever gives samples by their keys."""

    def __getitem__(self, key: Key) -> Sample:
        """One sample."""


def load_batches(
    source: SampleSource, keys: EpochBatches | Sequence[list[Key]], device: torch.device, workers: int
) -> Iterator[Batch]:
    """The batches of ``keys`` on ``device``.

    Args:
        source: of the samples.
        keys: of each batch.
        device: where to.
        workers: processes that load, as a GPU needs; 0 is one thread of this process, a batch ahead.
    """
    if workers == 0:
        for batch in _one_ahead(source, keys):
            yield _on_device(batch, device)
        return
    loader: DataLoader[dict[str, Tensor]] = DataLoader(
        source,  # type: ignore[arg-type]
        batch_sampler=keys,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        worker_init_fn=_leave_signals_alone,
    )
    for batch in loader:
        yield _on_device(batch, device)


def _one_ahead(source: SampleSource, keys: EpochBatches | Sequence[list[Key]]) -> Iterator[dict[str, Tensor]]:
    def load(wanted: list[Key]) -> dict[str, Tensor]:
        batch: dict[str, Tensor] = default_collate([source[key] for key in wanted])
        return batch

    with ThreadPoolExecutor(1) as thread:
        coming = None
        for wanted in keys:
            ready, coming = coming, thread.submit(load, wanted)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()


def _on_device(batch: dict[str, Tensor], device: torch.device) -> Batch:
    return cast(Batch, {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()})


def _leave_signals_alone(worker: int) -> None:
    """A job's signals reach its workers too; the trainer decides when they end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
