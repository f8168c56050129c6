"""DetNet: an encoder, three deconvolutions, and heads for heat, delta and location maps.

Zhou et al., "Monocular Real-time Hand Shape and Motion Capture" (CVPR 2020), in the form that the
SiMHand release gives it: a torchvision ResNet without pooling in place of the original backbone.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from simhand.backbones import make_map_encoder

JOINTS = 21
STRIDE = 4
"""Input pixels per map cell: the encoder divides by 32, the deconvolutions multiply by 8."""


class Maps(NamedTuple):
    """What DetNet predicts, on maps of ``size`` = input side / 4 cells; row is y, column is x.

    ``heat`` (B, 21, size, size) in 0..1; ``delta`` (B, 21, 3, size, size), unit vectors from the parent
    joint; ``location`` (B, 21, 3, size, size), root-relative joints in lengths of bone 0-9.
    """

    heat: Tensor
    delta: Tensor
    location: Tensor


class DetNet(nn.Module):
    """From images (B, 3, side, side), normalised, to :class:`Maps`; ``side`` is a multiple of 32.

    Args:
        encoder: a name that :mod:`simhand.backbones` knows, for example ``resnet50``.
        width: channels of the deconvolutions and heads; 256 as published.
        input_px: side of the input images.
    """

    coordinates: Tensor

    def __init__(self, encoder: str = "resnet50", width: int = 256, input_px: int = 128) -> None:
        super().__init__()
        self.encoder, features = make_map_encoder(encoder, input_px)
        self.deconv = nn.Sequential(*_deconv(features, width), *_deconv(width, width), *_deconv(width, width))
        self.heat = _head(width + 2, width, JOINTS)
        self.delta = _head(width + 2 + JOINTS, width, 3 * JOINTS)
        self.location = _head(width + 2 + 4 * JOINTS, width, 3 * JOINTS)
        axis = torch.linspace(-1, 1, input_px // STRIDE, dtype=torch.float64).float()
        rows, columns = torch.meshgrid(axis, axis, indexing="ij")
        self.register_buffer("coordinates", torch.stack([columns, rows])[None], persistent=False)

    def forward(self, images: Tensor) -> Maps:
        """Predict the maps of a batch of images."""
        features = self.deconv(self.encoder(images))
        coordinates = self.coordinates.to(features.dtype).expand(len(images), -1, -1, -1)
        features = torch.cat([features, coordinates], dim=1)
        heat = torch.sigmoid(self.heat(features))
        features = torch.cat([features, heat], dim=1)
        delta = self.delta(features)
        features = torch.cat([features, delta], dim=1)
        location = self.location(features)
        return Maps(heat, delta.unflatten(1, (JOINTS, 3)), location.unflatten(1, (JOINTS, 3)))


def _deconv(channels: int, width: int) -> list[nn.Module]:
    upsample = nn.ConvTranspose2d(channels, width, kernel_size=4, stride=2, padding=1, bias=False)
    return [upsample, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]


def _head(channels: int, width: int, outputs: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False)
    return nn.Sequential(
        convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.Conv2d(width, outputs, 1)
    )
