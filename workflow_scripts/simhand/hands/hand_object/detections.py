"""From the regions of the network to hands and objects in the frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from simhand.hands.hand_object.boxes import clip, decode, suppress
from simhand.hands.hand_object.network import CLASSES, Regions

OFFSET_SCALE = (0.1, 0.1, 0.2, 0.2)
"""Units of the box offsets (``TRAIN.BBOX_NORMALIZE_STDS``, lib/model/utils/config.py; the means are 0)."""


@dataclass(frozen=True)
class Detection:
    """A hand or an object in a frame; what only hands have is None for an object.

    Attributes:
        kind: hand or object.
        box: x1, y1, x2, y2 in pixels of the frame.
        score: the probability of its class.
        side: the person's own left or right.
        contact_state: 0 none, 1 own body, 2 another person, 3 portable object, 4 stationary object.
        offset: x, y and magnitude: the touched object's centre is the hand's plus
            10,000 * magnitude * (x, y) pixels; (x, y) has length 0.1 (lib/model/utils/net_utils.py).
    """

    kind: Literal["hand", "object"]
    box: tuple[float, float, float, float]
    score: float
    side: Literal["left", "right"] | None
    contact_state: int | None
    offset: tuple[float, float, float] | None


def find_detections(
    regions: Regions, width: int, height: int, scale: float, min_score: float, max_overlap: float
) -> list[Detection]:
    """Hands, then objects, each best first, with a score above ``min_score`` (demo.py).

    Args:
        regions: of the network.
        width: of the network's input in pixels.
        height: of the network's input in pixels.
        scale: pixels of the network's input per pixel of the frame.
        min_score: what is less likely is left out.
        max_overlap: intersection over union at which the less likely of two boxes of a class is left out.
    """
    offsets = regions.offsets * regions.offsets.new_tensor(OFFSET_SCALE)
    boxes = clip(decode(regions.boxes, offsets), width, height) / scale
    found: list[Detection] = []
    for kind in ("hand", "object"):
        number = CLASSES.index(kind)
        scores = regions.scores[:, number]
        likely = torch.nonzero(scores > min_score).flatten()
        kept = likely[suppress(boxes[likely, number], scores[likely], max_overlap)]
        rows = zip(kept.tolist(), boxes[kept, number].tolist(), scores[kept].tolist(), strict=True)
        found += _hands(regions, rows) if kind == "hand" else _objects(rows)
    return found


Row = tuple[int, list[float], float]
"""Number of the region, box in the frame, score."""


def _hands(regions: Regions, rows: Iterator[Row]) -> Iterator[Detection]:
    contact = regions.contact.argmax(dim=1).tolist()
    towards = regions.towards_object.tolist()
    is_right = (regions.side.sigmoid() > 0.5).tolist()
    for region, (x1, y1, x2, y2), score in rows:
        magnitude, x, y = towards[region]
        side: Literal["left", "right"] = "right" if is_right[region] else "left"
        yield Detection("hand", (x1, y1, x2, y2), score, side, contact[region], (x, y, magnitude))


def _objects(rows: Iterator[Row]) -> Iterator[Detection]:
    for _, (x1, y1, x2, y2), score in rows:
        yield Detection("object", (x1, y1, x2, y2), score, None, None, None)
