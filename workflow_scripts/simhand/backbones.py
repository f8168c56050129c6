"""Encoders by name: torchvision's ResNets, and those of timm as ``timm/<name>``.

An encoder has no classifier and keeps the tensor names of its library, so that its weights load there.
"""

from collections import OrderedDict
from difflib import get_close_matches
from typing import Any

import torch
import torchvision.models
from torch import Tensor, nn

from simhand.errors import ConfigError

TIMM = "timm/"
STRIDE = 32
"""Input pixels per cell of an encoder's last map."""


def make_encoder(name: str, input_px: int = 128) -> tuple[nn.Module, int]:
    """An encoder with random weights from images (M, 3, input_px, input_px) to features (M, F), and F.

    Raises:
        ConfigError: timm has no such model, or it does not take images of this size.
    """
    if not name.startswith(TIMM):
        resnet = torchvision.models.get_model(name, weights=None)
        features: int = resnet.fc.in_features
        resnet.fc = nn.Identity()
        return resnet, features
    encoder = _timm_model(name, input_px)
    return encoder, _output_of(encoder, name, input_px).shape[1]


def make_map_encoder(name: str, input_px: int) -> tuple[nn.Module, int]:
    """The same encoder without pooling: to a map (M, F, input_px / 32, input_px / 32), and F.

    Raises:
        ConfigError: as above, or it has no such map, as a transformer has none.
    """
    if not name.startswith(TIMM):
        resnet = torchvision.models.get_model(name, weights=None)
        body = [(part, child) for part, child in resnet.named_children() if part not in ("avgpool", "fc")]
        return nn.Sequential(OrderedDict(body)), resnet.fc.in_features
    encoder = _timm_model(name, input_px, global_pool="")
    found, cells = tuple(_output_of(encoder, name, input_px).shape), input_px // STRIDE
    if len(found) != 4 or found[2:] != (cells, cells):
        raise ConfigError(
            f"encoder {name} gives {found[1:]} for an image of {input_px} x {input_px}, where DetNet needs "
            f"a map (features, {cells}, {cells}); take a convolutional network whose last stride is {STRIDE}"
        )
    return encoder, found[1]


def classifier_of(encoder: nn.Module) -> tuple[str, ...]:
    """The names in front of the tensors of the classifier that ``encoder`` was made without."""
    names = getattr(encoder, "default_cfg", {}).get("classifier", "fc")
    return tuple(f"{name}." for name in ([names] if isinstance(names, str) else names))


def _timm_model(name: str, input_px: int, **options: Any) -> nn.Module:
    import timm

    model = name.removeprefix(TIMM)
    if not timm.is_model(model):
        similar = get_close_matches(model, timm.list_models(), n=3)
        meant = f"; did you mean {', '.join(TIMM + other for other in similar)}?" if similar else ""
        raise ConfigError(f"timm {timm.__version__} has no model '{model}'{meant}")
    if timm.get_pretrained_cfg_value(model, "fixed_input_size"):
        options["img_size"] = input_px
    try:
        encoder: nn.Module = timm.create_model(model, pretrained=False, num_classes=0, **options)
    except (TypeError, AssertionError, ValueError) as error:
        raise ConfigError(f"encoder {name} cannot be made for {input_px} pixels: {error}") from error
    return encoder


@torch.no_grad()
def _output_of(encoder: nn.Module, name: str, input_px: int) -> Tensor:
    try:
        output: Tensor = encoder.eval()(torch.zeros(1, 3, input_px, input_px))
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"encoder {name} does not take images of {input_px} pixels: {error}") from error
    encoder.train()
    return output
