"""One hand in 3D on a plane with a grid, seen from the camera or from the side."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from simhand.finetuning.targets import MIDDLE_BASE, PARENTS
from simhand.report.figures.drawing import OUTLINE, WRIST_COLOUR
from simhand.report.figures.style import FINGER_COLOURS, LINE, PAPER, rgb

View = Literal["camera", "right"]

SPAN_M = 0.28
"""What a view shows from side to side; a hand is some 19 cm long."""

GRID_M = 0.05
SUBPIXEL_BITS = 4

# across, down, and towards the viewer: x right, y down, z away from the camera
AXES = {"camera": ((0, 1.0), (1, 1.0), (2, -1.0)), "right": ((2, 1.0), (1, 1.0), (0, 1.0))}
SHADES = [rgb(colour) for colour in FINGER_COLOURS.values()]


def draw_view(joints_m: NDArray[np.float64] | None, view: View, size_px: int) -> NDArray[np.uint8]:
    """An orthographic view (size_px, size_px, 3), RGB, centred on the base of the middle finger.

    Lines of the grid are 5 cm apart. What is nearer to the viewer lies over what is farther, and is thicker.

    Args:
        joints_m: (21, 3) metres, axes of the camera; None draws the empty grid.
        view: ``camera``, or ``right``: from the right of the picture, the camera being at the left.
        size_px: side of the view.
    """
    image = np.full((size_px, size_px, 3), rgb(PAPER), np.uint8)
    scale = size_px / SPAN_M
    lines = int(SPAN_M / 2 / GRID_M)
    for step in range(-lines, lines + 1):
        place = round(size_px / 2 + step * GRID_M * scale)
        image[place : place + 1] = rgb(LINE)
        image[:, place : place + 1] = rgb(LINE)
    if joints_m is None or not np.isfinite(joints_m).all():
        return image
    around = joints_m - joints_m[MIDDLE_BASE]
    across, down, near = (sign * around[:, axis] for axis, sign in AXES[view])
    points = size_px / 2 + scale * np.stack([across, down], axis=1)
    bones = [(PARENTS[joint], joint) for joint in range(1, len(PARENTS))]
    for parent, joint in sorted(bones, key=lambda bone: near[list(bone)].mean()):
        width = size_px / 90 * float(np.clip(1 + 4 * near[[parent, joint]].mean(), 0.6, 1.6))
        ends = _fixed(points[parent]), _fixed(points[joint])
        for colour, thickness in ((OUTLINE, width + 2), (SHADES[(joint - 1) // 4], width)):
            cv2.line(image, *ends, colour, max(1, round(thickness)), cv2.LINE_AA, SUBPIXEL_BITS)
    radius = round(size_px / 80 * 2**SUBPIXEL_BITS)
    for grow, colour in ((1 << SUBPIXEL_BITS, OUTLINE), (0, WRIST_COLOUR)):
        cv2.circle(image, _fixed(points[0]), radius + grow, colour, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)
    return image


def _fixed(point: NDArray[np.float64]) -> tuple[int, int]:
    """A point in OpenCV's fixed-point pixels, kept within what it can take."""
    x, y = np.clip(point, -4000, 4000) * 2**SUBPIXEL_BITS
    return round(float(x)), round(float(y))
