"""T^-1 in latent space (paper, 3.3): an embedding, read as 2D points, goes back to its crop's geometry.

An encoder that is equivariant puts the points of a turned image where the turned points are. Undoing
the view's transform on the points makes embeddings of differently turned views comparable.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from simhand.pretraining.geometry import Geometry, transform_points


def align(projections: Tensor, geometry: Geometry, kind: str) -> Tensor:
    """Embeddings (M, D) of unit length in the geometry of their crops; ``kind`` is exact or release."""
    if kind == "exact":
        return align_exactly(projections, geometry.view_to_crop)
    return align_as_released(projections, geometry.angle_degrees, geometry.shift)


def align_exactly(projections: Tensor, view_to_crop: Tensor) -> Tensor:
    """Move the points by the matrix that the view's pixels were fetched with.

    Points and matrix share one frame, [-1, 1] over the image, so that rotation, shift and scale are
    undone together. The rows are not normalised before, which would lose the scale.

    Args:
        projections: (M, D), D / 2 points x0, y0, x1, y1 ... of the view.
        view_to_crop: (M, 2, 3) affine maps.
    """
    points = projections.unflatten(1, (-1, 2))
    return F.normalize(transform_points(view_to_crop, points).flatten(1), dim=1)


def align_as_released(projections: Tensor, angle_degrees: Tensor, shift: Tensor) -> Tensor:
    """The alignment of the released SiMHand and PeCLR: shift by a share of the points' extent, then rotate.

    The extent and the mean are constants to the gradient; scale is not undone.

    Args:
        projections: (M, D), D / 2 points x0, y0, x1, y1 ...
        angle_degrees: (M,) rotation of the view, counter-clockwise on screen.
        shift: (M, 2) what the release stores as jitter, as shares of the image's sides.
    """
    points = F.normalize(projections, dim=1).unflatten(1, (-1, 2))
    extent = (points.amax(dim=1) - points.amin(dim=1)).detach()
    points = points - (shift * extent)[:, None]
    centre = points.mean(dim=1, keepdim=True).detach()
    radians = angle_degrees * (math.pi / 180)
    cos, sin = radians.cos()[:, None], radians.sin()[:, None]
    x, y = (points - centre).unbind(dim=2)
    turned = torch.stack([x * cos - y * sin, x * sin + y * cos], dim=2)
    return F.normalize((turned + centre).flatten(1), dim=1)
