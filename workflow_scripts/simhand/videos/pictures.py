"""From decoded frames to pictures as they are displayed."""

from typing import Any

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

BILINEAR = Interpolation.BILINEAR
# without whole chroma, colours of every two columns are one, and fringes show
AREA = Interpolation.AREA | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND


class Pictures:
    """Converts the frames of one video; what that takes is set up once.

    Args:
        max_height_px: taller pictures are scaled down to this height, by swscale's averaging over areas. It
            works on the planes of the frame, so nothing is converted that is not kept; with whole chroma
            planes averaged, it comes closer to the exact average than scaling the converted picture.
    """

    def __init__(self, max_height_px: int | None = None) -> None:
        self._max_height_px = max_height_px
        self._reformatter = VideoReformatter()

    def upright(self, frame: av.VideoFrame) -> np.ndarray:
        """The frame turned and mirrored as its metadata says, (height, width, 3) uint8 BGR."""
        matrix = _display_matrix(frame)
        lying = matrix is not None and abs(int(matrix[0, 0])) < abs(int(matrix[0, 1]))
        width, height = self._stored_size(frame, lying)
        how = BILINEAR if (width, height) == (frame.width, frame.height) else AREA
        picture = self._reformatter.reformat(
            frame, width, height, "bgr24", interpolation=how, threads=1
        ).to_ndarray()
        return picture if matrix is None else _displayed(picture, matrix, lying)

    def _stored_size(self, frame: av.VideoFrame, lying: bool) -> tuple[int, int]:
        """Width and height before turning."""
        width, height = (frame.height, frame.width) if lying else (frame.width, frame.height)
        if self._max_height_px is not None and height > self._max_height_px:
            width, height = max(1, round(width * self._max_height_px / height)), self._max_height_px
        return (height, width) if lying else (width, height)


def _display_matrix(frame: av.VideoFrame) -> np.ndarray | None:
    items: Any = frame.side_data  # PyAV's stubs take the container for a mapping of names
    for item in items:
        if item.type.name == "DISPLAYMATRIX":
            return np.frombuffer(bytes(item), np.int32).reshape(3, 3)
    return None


def _displayed(picture: np.ndarray, matrix: np.ndarray, lying: bool) -> np.ndarray:
    """Apply the quarter turns and reflections of ``matrix``: (x, y) is shown at (x, y, 1) @ matrix."""
    from_x, from_y = matrix[0, :2], matrix[1, :2]
    if lying:
        picture, from_x, from_y = picture.transpose(1, 0, 2), from_y, from_x
    rows = slice(None, None, -1 if from_y[1] < 0 else 1)
    columns = slice(None, None, -1 if from_x[0] < 0 else 1)
    return np.ascontiguousarray(picture[rows, columns])
