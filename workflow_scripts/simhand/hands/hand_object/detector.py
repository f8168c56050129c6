"""The detector as a whole: frames in, hands and objects out."""

from pathlib import Path

import numpy as np
import torch

from simhand.hands.hand_object.checkpoint import load_checkpoint
from simhand.hands.hand_object.detections import Detection, find_detections
from simhand.hands.hand_object.image import network_input


class HandObjectDetector:
    """Holds the network on ``device`` and looks at one frame at a time, as published.

    Raises:
        DataError: ``weights`` is not the published checkpoint.
    """

    def __init__(self, weights: Path, device: torch.device, min_score: float, max_overlap: float) -> None:
        self._network = load_checkpoint(weights).to(device)
        self._device = device
        self._min_score, self._max_overlap = min_score, max_overlap

    @torch.inference_mode()
    def detect(self, rgb: np.ndarray) -> list[Detection]:
        """What is in ``rgb`` (height, width, 3) uint8: hands, then objects, each best first."""
        image, scale = network_input(rgb)
        height, width = image.shape[2:]
        regions = self._network(image.to(self._device))
        return find_detections(regions, width, height, scale, self._min_score, self._max_overlap)
