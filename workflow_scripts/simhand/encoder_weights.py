"""What an encoder starts from: random weights, ImageNet's, or a file; every tensor must be there and fit."""

import logging
from pathlib import Path

import safetensors.torch
import torch
import torchvision.models
from torch import Tensor, nn

from simhand.errors import DataError

NAMED = 8
"""How many tensors an error lists by name."""

log = logging.getLogger("simhand")


def initialise(encoder: nn.Module, architecture: str, init: str) -> None:
    """Fill ``encoder`` as ``init`` says: random (leave it), imagenet, or the path of a weights file.

    Raises:
        DataError: the weights are not on this machine, cannot be read, or do not fit.
    """
    if init != "random":
        load_encoder(
            encoder, architecture, imagenet_weights(architecture) if init == "imagenet" else Path(init)
        )


def load_encoder(encoder: nn.Module, architecture: str, path: Path) -> None:
    """Fill ``encoder`` from a .safetensors or torch file of plain torchvision names.

    A torch file may hold them bare or under ``state_dict``. A classifier (``fc.*``) is left aside, and
    batch counters may be absent, as in torchvision's older files.

    Raises:
        DataError: the file is missing or damaged, or a tensor is missing, unknown or of another shape.
    """
    found = {name: tensor for name, tensor in _read(path).items() if not name.startswith("fc.")}
    expected = encoder.state_dict()
    problems = [f"{name} is missing" for name in expected if name not in found and not _is_counter(name)]
    problems += [f"{name} is not part of {architecture}" for name in found if name not in expected]
    problems += [
        f"{name} has shape {tuple(found[name].shape)}, expected {tuple(expected[name].shape)}"
        for name in expected
        if name in found and found[name].shape != expected[name].shape
    ]
    if problems:
        more = f" and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
        raise DataError(
            f"{path} does not fit {architecture}: {'; '.join(problems[:NAMED])}{more}; "
            "expected plain torchvision names, and as `encoder` the architecture that the file was made with"
        )
    encoder.load_state_dict(expected | found)
    log.info("encoder starts from %s", path)


def imagenet_weights(architecture: str) -> Path:
    """Where torchvision keeps the first ImageNet weights of ``architecture``; nothing is downloaded here.

    Raises:
        DataError: they are not there.
    """
    weights = torchvision.models.get_model_weights(architecture)["IMAGENET1K_V1"]
    path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[-1]
    if not path.is_file():
        raise DataError(
            f"init 'imagenet' needs {path}, which is not there; fetch {weights.url} to it "
            "(or set TORCH_HOME to where it is), or give a weights file or 'random' as init"
        )
    return path


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise DataError(f"no weights file {path}; run what writes it, or correct `init`")
    try:
        if path.suffix == ".safetensors":
            return dict(safetensors.torch.load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises on bytes that are no archive depends on the bytes
        raise DataError(f"{path} is not a readable weights file ({error}); write it again") from error
    return dict(state.get("state_dict", state))


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")
