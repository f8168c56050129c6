"""Trainings in processes of their own, which can be told to stop and killed.

A server process imports and compiles everything once (warm_trainer.py) and forks them, so that each
starts at once.
"""

import multiprocessing
import os
import resource
import runpy
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from simhand.pretraining import encoders

SCRIPT = Path(__file__).resolve().parents[2] / "workflow_scripts" / "pretrain_encoder.py"


def tiny_encoder(name: str, input_px: int) -> tuple[nn.Module, int]:
    """Four small convolutions in place of a ResNet."""
    layers: list[nn.Module] = []
    for narrow, wide in ((3, 16), (16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(narrow, wide, 3, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 64


def train(
    arguments: list[str], stderr: Path, file_limit_bytes: int | None, variables: dict[str, str]
) -> None:
    """Run the stage script with a tiny encoder; the process ends with its exit code."""
    os.environ |= variables
    sys.stderr = stderr.open("a")
    if file_limit_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit_bytes, resource.RLIM_INFINITY))
    torch.set_num_threads(1)
    encoders.make_encoder = tiny_encoder
    sys.argv = [str(SCRIPT), *arguments]
    runpy.run_path(str(SCRIPT), run_name="__main__")


def start(
    arguments: list[str],
    stderr: Path,
    file_limit_bytes: int | None = None,
    variables: dict[str, str] | None = None,
) -> BaseProcess:
    """A training that goes on by itself; what it says is in ``stderr``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["warm_trainer"])
    process = context.Process(target=train, args=(arguments, stderr, file_limit_bytes, variables or {}))
    # Python 3.11's server does not look for modules where this process does
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        process.start()
    return process
