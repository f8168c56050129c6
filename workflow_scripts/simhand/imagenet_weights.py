"""Where ImageNet's weights are on this machine; asked before a run too, so without torch."""

import os
from pathlib import Path

from simhand.errors import ConfigError, DataError

FILES = {
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "resnet101": "resnet101-63fe2227.pth",
    "resnet152": "resnet152-394f9c45.pth",
}
"""What torchvision calls the first ImageNet weights of each encoder (IMAGENET1K_V1); a test compares."""


def imagenet_weights(architecture: str) -> Path:
    """Where torchvision keeps the first ImageNet weights of ``architecture``; nothing is downloaded here.

    Raises:
        ConfigError: it is one of timm's.
        DataError: they are not there.
    """
    if architecture not in FILES:
        raise ConfigError(f"init 'imagenet' is torchvision's: for {architecture} give a weights file as init")
    path = torch_home() / "hub" / "checkpoints" / FILES[architecture]
    if not path.is_file():
        raise DataError(
            f"init 'imagenet' needs {path}, which is not there; where there is a network, `python -c 'from "
            f'torchvision.models import *; {architecture}(weights="IMAGENET1K_V1")\'` fetches it (or set '
            "TORCH_HOME to where it is), or give a weights file or 'random' as init"
        )
    return path


def torch_home() -> Path:
    """Torch's folder for downloads, as torch finds it."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))).expanduser()
