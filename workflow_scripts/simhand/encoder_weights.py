"""What an encoder starts from: random weights, ImageNet's, or a file; every tensor must be there and fit."""

import logging
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from simhand.backbones import classifier_of
from simhand.errors import DataError
from simhand.imagenet_weights import imagenet_weights
from simhand.text import listed

NAMED = 8
"""How many tensors an error lists by name."""

RELEASED = "encoder.features."
RELEASED_CHILDREN = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
"""What the authors' trainings call a ResNet's children: their positions in it."""

log = logging.getLogger("simhand")


def initialise(encoder: nn.Module, architecture: str, init: str) -> None:
    """Fill ``encoder`` as ``init`` says: random (leave it), imagenet, or the path of a weights file.

    Raises:
        ConfigError: there are no such weights.
        DataError: the weights are not on this machine, cannot be read, or do not fit.
    """
    weights = initial_weights(init, architecture)
    if weights is not None:
        load_encoder(encoder, architecture, weights)


def initial_weights(init: str, architecture: str) -> Path | None:
    """The file that ``init`` stands for: None for random, torchvision's for imagenet, else the path it is.

    Raises:
        ConfigError: there are no such weights.
        DataError: ImageNet's are not on this machine.
    """
    if init == "random":
        return None
    return imagenet_weights(architecture) if init == "imagenet" else Path(init)


def load_encoder(encoder: nn.Module, architecture: str, path: Path) -> None:
    """Fill ``encoder`` from a .safetensors or torch file.

    Tensors have the names of torchvision or timm, or those of the authors' trainings (see
    :func:`plain_names`), bare or under ``state_dict``. A classifier is left aside, and batch counters may be
    absent, as in torchvision's older files.

    Raises:
        DataError: the file is missing or damaged, or a tensor is missing, unknown or of another shape.
    """
    classifier = classifier_of(encoder)
    stored = plain_names(_read(path))
    found = {name: tensor for name, tensor in stored.items() if not name.startswith(classifier)}
    expected = encoder.state_dict()
    problems = [f"{name} is missing" for name in expected if name not in found and not _is_counter(name)]
    problems += [f"{name} is not part of {architecture}" for name in found if name not in expected]
    problems += [
        f"{name} has shape {tuple(found[name].shape)}, expected {tuple(expected[name].shape)}"
        for name in expected
        if name in found and found[name].shape != expected[name].shape
    ]
    if problems:
        raise DataError(
            f"{path} does not fit {architecture}: {listed(problems, NAMED, '; ')}; expected the "
            "names of torchvision or timm, or of the authors' checkpoints, and as `encoder` the "
            "architecture that the file was made with"
        )
    encoder.load_state_dict(expected | found)
    log.info("encoder starts from %s", path)


def plain_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """``state`` with the names of torchvision, where it has those of the authors' trainings.

    Their checkpoints, and PeCLR's, call the children of a ResNet by number: ``encoder.features.4`` is layer1.
    They hold a projection head and an unused ``encoder.final_layer`` too, which are left aside. ``module.``
    in front of all names is DataParallel's.
    """
    if state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    if not any(name.startswith(RELEASED) for name in state):
        return state
    plain = {}
    for name, tensor in state.items():
        if name.startswith(RELEASED):
            number, _, rest = name.removeprefix(RELEASED).partition(".")
            plain[f"{RELEASED_CHILDREN.get(number, f'features.{number}')}.{rest}"] = tensor
        elif not name.startswith(("projection_head.", "encoder.final_layer.")):
            plain[name] = tensor
    return plain


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
