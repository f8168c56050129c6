"""Joining the processes that torchrun or srun started together, and what happens when one of them is lost."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

from simhand.errors import ConfigError, SimhandError
from simhand.launched import launched_count, launched_local_rank, launched_rank, sharing_this_job

LOST_PROCESS = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "remote process exited",
)
"""What gloo and NCCL say when another process has ended."""


@contextmanager
def joined_processes(device: torch.device) -> Iterator[None]:
    """Within it, the processes that were started together are one process group: NCCL on GPUs, else gloo.

    A process started alone forms none. Each process takes the GPU of its number on the node.

    Raises:
        ConfigError: a variable is missing, or the node has fewer GPUs than processes.
        SimhandError: another process ended while this one waited for it.
    """
    if launched_count() == 1:
        yield
        return
    if missing := [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in os.environ]:
        raise ConfigError(
            f"WORLD_SIZE is {launched_count()}, but {' and '.join(missing)} is not set, which says where "
            "process 0 listens (README, 'Several GPUs, large batches')"
        )
    if device.type == "cuda":
        torch.cuda.set_device(_own_gpu())
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo", rank=launched_rank(), world_size=launched_count()
    )
    try:
        yield
    except RuntimeError as error:
        if not any(said in str(error) for said in LOST_PROCESS):
            raise
        raise SimhandError(
            f"process {launched_rank()} stops: another process of this training has ended, and said why"
        ) from error
    finally:
        dist.destroy_process_group()


def _own_gpu() -> int:
    """The GPU of this process. Where each sees only its own (srun --gpus-per-task), that is number 0."""
    gpus, together = torch.cuda.device_count(), sharing_this_job()
    if together > gpus:
        raise ConfigError(
            f"pretrain.processes is {together}, but this node has {gpus} GPUs: at most one process per GPU"
        )
    return launched_local_rank() % gpus
