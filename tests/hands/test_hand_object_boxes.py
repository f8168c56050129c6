"""Anchors, boxes and proposals of the hand-object detector against published values and naive loops."""

import math

import numpy as np
import pytest
import torch

from simhand.hands.hand_object import proposals
from simhand.hands.hand_object.anchors import anchors_of, cell_anchors
from simhand.hands.hand_object.boxes import clip, decode, suppress
from simhand.hands.hand_object.proposals import select_proposals, widened

PUBLISHED = {  # by the authors of Faster R-CNN for scales 8, 16 and 32, in MATLAB, which counts from 1
    0.5: [(-83, -39, 100, 56), (-175, -87, 192, 104), (-359, -183, 376, 200)],
    1.0: [(-55, -55, 72, 72), (-119, -119, 136, 136), (-247, -247, 264, 264)],
    2.0: [(-35, -79, 52, 96), (-79, -167, 96, 184), (-167, -343, 184, 360)],
}


def naive_overlap(a, b):
    """Intersection over union of boxes whose last pixel belongs to them."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return shared / (sum(areas) - shared)


def naive_suppression(boxes, scores, max_overlap):
    kept = []
    for candidate in sorted(range(len(boxes)), key=lambda row: -scores[row]):
        if all(naive_overlap(boxes[candidate], boxes[other]) <= max_overlap for other in kept):
            kept.append(candidate)
    return kept


def naive_decode(box, offset):
    width, height = box[2] - box[0] + 1, box[3] - box[1] + 1
    x = box[0] + width / 2 + offset[0] * width
    y = box[1] + height / 2 + offset[1] * height
    width, height = width * math.exp(offset[2]), height * math.exp(offset[3])
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def test_anchors_are_the_published_ones():
    found = cell_anchors().reshape(3, 4, 4)
    for number, boxes in enumerate(PUBLISHED.values()):
        np.testing.assert_array_equal(found[number, :3] + 1, boxes)
    sizes = found[..., 2:] - found[..., :2] + 1
    torch.testing.assert_close(sizes[:, 3], 2 * sizes[:, 2])
    assert (found[..., :2] + found[..., 2:] == 15).all(), "all sit on the middle of the cell"


def test_anchors_go_row_by_row():
    anchors = anchors_of(2, 3).reshape(2, 3, 12, 4)
    shift = anchors[1, 2] - cell_anchors()
    assert (shift == torch.tensor([32.0, 16.0, 32.0, 16.0])).all()


def test_decoding_against_a_loop(random_boxes):
    offsets = torch.randn(len(random_boxes), 3, 4, generator=torch.Generator().manual_seed(1))
    found = decode(random_boxes, offsets)
    expected = [
        [naive_decode(box, one) for one in row]
        for box, row in zip(random_boxes.tolist(), offsets.tolist(), strict=True)
    ]
    torch.testing.assert_close(found, torch.tensor(expected))
    torch.testing.assert_close(decode(random_boxes, offsets[:, 0]), found[:, 0])


def test_clipping_keeps_the_last_pixel():
    boxes = torch.tensor([[[-5.0, -1.0, 99.0, 40.0], [50.0, 60.0, 200.0, 201.0]]])
    assert clip(boxes, width=100, height=50).tolist() == [[[0, 0, 99, 40], [50, 49, 99, 49]]]


def test_suppression_counts_the_last_pixel():
    boxes = torch.tensor([[0.0, 0, 9, 9], [5, 0, 14, 9]])  # 1/3 with it, 2/7 without
    assert suppress(boxes, torch.tensor([0.5, 0.9]), 0.3).tolist() == [1]
    assert suppress(boxes, torch.tensor([0.5, 0.9]), 0.34).tolist() == [1, 0]


@pytest.mark.parametrize("max_overlap", [0.3, 0.7])
def test_suppression_against_a_loop(random_boxes, max_overlap):
    scores = torch.rand(len(random_boxes), generator=torch.Generator().manual_seed(2))
    expected = naive_suppression(random_boxes.tolist(), scores.tolist(), max_overlap)
    assert suppress(random_boxes, scores, max_overlap).tolist() == expected
    assert 3 < len(expected) < len(random_boxes)


def test_proposals_against_a_loop(monkeypatch):
    monkeypatch.setattr(proposals, "CANDIDATES", 90)
    monkeypatch.setattr(proposals, "PROPOSALS", 20)
    rows, columns, width, height = 3, 4, 200, 150
    generator = torch.Generator().manual_seed(3)
    scores = torch.rand(12, rows, columns, generator=generator)
    offsets = 0.3 * torch.randn(48, rows, columns, generator=generator) - 0.5
    candidates = []
    for row in range(rows):
        for column in range(columns):
            for number, anchor in enumerate(cell_anchors().tolist()):
                moved = [edge + 16 * shift for edge, shift in zip(anchor, [column, row] * 2, strict=True)]
                box = naive_decode(moved, offsets[4 * number : 4 * number + 4, row, column].tolist())
                limits = [width - 1, height - 1] * 2
                box = [min(max(edge, 0), limit) for edge, limit in zip(box, limits, strict=True)]
                candidates.append((float(scores[number, row, column]), box))
    best = sorted(candidates, key=lambda candidate: -candidate[0])[:90]
    boxes = [box for _, box in best]
    kept = naive_suppression(boxes, [score for score, _ in best], 0.7)
    assert len(kept) > 20, "the limit must cut some off"
    expected = torch.tensor([boxes[number] for number in kept[:20]])
    torch.testing.assert_close(select_proposals(scores, offsets, width, height), expected)


def test_wider_boxes_end_at_the_borders_that_the_published_code_confuses():
    boxes = torch.tensor([[10.0, 10, 110, 60], [2, 3, 12, 13], [260, 40, 290, 80]])
    expected = [[0, 0, 140, 75], [0, 0, 15, 16], [251, 28, 200, 92]]  # x ends at 200, y at 300
    torch.testing.assert_close(widened(boxes, width=300, height=200), torch.tensor(expected).float())


@pytest.fixture(scope="module")
def random_boxes():
    corners = 100 * torch.rand(60, 2, generator=torch.Generator().manual_seed(0))
    sizes = 10 + 60 * torch.rand(60, 2, generator=torch.Generator().manual_seed(4))
    return torch.cat([corners, corners + sizes], dim=1)
