"""JPEG to RGB arrays and back."""

import cv2
import numpy as np

from simhand.errors import DataError


def decode_rgb(jpeg: bytes) -> np.ndarray:
    """The image in ``jpeg`` as (height, width, 3) uint8 RGB.

    Raises:
        DataError: it is no image.
    """
    rgb = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if rgb is None:
        raise DataError(f"a packed image of {len(jpeg)} bytes cannot be decoded; run its stage again")
    return rgb


def encode_rgb(rgb: np.ndarray, quality: int) -> bytes:
    """``rgb`` (height, width, 3) uint8 as JPEG of ``quality`` 1 to 100."""
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()
