"""From the outputs of the region proposal network to the regions that are looked at closely."""

import torch
from torch import Tensor

from simhand.hands.hand_object.anchors import anchors_of
from simhand.hands.hand_object.boxes import clip, decode, suppress

CANDIDATES = 6000
"""Best anchors that take part (``TEST.RPN_PRE_NMS_TOP_N``, lib/model/utils/config.py)."""

MAX_OVERLAP = 0.7
"""``TEST.RPN_NMS_THRESH``."""

PROPOSALS = 300
"""Regions that remain (``TEST.RPN_POST_NMS_TOP_N``). ``TEST.RPN_MIN_SIZE`` is read nowhere."""

WIDER = 0.3
"""Share of a region's size added on each side for contact (lib/model/faster_rcnn/faster_rcnn.py)."""


def select_proposals(scores: Tensor, offsets: Tensor, width: int, height: int) -> Tensor:
    """The best (n, 4) regions of an image, n at most 300, best first (lib/model/rpn/proposal_layer.py).

    The published layer fills up with empty regions where fewer are found; here there are fewer.

    Args:
        scores: (12, rows, columns), how likely each anchor shows an object.
        offsets: (48, rows, columns), four numbers per anchor.
        width: of the network's input in pixels.
        height: of the network's input in pixels.
    """
    anchors = anchors_of(*scores.shape[1:]).to(scores)
    boxes = clip(decode(anchors, offsets.permute(1, 2, 0).reshape(-1, 4)), width, height)
    ranked, order = torch.sort(scores.permute(1, 2, 0).flatten(), descending=True, stable=True)
    best = boxes[order[:CANDIDATES]]
    return best[suppress(best, ranked[:CANDIDATES], MAX_OVERLAP)[:PROPOSALS]]


def widened(boxes: Tensor, width: int, height: int) -> Tensor:
    """``boxes`` (n, 4) with 30 % more on each side, for the heads that need what is around a hand.

    The published ``enlarge_bbox`` confuses the borders: it cuts x at the image's height and y at its
    width. The weights were trained that way, so it is done that way.
    """
    margin = WIDER * (boxes[:, 2:] - boxes[:, :2])
    low = (boxes[:, :2] - margin).clamp(min=0)
    high = (boxes[:, 2:] + margin).minimum(boxes.new_tensor([height, width]))
    return torch.cat([low, high], dim=1)
