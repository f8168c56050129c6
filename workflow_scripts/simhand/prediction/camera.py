"""The camera of pictures that come without one: given by the user, or not known."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simhand.errors import ConfigError

Array = NDArray[np.float64]


class Camera(Protocol):
    """Tells the camera matrix of a picture."""

    def intrinsics(self, width_px: int, height_px: int) -> Array:
        """K (3, 3) of a picture of this size."""
        ...


@dataclass(frozen=True)
class FieldOfView:
    """Square pixels, the principal point in the middle, ``degrees`` from the left border to the right one."""

    degrees: float

    def __post_init__(self) -> None:
        if not 1 <= self.degrees <= 170:
            raise ConfigError(f"a horizontal field of view is 1 to 170 degrees, found {self.degrees:g}")

    def intrinsics(self, width_px: int, height_px: int) -> Array:
        """K (3, 3) of a picture of this size."""
        focal_px = width_px / 2 / math.tan(math.radians(self.degrees) / 2)
        return np.array([[focal_px, 0, width_px / 2], [0, focal_px, height_px / 2], [0, 0, 1]])


@dataclass(frozen=True)
class GivenMatrix:
    """Focal lengths and principal point in pixels, the same for every picture."""

    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        if not (self.fx > 0 and self.fy > 0 and math.isfinite(self.fx + self.fy + self.cx + self.cy)):
            raise ConfigError(
                f"a camera matrix is four numbers fx fy cx cy in pixels with positive focal lengths, found "
                f"{self.fx:g} {self.fy:g} {self.cx:g} {self.cy:g}"
            )

    def intrinsics(self, width_px: int, height_px: int) -> Array:
        """K (3, 3); it holds for pictures of any size, since it was given."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])
