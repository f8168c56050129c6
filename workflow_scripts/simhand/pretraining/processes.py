"""The processes that train together: which share of the work each has, and sums over all of them.

Without a process group (see process_group.py) there is one process, and all of this is trivial. No
gradient flows through any of it. A reduction gives every process the same bits.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.distributed as dist
from torch import Tensor

BUCKET_BYTES = 32 * 2**20
"""Small tensors are summed together, in messages of about this size."""


def process_count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def process_rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def own_share(total: int) -> slice:
    """The part of ``total`` things in a row that this process does; parts differ by at most one."""
    return share_of(process_rank(), total)


def share_of(rank: int, total: int) -> slice:
    """The part of ``total`` things in a row that process ``rank`` does."""
    count = process_count()
    return slice(total * rank // count, total * (rank + 1) // count)


def sum_over_processes(tensor: Tensor) -> Tensor:
    """``tensor`` summed in place over all processes."""
    if dist.is_initialized():
        dist.all_reduce(tensor)
    return tensor


def maximum_over_processes(tensor: Tensor) -> Tensor:
    """The largest of all processes, entry by entry and in place."""
    if dist.is_initialized():
        dist.all_reduce(tensor, dist.ReduceOp.MAX)
    return tensor


def any_process(condition: bool, device: torch.device) -> bool:
    """Whether ``condition`` holds in any process; all must ask, and all get the same answer."""
    return bool(maximum_over_processes(torch.tensor(int(condition), device=device)).item())


def sum_all_over_processes(tensors: Sequence[Tensor]) -> None:
    """Each of ``tensors``, of one type and device, summed in place over all processes."""
    if process_count() == 1:
        return
    for bucket in _buckets(tensors):
        summed = sum_over_processes(torch.cat([tensor.reshape(-1) for tensor in bucket]))
        for tensor, part in zip(bucket, summed.split([t.numel() for t in bucket]), strict=True):
            tensor.copy_(part.view(tensor.shape))


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    for tensor in tensors:
        bucket.append(tensor)
        if sum(each.nbytes for each in bucket) >= BUCKET_BYTES:
            yield bucket
            bucket = []
    if bucket:
        yield bucket
