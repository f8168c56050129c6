"""A frame as the network wants it."""

import cv2
import numpy as np
import torch
from torch import Tensor

SHORT_SIDE_PX = 600
"""``TEST.SCALES``, lib/model/utils/config.py."""

LONGEST_SIDE_PX = 1000
"""``TEST.MAX_SIZE``: frames that are longer are scaled to this instead."""

MEAN_BGR = (102.9801, 115.9465, 122.7717)
"""``PIXEL_MEANS``."""


def network_input(rgb: np.ndarray) -> tuple[Tensor, float]:
    """``rgb`` (height, width, 3) uint8 as (1, 3, h, w) float32 in BGR, and h over height (demo.py)."""
    bgr = (rgb[:, :, ::-1].astype(np.float32) - np.array(MEAN_BGR)).astype(np.float32)
    shorter, longer = sorted(rgb.shape[:2])
    scale = SHORT_SIDE_PX / shorter
    if round(scale * longer) > LONGEST_SIDE_PX:
        scale = LONGEST_SIDE_PX / longer
    scaled = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(scaled).permute(2, 0, 1).unsqueeze(0).contiguous(), scale
