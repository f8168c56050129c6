"""The device that a network is trained on."""

import platform
from pathlib import Path
from typing import Any

import torch

from simhand.errors import ConfigError


def choose_device(name: str, key: str) -> torch.device:
    """The device called auto, cpu or cuda; ``auto`` is a GPU where there is one.

    Args:
        name: auto, cpu or cuda.
        key: where the config says so, for the message.

    Raises:
        ConfigError: cuda is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"{key} is cuda, but torch finds no GPU here; use auto or cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def hardware_of(device: torch.device, processes: int) -> dict[str, Any]:
    """What a training ran on: GPU or processor, processes, threads of each, and torch's version."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "processes": processes,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    """The processor's name where Linux tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
