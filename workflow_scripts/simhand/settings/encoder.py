"""The encoders that can be named in the config."""

from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


def _known(name: str) -> str:
    if name not in RESNETS and not name.startswith("timm/"):
        similar = get_close_matches(name, RESNETS, n=1)
        hint = f"; did you mean {similar[0]}?" if similar else ""
        raise ValueError(f"no encoder {name!r}: expected one of {', '.join(RESNETS)}, or timm/<model>{hint}")
    return name


Encoder = Annotated[str, AfterValidator(_known)]
"""A ResNet of torchvision, or timm/<model>; whether timm has that model is found when it is made."""
