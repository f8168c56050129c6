"""Skin as two pictures of the mean hand laid flat: its back and its palm, painted once per process.

Each holds CHANNELS: crease (darkens), flush (reddens), nail, mottle (uneven colour) and the slope of
the surface in x and y. Atlas coordinates are millimetres; see ``surface.atlas_frames`` for the layout.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from simhand.world.anatomy import MEAN_BONES_M
from simhand.world.seeding import named_generator
from simhand.world.surface import atlas_frames

CHANNELS = ("crease", "flush", "nail", "mottle", "slope_x", "slope_y")
_LOW_MM, _HIGH_MM = np.array([-130.0, -150.0]), np.array([110.0, 200.0])
_PIXELS_PER_MM = 2.5
_FINGER_WIDTH_MM = (19.0, 18.0, 18.4, 17.2, 15.0)


class _Canvas:
    """Strokes and blobs in atlas millimetres on one grey picture."""

    def __init__(self) -> None:
        width, height = ((_HIGH_MM - _LOW_MM) * _PIXELS_PER_MM).astype(int)
        self.image = Image.new("L", (int(width), int(height)), 0)
        self._draw = ImageDraw.Draw(self.image)

    def stroke(self, points_mm: np.ndarray, width_mm: float, strength: float) -> None:
        points = [tuple(p) for p in (np.asarray(points_mm) - _LOW_MM) * _PIXELS_PER_MM]
        self._draw.line(
            points, fill=int(255 * strength), width=max(1, round(width_mm * _PIXELS_PER_MM)), joint="curve"
        )

    def polygon(self, points_mm: np.ndarray, strength: float) -> None:
        points = [tuple(p) for p in (np.asarray(points_mm) - _LOW_MM) * _PIXELS_PER_MM]
        self._draw.polygon(points, fill=int(255 * strength))

    def array(self, blur_mm: float) -> np.ndarray:
        blurred = self.image.filter(ImageFilter.GaussianBlur(blur_mm * _PIXELS_PER_MM))
        return np.asarray(blurred, dtype=np.float32) / 255


@dataclass(frozen=True)
class _FingerAxes:
    """Origin, direction and sideways direction of one bone in the atlas, and its length in mm."""

    origin: np.ndarray
    along: np.ndarray
    across: np.ndarray
    length: float

    def at(
        self, along: float, across: float | np.ndarray = 0.0, ahead: float | np.ndarray = 0.0
    ) -> np.ndarray:
        """Points at fraction ``along`` of the bone, plus ``across`` and ``ahead`` in mm."""
        return (
            self.origin
            + (along * self.length + np.asarray(ahead)[..., None]) * self.along
            + np.asarray(across)[..., None] * self.across
        )


def _bone_axes(finger: int, bone: int) -> _FingerAxes:
    origins, along = (value.numpy() for value in atlas_frames())
    frame = 2 + 3 * finger + bone
    direction = along[frame]
    across = np.array([direction[1], -direction[0]])
    return _FingerAxes(origins[frame], direction, across, float(MEAN_BONES_M[finger, bone] * 1000))


def _wrinkle(
    canvas: _Canvas, axes: _FingerAxes, place: float, width: float, bow: float, strength: float
) -> None:
    across = np.linspace(-width / 2, width / 2, 9)
    canvas.stroke(axes.at(place, across, bow * (1 - (2 * across / width) ** 2)), 0.7, strength)


def _paint_back() -> tuple[np.ndarray, ...]:
    crease, flush, nail, ridge = _Canvas(), _Canvas(), _Canvas(), _Canvas()
    for finger, width in enumerate(_FINGER_WIDTH_MM):
        for bone, strength in ((1, 1.0), (2, 0.75)):
            axes = _bone_axes(finger, bone)
            for row, ahead in enumerate((-3.6, -1.8, 0.0, 1.9, 3.7)):
                _wrinkle(
                    crease,
                    axes,
                    ahead / axes.length,
                    width * (0.9 - 0.12 * abs(row - 2)),
                    0.5 * (row - 2),
                    strength * (0.95 - 0.2 * abs(row - 2)),
                )
            across = np.linspace(-1, 1, 24) * np.pi
            flush.polygon(axes.at(0.0, np.cos(across) * width * 0.42, np.sin(across) * 6), 0.8)
        axes = _bone_axes(finger, 2)
        turn = np.linspace(0, 2 * np.pi, 40)
        # a squared-off oval, its tip level with the fingertip
        half_width, half_length = width * 0.34, 6.2 if finger else 7.4
        shape = lambda v: np.sign(v) * np.abs(v) ** 0.6  # noqa: E731
        nail.polygon(axes.at(0.74, half_width * shape(np.cos(turn)), half_length * shape(np.sin(turn))), 1.0)
        flush.polygon(axes.at(0.75, width * 0.5 * np.cos(turn), 9 * np.sin(turn)), 0.5)
        if finger:
            tendon = np.stack(
                [_bone_axes(finger, 0).origin * fraction for fraction in np.linspace(0.25, 0.95, 6)]
            )
            ridge.stroke(tendon, 3.0, 0.55)
    rng = named_generator(0, "veins")
    for start in (-18.0, 2.0, 20.0):
        path = np.cumsum(rng.normal(0, 3.2, 9)) + start
        ridge.stroke(np.stack([path, np.linspace(10, 78, 9)], -1), 2.2, 0.4)
    return crease.array(0.35), flush.array(3.0), nail.array(0.35), ridge.array(1.8)


def _paint_palm() -> tuple[np.ndarray, ...]:
    crease, flush, nail, ridge = _Canvas(), _Canvas(), _Canvas(), _Canvas()
    for finger, width in enumerate(_FINGER_WIDTH_MM):
        first = 1 if finger else 2
        for bone in range(first, 3):
            axes = _bone_axes(finger, bone)
            for ahead, strength in ((-1.0, 0.9), (1.2, 0.7)) if bone == 1 else ((-1.5, 0.85),):
                _wrinkle(crease, axes, ahead / axes.length, width * 1.1, -0.8, strength)
        root = _bone_axes(finger, 0 if finger else 1)
        for place in (0.42, 0.48) if finger else (0.05,):
            _wrinkle(crease, root, place, width * 1.1, -1.2, 0.8)
        turn = np.linspace(0, 2 * np.pi, 40)
        flush.polygon(_bone_axes(finger, 2).at(0.65, width * 0.4 * np.cos(turn), 9 * np.sin(turn)), 0.8)
    lines = {
        "life": [(-34, 66), (-22, 62), (-12, 50), (-7, 34), (-8, 18), (-12, 6)],
        "head": [(-34, 68), (-18, 62), (2, 53), (20, 43), (30, 34)],
        "heart": [(46, 60), (30, 60), (12, 64), (-4, 72), (-12, 82)],
        "fate": [(2, 14), (1, 36), (0, 58)],
        "wrist": [(-24, -2), (0, -4), (24, -2)],
        "bracelet": [(-24, -7), (0, -9), (24, -7)],
    }
    for name, points in lines.items():
        crease.stroke(_smooth(points), 1.1, 0.5 if name in ("fate", "bracelet") else 0.95)
    rng = named_generator(0, "palm lines")
    for _ in range(60):
        start = rng.uniform([-28, 8], [34, 80])
        crease.stroke(_smooth([start, start + rng.normal(0, 5, 2), start + rng.normal(0, 9, 2)]), 0.4, 0.28)
    for centre, size in (((24, 26), (13, 24)), ((-24, 36), (12, 20)), ((4, 76), (34, 8))):
        turn = np.linspace(0, 2 * np.pi, 40)
        flush.polygon(
            np.stack([centre[0] + size[0] * np.cos(turn), centre[1] + size[1] * np.sin(turn)], -1), 0.7
        )
    return crease.array(0.4), flush.array(5.0), nail.array(0.4), ridge.array(2.0)


def _smooth(points: list) -> np.ndarray:
    """A curve through ``points`` by Catmull-Rom splines."""
    p = np.asarray([points[0], *points, points[-1]], dtype=np.float64)
    t = np.linspace(0, 1, 9)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return np.concatenate(pieces)


def _mottle(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    total = np.zeros(shape, dtype=np.float32)
    for cell, weight in ((40, 1.0), (16, 0.7), (6, 0.5), (2, 0.45)):
        size = (shape[1] // cell + 2, shape[0] // cell + 2)
        coarse = Image.fromarray(rng.normal(0, 1, size[::-1]).astype(np.float32))
        total += weight * np.asarray(coarse.resize(shape[::-1], Image.Resampling.BICUBIC))
    return total / 1.4


@cache
def skin_atlas() -> Tensor:
    """Back and palm of the hand, (2, 6, height, width), rows of pixels from low to high y."""
    sides = []
    for name, (crease, flush, nail, ridge) in (("back", _paint_back()), ("palm", _paint_palm())):
        mottle = _mottle((len(crease), len(crease[0])), named_generator(0, "mottle", name))
        height_mm = -0.30 * crease + 0.28 * nail + 0.5 * ridge + 0.012 * mottle
        slope_y, slope_x = np.gradient(height_mm * _PIXELS_PER_MM)
        sides.append(np.stack([crease, flush, nail, mottle, slope_x, slope_y]))
    return torch.from_numpy(np.stack(sides).astype(np.float32))


def sample_skin(points_mm: Tensor, dorsal: Tensor) -> Tensor:
    """The channels (M, 6) at atlas points (M, 2); ``dorsal`` (M,) in [0, 1] mixes palm and back."""
    low = torch.from_numpy(_LOW_MM).to(points_mm)
    size = torch.from_numpy(_HIGH_MM - _LOW_MM).to(points_mm)
    grid = ((points_mm - low) / size * 2 - 1)[None, None].expand(2, -1, -1, -1)
    atlas = skin_atlas().to(points_mm.device)
    back, palm = torch.nn.functional.grid_sample(atlas, grid, padding_mode="border", align_corners=False)[
        :, :, 0
    ]
    return (palm + dorsal * (back - palm)).T
