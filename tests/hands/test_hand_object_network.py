"""The network of the hand-object detector against what the public source makes of the same weights.

tests/hands/hand_object_names.txt and tests/golden/hand_object_detector.npz were recorded, outside this
repository, from the forward path of the public source on a CPU: faster_rcnn.py, extension_layers.py and the
end of demo.py of ddshan/hand_object_detector; resnet.py, rpn.py, proposal_layer.py and bbox_transform.py of
its forks, which its own index lacks; torchvision's ROI align and a loop of nms.cu instead of its compiled
kernels; the weights and the image of ``hand_object_weights``.
"""

import math

import numpy as np
import pytest
import torch
from hand_object_weights import (
    MIN_SCORE,
    SCALE,
    names_and_shapes,
    random_image,
    random_regions,
    random_weights,
    save_checkpoint,
)
from torch import nn

from simhand.hands.hand_object.checkpoint import load_checkpoint
from simhand.hands.hand_object.detections import find_detections
from simhand.hands.hand_object.network import HandObjectNetwork, Regions

PUBLISHED_BYTES = 378_147_662
"""Size of faster_rcnn_1_8_132028.pth, as those who have it write."""


@pytest.fixture(scope="module")
def network():
    with torch.device("meta"):
        return HandObjectNetwork()


def test_names_and_shapes_are_the_published_ones(network):
    found = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert found == names_and_shapes()


def test_weights_and_momentum_fill_the_published_file(network):
    """Other anchors, classes or a missing layer would be off by more than what pickle adds per tensor."""
    weights = sum(tensor.nbytes for tensor in network.state_dict().values())
    trained = [
        parameter.nbytes
        for name, parameter in network.named_parameters()
        if not (name.startswith(("RCNN_base.0.", "RCNN_base.1.", "RCNN_base.4.")) or ".bn" in name)
        and ".downsample.1." not in name
    ]
    tensors = len(network.state_dict()) + len(trained)
    overhead = PUBLISHED_BYTES - weights - sum(trained)
    assert 150 * tensors < overhead < 250 * tensors


def test_regions_are_those_of_the_public_source(golden, tmp_path):
    weights = random_weights(names_and_shapes())
    loaded = load_checkpoint(save_checkpoint(tmp_path / "weights.pth", weights))
    with torch.inference_mode():
        found = loaded(random_image())
    expected = golden("hand_object_detector.npz")
    # rounding may swap proposals of nearly equal scores, and so drop or add a few
    distance = np.abs(expected["boxes"][:, None] - found.boxes.numpy()[None]).max(axis=2)
    nearest, same = distance.argmin(axis=1), distance.min(axis=1) < 0.05
    assert same.mean() > 0.95 and len(found.boxes) == pytest.approx(len(same), rel=0.05)
    for name in ("scores", "offsets", "contact", "towards_object", "side"):
        ours = getattr(found, name).numpy()[nearest[same]].reshape(same.sum(), -1)
        published = expected[name][same].reshape(same.sum(), -1)
        np.testing.assert_allclose(ours, published, atol=0.01 * published.std(), err_msg=name)


def test_detections_are_those_of_the_public_source(golden):
    published = golden("hand_object_detector.npz")
    regions = Regions(**{name: torch.from_numpy(values) for name, values in random_regions().items()})
    found = find_detections(regions, 192, 128, SCALE, MIN_SCORE, 0.3)
    hands = [
        (*hand.box, hand.score, hand.contact_state, hand.offset[2], *hand.offset[:2], hand.side == "right")
        for hand in found
        if hand.kind == "hand"
    ]
    objects = [(*thing.box, thing.score) for thing in found if thing.kind == "object"]
    np.testing.assert_allclose(np.array(hands), published["hands"], atol=1e-4)
    np.testing.assert_allclose(np.array(objects), published["objects"][:, :5], atol=1e-4)
    assert {hand[5] for hand in hands} == {0, 1, 2, 3, 4}
    assert {hand[-1] for hand in hands} == {True, False}


def test_pooling_against_a_loop():
    """Samples of a region: as many per cell as it is wide, bilinear, not shifted by half a pixel."""
    network = HandObjectNetwork.__new__(HandObjectNetwork)
    nn.Module.__init__(network)
    network.RCNN_top = nn.Identity()
    features = torch.rand(1, 2, 6, 9, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([[3.0, 5.0, 120.0, 77.0], [40.0, 30.0, 41.0, 31.0], [80.0, 60.0, 30.0, 90.0]])
    expected = [naive_mean_of_region(features[0], [edge / 16 for edge in box]) for box in boxes.tolist()]
    torch.testing.assert_close(network._describe(features, boxes), torch.tensor(expected))


def naive_mean_of_region(features, box):
    width, height = max(box[2] - box[0], 1), max(box[3] - box[1], 1)
    samples = [math.ceil(size / 7) for size in (width, height)]
    cells = []
    for row in range(7):
        for column in range(7):
            values = [
                bilinear(
                    features,
                    box[0] + (column + (i + 0.5) / samples[0]) * width / 7,
                    box[1] + (row + (j + 0.5) / samples[1]) * height / 7,
                )
                for i in range(samples[0])
                for j in range(samples[1])
            ]
            cells.append(np.mean(values, axis=0))
    return np.mean(cells, axis=0).astype(np.float32).tolist()


def bilinear(features, x, y):
    rows, columns = features.shape[1:]
    if not (-1 <= x <= columns and -1 <= y <= rows):
        return np.zeros(len(features))
    x, y = min(max(x, 0), columns - 1), min(max(y, 0), rows - 1)
    left, top = min(int(x), columns - 2), min(int(y), rows - 2)
    across, down = x - left, y - top
    patch = features[:, top : top + 2, left : left + 2].numpy()
    rows_mixed = patch[:, 0] * (1 - down) + patch[:, 1] * down
    return rows_mixed[:, 0] * (1 - across) + rows_mixed[:, 1] * across
