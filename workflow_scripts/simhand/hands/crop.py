"""The square window around a hand, and the picture in it."""

from typing import Literal

import cv2
import numpy as np

Border = Literal["pad", "clamp"]
Box = tuple[float, float, float, float]
Window = tuple[int, int, int, int]

LARGEST = 4
"""A padded window of more than so many frame sides shows hardly anything, and would fill the memory."""


def padded_window(box: Box, scale: float) -> Window:
    """The square with ``scale`` times the longer side of ``box`` around its centre, in whole pixels.

    Args:
        box: x1, y1, x2, y2 in pixels.
        scale: side of the window over that of the box.

    Returns:
        x1, y1, x2, y2; may lie outside the frame.
    """
    x1, y1, x2, y2 = box
    side = max(1, round(scale * max(x2 - x1, y2 - y1)))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    return left, top, left + side, top + side


def clamped_window(box: Box, scale: float, width: int, height: int) -> Window:
    """The released rule (``crop_and_resize`` of SiMHand's loaders), in its integer arithmetic.

    Near a border the window is not square. It is empty for a box outside of the frame, or of one pixel; the
    released code fails there, and left of or above the frame cuts out something else by a negative index.

    Args:
        box: x1, y1, x2, y2 in pixels.
        scale: the release has 1.3.
        width: of the frame.
        height: of the frame.
    """
    x1, y1, x2, y2 = (int(value) for value in box)
    grow_x = int((int(scale * (x2 - x1)) - (x2 - x1)) / 2)
    grow_y = int((int(scale * (y2 - y1)) - (y2 - y1)) / 2)
    x1, x2, y1, y2 = x1 - grow_x, x2 + grow_x, y1 - grow_y, y2 + grow_y
    half = max(x2 - x1, y2 - y1) // 2
    centre_x, centre_y = (x1 + x2) / 2, (y1 + y2) / 2
    left, right = (min(max(int(centre_x + sign * half), 0), width) for sign in (-1, 1))
    top, bottom = (min(max(int(centre_y + sign * half), 0), height) for sign in (-1, 1))
    return left, top, right, bottom


def crop_window(box: Box, scale: float, border: Border, width: int, height: int) -> Window | None:
    """The window of ``box`` under ``border``, or None if nothing of the frame is in it, or far too little."""
    window = padded_window(box, scale) if border == "pad" else clamped_window(box, scale, width, height)
    left, top, right, bottom = window
    if min(right, width) <= max(left, 0) or min(bottom, height) <= max(top, 0):
        return None
    if border == "pad" and right - left > LARGEST * max(width, height):
        return None
    return window


def cut_out(frame: np.ndarray, window: Window, size_px: int, border: Border, mirrored: bool) -> np.ndarray:
    """The picture in ``window``, black outside of the frame, as (size_px, size_px, 3) uint8.

    Args:
        frame: (height, width, 3) uint8.
        window: x1, y1, x2, y2 from :func:`crop_window`.
        size_px: side of the result.
        border: pad averages over pixels where it shrinks; clamp samples bilinearly, as released, and
            squashes a window that is not square.
        mirrored: flip it, so that a left hand looks like a right one.
    """
    left, top, right, bottom = window
    height, width = frame.shape[:2]
    inside = frame[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    margins = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
    if any(margins):
        inside = cv2.copyMakeBorder(inside, *margins, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    shrinks = border == "pad" and right - left > size_px
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    crop = cv2.resize(inside, (size_px, size_px), interpolation=interpolation)
    return cv2.flip(crop, 1) if mirrored else crop


def into_crop(points: np.ndarray, window: Window, mirrored: bool) -> np.ndarray:
    """Points of the frame in fractions of the crop as stored.

    Args:
        points: (..., 3) x, y, z in pixels of the frame.
        window: x1, y1, x2, y2 of the crop.
        mirrored: the crop was flipped: x becomes 1 - x.

    Returns:
        Same shape, float32; z is scaled as x is and keeps its sign.
    """
    left, top, right, bottom = window
    x = (points[..., 0] - left) / (right - left)
    y = (points[..., 1] - top) / (bottom - top)
    z = points[..., 2] / (right - left)
    return np.stack([1 - x if mirrored else x, y, z], axis=-1).astype(np.float32)


def out_of_crop(points: np.ndarray, window: Window, mirrored: bool) -> np.ndarray:
    """The inverse of :func:`into_crop`: fractions of the crop as stored to pixels of the frame, float64."""
    left, top, right, bottom = window
    x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
    x = 1 - x if mirrored else x
    width, height = right - left, bottom - top
    return np.stack([left + x * width, top + y * height, z * width], axis=-1)
