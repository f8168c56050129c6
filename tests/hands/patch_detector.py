"""Hand-made weights for the network of the hand-object detector that find red and blue patches.

Channel 0 of every stage is how red a place is, channel 1 how blue; all else is zero. A patch of 128 pixels
is a hand, a right one if it is red, that holds an object above it.
"""

from pathlib import Path

import numpy as np
import torch
from hand_object_weights import names_and_shapes, save_checkpoint
from torch import Tensor

PATCH_PX = 128
HEIGHT_PX, WIDTH_PX = 32, 1000
"""A frame this wide is not scaled, and this low it is searched soon."""


def patch_weights() -> dict[str, Tensor]:
    """Weights under the published names."""
    weights = {name: _nothing(name, shape) for name, shape in names_and_shapes().items()}

    def connect(name: str, *entries: tuple[tuple[int, ...], float]) -> None:
        weights[name] = torch.zeros(names_and_shapes()[name])
        for place, value in entries:
            weights[name][place] = value

    blue, red = 0, 2  # of the input, which is BGR
    connect("RCNN_base.0.weight", ((0, red, 3, 3), 0.01), ((1, blue, 3, 3), 0.01))
    for stage in ("RCNN_base.4", "RCNN_base.5", "RCNN_base.6", "RCNN_top.0"):
        connect(f"{stage}.0.downsample.0.weight", ((0, 0, 0, 0), 1.0), ((1, 1, 0, 0), 1.0))
    connect("RCNN_rpn.RPN_Conv.weight", ((0, 0, 1, 1), 1.0), ((0, 1, 1, 1), 1.0))
    square_of_128_px = 12 + 4  # foreground of the fifth anchor
    connect("RCNN_rpn.RPN_cls_score.weight", ((square_of_128_px, 0, 0, 0), 5.0))
    connect("RCNN_rpn.RPN_cls_score.bias", *(((12 + anchor,), -20.0) for anchor in range(12) if anchor != 4))
    connect("RCNN_cls_score.weight", ((2, 0), 20.0), ((2, 1), 20.0))
    connect("RCNN_cls_score.bias", ((2,), -20.0))
    connect("extension_layer.hand_lr_layer.weight", ((0, 0), 9.0), ((0, 1), -9.0))
    connect("extension_layer.hand_contact_state_layer.3.bias", ((3,), 1.0))
    connect("extension_layer.hand_dydx_layer.bias", ((0,), 0.05), ((2,), -7.0))
    return weights


def _nothing(name: str, shape: tuple[int, ...]) -> Tensor:
    """Zeros, or what leaves a batch normalisation without effect; one number in memory and on disk."""
    one = name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1)
    return torch.tensor(float(one)).expand(shape)


def save_patch_checkpoint(folder: Path) -> Path:
    """The weights in the published format."""
    return save_checkpoint(folder / "patches.pth", patch_weights())


def frame_with_patches(red_at: int | None, blue_at: int | None) -> np.ndarray:
    """A black RGB frame with patches whose left edges are at these columns."""
    frame = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    for left, channel in ((red_at, 0), (blue_at, 2)):
        if left is not None:
            frame[:, left : left + PATCH_PX, channel] = 255
    return frame
