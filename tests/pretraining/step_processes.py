"""Steps of a small training in several processes at once; each leaves its gradients in a file."""

import multiprocessing
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import torch
import torch.distributed as dist
from drawn_run import experiment
from torch import nn

from simhand.backbones import make_encoder
from simhand.pretraining import grouped_batch_norm, nt_xent, step
from simhand.pretraining.data import HandSet
from simhand.pretraining.encoders import projection_head
from simhand.pretraining.epochs import batches
from simhand.pretraining.methods.registry import find_method
from simhand.pretraining.optimisers import make_optimiser
from simhand.pretraining.processes import process_rank, sum_over_processes
from simhand.pretraining.training import Training
from simhand.settings.pretrain import PretrainSettings

HANDS = 24
SMALL = PretrainSettings(
    encoder="resnet18",
    head_width=16,
    embedding_size=16,
    image_size_px=32,
    batch_size=12,
    bn_group=6,
    device="cpu",
    sampling="without_replacement",
)


@dataclass(frozen=True)
class Case:
    """A step to take; ``fault`` names one of FAULTS, ``steps_before`` is where in the epoch it is."""

    method: str
    weighting: str = "none"
    settings: dict[str, object] = field(default_factory=dict)
    positives: int = 1
    resnet: bool = False
    dropout: float = 0.2
    steps_before: int = 0
    fault: str = "none"


class Small(nn.Module):
    """An encoder with BatchNorm and dropout, and a projection head, in double precision."""

    def __init__(self, resnet: bool, dropout: float) -> None:
        super().__init__()
        self.encoder, self.features = make_encoder("resnet18") if resnet else (tiny(dropout), 24)
        self.head = projection_head(self.features, SMALL.head_width, SMALL.embedding_size)
        self.double()


def tiny(dropout: float) -> nn.Module:
    layers: list[nn.Module] = []
    for narrow, wide in ((3, 8), (8, 24)):
        layers += [nn.Conv2d(narrow, wide, 5, 4, 2), nn.BatchNorm2d(wide), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def training_of(case: Case) -> Training:
    settings = SMALL.model_copy(update=case.settings)
    torch.manual_seed(0)
    model = Small(case.resnet, case.dropout)
    of = experiment(case.method, weighting=case.weighting)
    method, device = find_method(case.method), torch.device("cpu")
    return Training(of, settings, device, model, make_optimiser(model, settings), method)


def hands_of(case: Case) -> HandSet:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (HANDS, 40, 40, 3), dtype=np.uint8)
    keypoints = rng.uniform(0.3, 0.7, (HANDS, 21, 2)).astype(np.float32)
    positives = (np.arange(HANDS)[:, None] + 1 + np.arange(case.positives)) % HANDS
    crops = SimpleNamespace(take=images.__getitem__)
    return HandSet(crops, keypoints, np.zeros(HANDS, np.int64), np.arange(HANDS), positives)


def take_step(case: Case) -> dict[str, np.ndarray]:
    """Gradients, running statistics and loss of a step, and the parameters after it."""
    training, hands = training_of(case), hands_of(case)
    stream = batches(hands, training.method, training.settings, 0, 0, case.steps_before)
    with FAULTS[case.fault]():
        contrast = step.backpropagate(training, next(stream), 0)
    gradients = {f"gradient {name}": p.grad.numpy() for name, p in training.model.named_parameters()}
    statistics = {f"buffer {name}": buffer.numpy().copy() for name, buffer in training.model.named_buffers()}
    for group in training.optimiser.param_groups:
        group["lr"] = 0.01
    training.optimiser.step()
    after = torch.cat([p.detach().flatten() for p in training.model.parameters()]).numpy()
    return {**gradients, **statistics, "loss": contrast.loss.detach().numpy(), "after": after}


def largest_difference(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> float:
    """Of the gradient, relative to its largest entry, and of statistics and loss, relative to each's own."""
    assert found.keys() == expected.keys()
    whole = max(np.abs(value).max() for name, value in expected.items() if name.startswith("gradient "))
    return max(
        np.abs(found[name] - value).max() / (whole if name.startswith("gradient ") else np.abs(value).max())
        for name, value in expected.items()
        if name != "after"
    )


def _unsummed(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def _loss_only(tensor: torch.Tensor) -> torch.Tensor:
    return tensor if tensor.ndim else sum_over_processes(tensor)


def _averaged(tensors: list[torch.Tensor]) -> None:
    for tensor in tensors:
        sum_over_processes(tensor).div_(dist.get_world_size())


def _twice(tensor: torch.Tensor) -> torch.Tensor:
    return sum_over_processes(tensor).mul_(2 if tensor.ndim else 1)


def _no_update(encoder: nn.Module, groups: int) -> nullcontext[Callable[[], None]]:
    return nullcontext(lambda: None)


FAULTS = {
    "none": nullcontext,
    "features are not gathered": lambda: patch.object(step, "sum_over_processes", _unsummed),
    "gradients of others' anchors are cut off": lambda: patch.object(
        nt_xent, "sum_over_processes", _loss_only
    ),
    "the features' gradient is scaled": lambda: patch.object(nt_xent, "sum_over_processes", _twice),
    "the encoder's gradient is not summed": lambda: patch.object(
        step, "sum_all_over_processes", lambda _: None
    ),
    "the gradient is averaged": lambda: patch.object(step, "sum_all_over_processes", _averaged),
    "the head's gradient is summed": lambda: patch.object(step, "process_rank", lambda: 0),
    "statistics of own groups only": lambda: patch.object(
        grouped_batch_norm, "sum_all_over_processes", lambda _: None
    ),
    "statistics move with every group": lambda: patch.object(step, "one_update", _no_update),
    "dropout by order of work": lambda: patch.object(
        step, "random_bits", lambda *_: np.array([17 + process_rank()], np.uint64)
    ),
}
"""Mistakes that would pass unnoticed in one process; some would only show in one of the numbers."""


def run_together(count: int, cases: list[Case], folder: Path) -> Iterator[list[dict[str, np.ndarray]]]:
    """Take the step of every case in ``count`` processes; per case, what each process ends with."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["warm_trainer"])
    meeting = folder / uuid.uuid4().hex
    workers = [
        context.Process(target=_worker, args=(rank, count, cases, folder, meeting)) for rank in range(count)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(600)
        assert worker.exitcode == 0, f"a process ended with {worker.exitcode}"
    for number in range(len(cases)):
        yield [dict(np.load(folder / f"{count}_{rank}_{number}.npz")) for rank in range(count)]


def _worker(rank: int, count: int, cases: list[Case], folder: Path, meeting: Path) -> None:
    torch.set_num_threads(1)
    if count > 1:
        dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)
    for number, case in enumerate(cases):
        np.savez(folder / f"{count}_{rank}_{number}.npz", **take_step(case))
    if count > 1:
        dist.destroy_process_group()
