"""Hands drawn over photographs: boxes, and the 21 joints as a skeleton with a colour per finger."""

import cv2
import numpy as np
import numpy.typing as npt

from simhand.errors import DataError
from simhand.report.figures.style import FINGER_COLOURS, rgb

Pixels = npt.NDArray[np.uint8]
Points = npt.NDArray[np.floating | np.integer]

FINGERS = {finger: list(range(1 + 4 * place, 5 + 4 * place)) for place, finger in enumerate(FINGER_COLOURS)}
WRIST_COLOUR = (245, 245, 245)
OUTLINE = (20, 22, 25)
SUBPIXEL_BITS = 4


def decode(encoded: bytes, where: str) -> Pixels:
    """An encoded image as RGB (height, width, 3).

    Raises:
        DataError: it is no image; ``where`` says which one.
    """
    bgr = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DataError(f"{where} cannot be decoded as an image; run its stage again")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def resize(image: Pixels, width_px: int, height_px: int) -> Pixels:
    """``image`` in another size, averaging when it shrinks and smooth when it grows."""
    shrinks = width_px < image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(image, (width_px, height_px), interpolation=method).astype(np.uint8, copy=False)


def draw_skeleton(image: Pixels, joints: Points, width_px: float, colour: str | None = None) -> None:
    """Draw a hand into ``image``; bones with a joint that is not finite are left out.

    Args:
        image: changed in place.
        joints: (21, 2), in pixels of the image.
        width_px: width of a bone.
        colour: one colour for the whole hand; by default each finger has its own.
    """
    shades = {finger: rgb(colour or FINGER_COLOURS[finger]) for finger in FINGERS}
    for outlined in (True, False):
        for finger, chain in FINGERS.items():
            for first, second in zip([0, *chain], chain, strict=False):
                shade, width = (OUTLINE, width_px + 2) if outlined else (shades[finger], width_px)
                _line(image, joints[first], joints[second], shade, width)
    for finger, chain in FINGERS.items():
        for joint in chain:
            _dot(image, joints[joint], 0.85 * width_px, shades[finger])
    _dot(image, joints[0], 1.1 * width_px, rgb(colour) if colour else WRIST_COLOUR)


def draw_box(image: Pixels, box: Points, colour: str, width_px: int) -> None:
    """Draw the box x1, y1, x2, y2, in pixels of ``image``, into it."""
    corners = [int(round(float(value))) for value in box]
    cv2.rectangle(image, corners[:2], corners[2:], OUTLINE, width_px + 2, cv2.LINE_AA)
    cv2.rectangle(image, corners[:2], corners[2:], rgb(colour), width_px, cv2.LINE_AA)


def square_around(
    image: Pixels, joints: Points, margin: float, size_px: int
) -> tuple[Pixels, npt.NDArray[np.float64]]:
    """The square around some joints, and the affine (2, 3) from image to square.

    Args:
        image: what it is cut from; beyond its border the square is light grey.
        joints: (N, 2), in pixels of the image.
        margin: how much larger the square is than the box around the joints.
        size_px: side of the square.
    """
    low, high = np.min(joints, axis=0), np.max(joints, axis=0)
    side = max(float(np.max(high - low)) * margin, 1.0)
    scale = size_px / side
    offset = size_px / 2 - scale * (low + high) / 2
    affine = np.array([[scale, 0.0, offset[0]], [0.0, scale, offset[1]]])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    cut = cv2.warpAffine(image, affine, (size_px, size_px), flags=method, borderValue=(228, 230, 234))
    return cut.astype(np.uint8, copy=False), affine


def moved(joints: Points, affine: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Joints (..., 2) under the affine (2, 3)."""
    return np.asarray(joints) @ affine[:, :2].T + affine[:, 2]


def _line(
    image: Pixels, first: Points, second: Points, colour: tuple[int, int, int], width_px: float
) -> None:
    if np.isfinite([first, second]).all():
        cv2.line(
            image, _fixed(first), _fixed(second), colour, max(1, round(width_px)), cv2.LINE_AA, SUBPIXEL_BITS
        )


def _dot(image: Pixels, centre: Points, radius_px: float, colour: tuple[int, int, int]) -> None:
    if np.isfinite(centre).all():
        for radius, shade in ((radius_px + 1, OUTLINE), (radius_px, colour)):
            size = round(radius * 2**SUBPIXEL_BITS)
            cv2.circle(image, _fixed(centre), size, shade, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)


def _fixed(point: Points) -> tuple[int, int]:
    """A point in OpenCV's fixed-point pixels, kept within what it can take."""
    x, y = np.clip(np.asarray(point, float), -4000, 4000) * 2**SUBPIXEL_BITS
    return round(float(x)), round(float(y))
