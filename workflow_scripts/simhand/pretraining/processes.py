"""The processes that train together: which share of the work each has, and sums over all of them.

Without a process group (torchrun starts one, see README) there is one process, and all of this is trivial.
"""

import torch.distributed as dist
from torch import Tensor


def process_count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def process_rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def own_share(total: int) -> slice:
    """The part of ``total`` things in a row that this process does; parts differ by at most one."""
    rank, count = process_rank(), process_count()
    return slice(total * rank // count, total * (rank + 1) // count)


def sum_over_processes(tensor: Tensor) -> Tensor:
    """``tensor`` summed in place over all processes; no gradient flows through this."""
    if dist.is_initialized():
        dist.all_reduce(tensor)
    return tensor
