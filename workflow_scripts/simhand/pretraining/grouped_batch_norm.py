"""BatchNorm over fixed groups of views, whatever the processes and whatever is computed at once.

The views of a batch, in their order, are normalised in groups of ``bn_group``: eight GPUs with 2,048
views each, one GPU that takes the groups in turn, or a CPU all see the same groups, so that the gradient
is the same. A group is the unit of work. Running statistics move once per step, by the mean over all
groups of their means and unbiased variances.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from simhand.errors import ConfigError
from simhand.pretraining.processes import own_share, process_count, share_of, sum_all_over_processes
from simhand.settings.pretrain import PretrainSettings


def view_groups(views: int, settings: PretrainSettings) -> list[slice]:
    """The groups of a batch of ``views``, in order.

    Without ``bn_group``, and where the batch has no more views than that, the batch is one group. A batch
    cut short at the end of an epoch may end in a smaller group; one of a single view, which has no variance,
    joins the group before. With synchronised BatchNorm, a group is what one process does of the batch.

    Raises:
        ConfigError: with synchronised BatchNorm there are fewer views than processes.
    """
    if settings.batch_norm == "synchronised":
        if views < process_count():
            raise ConfigError(
                f"a last batch of {views} views is too small for {process_count()} processes with "
                "`pretrain.batch_norm: synchronised`; set `pretrain.last_batch: drop`"
            )
        return [share_of(rank, views) for rank in range(process_count())]
    size = min(settings.bn_group or views, views)
    starts = [start for start in range(0, views, size) if start == 0 or views - start > 1]
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], views], strict=True)]


def own_groups(views: int, settings: PretrainSettings) -> list[slice]:
    """The groups that this process does, consecutive ones; none if a last batch has too few groups."""
    groups = view_groups(views, settings)
    return groups[own_share(len(groups))]


def check_groups(views: int, settings: PretrainSettings) -> None:
    """Check that a whole batch of ``views`` falls into equal groups, at least one for each process.

    Raises:
        ConfigError: it does not.
    """
    size = min(settings.bn_group or views, views)
    if views % size:
        raise ConfigError(
            f"`pretrain.bn_group` is {size}, but a batch has {views} views ({settings.batch_size} hands, "
            f"{views // settings.batch_size} views each), which it does not divide; "
            f"change one of the two, e.g. to bn_group {_near_divisor(views, size)}"
        )
    groups = len(view_groups(views, settings))
    if groups < process_count():
        raise ConfigError(
            f"{process_count()} processes train together, but a batch of {views} views is only {groups} x "
            f"`pretrain.bn_group` {size}; set bn_group to {views // process_count()} or less"
        )


def with_batch_norm(encoder: nn.Module, settings: PretrainSettings, device: torch.device) -> nn.Module:
    """``encoder`` with the BatchNorm layers that ``batch_norm`` asks for.

    Raises:
        ConfigError: synchronised layers on a CPU.
    """
    if settings.batch_norm == "grouped":
        return encoder
    if device.type != "cuda":
        raise ConfigError(
            "`pretrain.batch_norm: synchronised` needs GPUs: torch's SyncBatchNorm does not run on a CPU; "
            "use grouped, whose groups may lie in any number of processes"
        )
    synchronised: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(encoder)
    return synchronised


@contextmanager
def one_update(encoder: nn.Module, groups: int) -> Iterator[Callable[[], None]]:
    """Within it the running statistics of ``encoder`` are those of the group that it saw last.

    Call what is yielded after each group that counts. At the end the running statistics are what they were,
    moved once by the mean over all ``groups`` of all processes; after an error, what they were.
    """
    layers = [
        layer
        for layer in encoder.modules()
        if isinstance(layer, _BatchNorm) and layer.training and layer.track_running_stats
    ]
    current = [tensor for layer in layers for tensor in _statistics(layer)]
    before = [tensor.clone() for tensor in current]
    sums = [torch.zeros_like(tensor) for tensor in current]
    counters = [_counter(layer) for layer in layers]
    counts = [counter.clone() for counter in counters]
    momenta = [layer.momentum for layer in layers]
    # Without a momentum, running statistics are the mean over all steps.
    moved_by = [
        1 / (int(count) + 1) if momentum is None else momentum
        for count, momentum in zip(counts, momenta, strict=True)
        for _ in range(2)
    ]
    after, steps = before, 0

    def collect() -> None:
        if sums:
            torch._foreach_add_(sums, current)

    try:
        # With a momentum of 1 a layer's running statistics are the group's: nothing is computed twice.
        for layer in layers:
            layer.momentum = 1.0
        yield collect
        sum_all_over_processes(sums)
        means = torch._foreach_div(sums, groups) if sums else []
        after = [old.lerp(mean, by) for old, mean, by in zip(before, means, moved_by, strict=True)]
        steps = 1
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for counter, count in zip(counters, counts, strict=True):
            counter.copy_(count + steps)
        for tensor, value in zip(current, after, strict=True):
            tensor.copy_(value)


def _statistics(layer: _BatchNorm) -> tuple[Tensor, Tensor]:
    assert layer.running_mean is not None and layer.running_var is not None
    return layer.running_mean, layer.running_var


def _counter(layer: _BatchNorm) -> Tensor:
    assert layer.num_batches_tracked is not None
    return layer.num_batches_tracked


def _near_divisor(views: int, size: int) -> int:
    """The largest divisor of ``views`` of at least 2 that is not above ``size``, else ``views``."""
    return next((divisor for divisor in range(size, 1, -1) if views % divisor == 0), views)
