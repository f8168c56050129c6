"""The network, module by module under the names of the published checkpoint."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
import torchvision
from torch import Tensor, nn

from simhand.hands.hand_object.anchors import RATIOS, SCALES, STRIDE_PX
from simhand.hands.hand_object.proposals import select_proposals, widened

CLASSES = ("background", "object", "hand")
"""In the order of the outputs (lib/datasets/pascal_voc.py)."""

CONTACT_STATES = 5
POOLED_CELLS = 7
"""Side of a pooled region (``POOLING_SIZE``, lib/model/utils/config.py)."""

ANCHORS = len(RATIOS) * len(SCALES)


@dataclass(frozen=True)
class Regions:
    """What the network says about n regions of an image.

    Attributes:
        boxes: (n, 4) in pixels of the network's input.
        scores: (n, 3) probabilities of the ``CLASSES``.
        offsets: (n, 3, 4) from the region to the box of each class, in units of its training.
        contact: (n, 5) logits of the contact states.
        towards_object: (n, 3): distance to the touched object, then its direction x, y of length 0.1.
        side: (n,) logits of being a right hand.
    """

    boxes: Tensor
    scores: Tensor
    offsets: Tensor
    contact: Tensor
    towards_object: Tensor
    side: Tensor


class HandObjectNetwork(nn.Module):
    """ResNet-101 Faster R-CNN with hand heads (lib/model/faster_rcnn/{resnet,faster_rcnn}.py)."""

    def __init__(self) -> None:
        super().__init__()
        resnet = _caffe_resnet101()
        self.RCNN_rpn = _ProposalNetwork()
        self.extension_layer = _HandLayers()
        self.RCNN_base = nn.Sequential(
            *(resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool),
            *(resnet.layer1, resnet.layer2, resnet.layer3),
        )
        self.RCNN_top = nn.Sequential(resnet.layer4)
        self.RCNN_cls_score = nn.Linear(2048, len(CLASSES))
        self.RCNN_bbox_pred = nn.Linear(2048, 4 * len(CLASSES))

    def forward(self, image: Tensor) -> Regions:
        """The regions of one ``image`` (1, 3, height, width) as ``image.network_input`` makes it."""
        height, width = image.shape[2:]
        features = self.RCNN_base(image)
        scores, offsets = self.RCNN_rpn(features)
        boxes = select_proposals(scores, offsets, width, height)
        region = self._describe(features, boxes)
        surroundings = self._describe(features, widened(boxes, width, height))
        return Regions(
            boxes=boxes,
            scores=F.softmax(self.RCNN_cls_score(region), dim=1),
            offsets=self.RCNN_bbox_pred(region).view(-1, len(CLASSES), 4),
            contact=self.extension_layer.hand_contact_state_layer(surroundings),
            towards_object=self.extension_layer.towards_object(surroundings),
            side=self.extension_layer.hand_lr_layer(region).squeeze(1),
        )

    def _describe(self, features: Tensor, boxes: Tensor) -> Tensor:
        """(n, 2048) features of ``boxes``: as many samples per cell as it is wide, no half-pixel shift."""
        pooled = torchvision.ops.roi_align(
            features, [boxes], POOLED_CELLS, spatial_scale=1 / STRIDE_PX, sampling_ratio=-1, aligned=False
        )
        return self.RCNN_top(pooled).mean(dim=3).mean(dim=2)


class _ProposalNetwork(nn.Module):
    """Scores and offsets of the anchors (lib/model/rpn/rpn.py)."""

    def __init__(self) -> None:
        super().__init__()
        self.RPN_Conv = nn.Conv2d(1024, 512, kernel_size=3, padding=1)
        self.RPN_cls_score = nn.Conv2d(512, 2 * ANCHORS, kernel_size=1)
        self.RPN_bbox_pred = nn.Conv2d(512, 4 * ANCHORS, kernel_size=1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(12, rows, columns) probabilities of an object and (48, rows, columns) offsets."""
        hidden = F.relu(self.RPN_Conv(features))
        background, foreground = self.RPN_cls_score(hidden)[0].split(ANCHORS)
        scores = torch.stack([background, foreground]).softmax(dim=0)[1]
        return scores, self.RPN_bbox_pred(hidden)[0]


class _HandLayers(nn.Module):
    """What is told of a hand beyond its box (lib/model/extension_layers/extension_layers.py)."""

    def __init__(self) -> None:
        super().__init__()
        self.hand_contact_state_layer = nn.Sequential(
            nn.Linear(2048, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, CONTACT_STATES)
        )
        self.hand_dydx_layer = nn.Linear(2048, 3)
        self.hand_lr_layer = nn.Linear(2048, 1)

    def towards_object(self, features: Tensor) -> Tensor:
        """(n, 3): distance, and direction x, y at a length of 0.1."""
        distance, direction = self.hand_dydx_layer(features).split([1, 2], dim=1)
        return torch.cat([distance, 0.1 * F.normalize(direction, dim=1)], dim=1)


def _caffe_resnet101() -> torchvision.models.ResNet:
    """ResNet-101 of torchvision with the strides of Caffe's: in the first convolution of a block.

    Its max pooling has no border and looks at the last, incomplete window too.
    """
    resnet = torchvision.models.resnet101(weights=None)
    resnet.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
    for layer in (resnet.layer2, resnet.layer3, resnet.layer4):
        layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
    return resnet
