"""Work spread over processes, one torch thread each, results in order."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(work: Callable[[Item], Result], items: Sequence[Item], threads: int) -> Iterator[Result]:
    """``work`` of each of ``items`` in their order, in up to ``threads`` processes.

    Every process computes with one thread, so that the results do not depend on how many there are.
    Fresh processes rather than forks: a fork of a process that has used torch's threads can hang.
    """
    processes = min(threads, len(items))
    if processes <= 1:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield from map(work, items)
        finally:
            torch.set_num_threads(before)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.map(work, items)
