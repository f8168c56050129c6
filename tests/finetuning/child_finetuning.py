"""Fine-tunings in processes of their own, which can be told to stop and killed.

A server process imports everything once and forks them, so that each starts at once.
"""

import multiprocessing
import os
import runpy
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from simhand.finetuning import detnet, experiment  # noqa: F401

SCRIPT = Path(__file__).resolve().parents[2] / "workflow_scripts" / "finetune_detnet.py"


def tiny_encoder(name: str, input_px: int) -> tuple[nn.Module, int]:
    """Five small convolutions in place of a ResNet, which divide by 32 as it does."""
    layers: list[nn.Module] = []
    for narrow, wide in ((3, 8), (8, 16), (16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(narrow, wide, 3, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()]
    return nn.Sequential(*layers), 64


def finetune(arguments: list[str], stderr: Path) -> None:
    """Run the stage script with a tiny encoder; the process ends with its exit code."""
    sys.stderr = stderr.open("a")
    torch.set_num_threads(1)
    detnet.make_map_encoder = tiny_encoder
    sys.argv = [str(SCRIPT), *arguments]
    runpy.run_path(str(SCRIPT), run_name="__main__")


def start(arguments: list[str], stderr: Path) -> BaseProcess:
    """A fine-tuning that goes on by itself; what it says is in ``stderr``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["child_finetuning"])
    process = context.Process(target=finetune, args=(arguments, stderr))
    # Python 3.11's server does not look for modules where this process does
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        process.start()
    return process
