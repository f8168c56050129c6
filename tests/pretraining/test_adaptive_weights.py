"""Adaptive weights: recordings, Eq. 2 by hand, and every degenerate batch."""

import itertools

import pytest
import torch
from recordings import cases, difference

from simhand.pretraining import row_blocks
from simhand.pretraining.adaptive_weights import (
    Spread,
    adaptive_weights,
    linear_weights,
    negative_weights,
    positive_weights,
    sigmoid_weights,
)
from simhand.pretraining.keypoint_distances import distances_to_all, pair_distance
from simhand.pretraining.nt_xent import nt_xent
from simhand.settings.pretrain import PretrainSettings


def hands(count, seed=0, views=None):
    torch.manual_seed(seed)
    return torch.rand(*([views] if views else []), count, 21, 2, dtype=torch.float64) * 128


def weights_of(first, second, **settings):
    """Weights (B,) of the pairs and (2B, 2B) of all, as the loss is given them."""
    both, settings = torch.cat([first, second]), PretrainSettings(**settings)
    (part,) = adaptive_weights(both, len(first), "both", settings).parts
    assert torch.equal(part.positive[: len(first), 1], part.positive[len(first) :, 0]), "the same both ways"
    return part.positive[: len(first), 1], part.negative(slice(0, len(both)))


@pytest.fixture(params=["one block", "blocks of five rows"])
def blocks(request, monkeypatch):
    if request.param != "one block":
        monkeypatch.setattr(row_blocks, "rows_per_block", lambda rows: 5)


@pytest.mark.usefixtures("blocks")
def test_linear_and_sigmoid_weights_equal_the_recordings(golden):
    recorded = golden("adaptive_weights.npz")
    for _, case in cases(recorded):
        pair, negative = weights_of(case["joints1"], case["joints2"])
        assert difference(pair, case["linear_pair_weight_f64"]) < 1e-9
        assert difference(negative, case["linear_negative_weight_f64"]) < 1e-9
        for number, (of_pairs, of_negatives) in enumerate(recorded["sigmoid_lambda_pairs"].tolist()):
            steepness = {"sigmoid_positive": of_pairs, "sigmoid_negative": of_negatives}
            pair, negative = weights_of(
                case["joints1"], case["joints2"], weight_function="sigmoid", **steepness
            )
            assert difference(pair, case[f"sigmoid{number}_pair_weight_f64"]) < 1e-9
            assert difference(negative, case[f"sigmoid{number}_negative_weight_f64"]) < 1e-9


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("kind", ["signed_mean", "absolute_mean"])
def test_the_other_distances_of_the_release_equal_the_recordings(golden, kind):
    for _, case in cases(golden("adaptive_weights.npz")):
        pair, negative = weights_of(case["joints1"], case["joints2"], weight_distance=kind)
        assert difference(pair, case[f"{kind}_pair_weight_f64"]) < 1e-9
        assert difference(negative, case[f"{kind}_negative_weight_f64"]) < 1e-9


def test_euclidean_weights_equal_the_recordings_of_vectors(golden):
    """The 14 numbers of a recorded vector stand for seven joints: the Euclidean distance is the same."""
    for _, case in cases(golden("adaptive_weights.npz")):
        first, second = (case[f"vectors14_view{view}"].unflatten(1, (7, 2)) for view in (1, 2))
        pair, negative = weights_of(first, second, weight_distance="euclidean")
        assert difference(pair, case["vectors14_pair_weight_f64"]) < 1e-9
        assert difference(negative, case["vectors14_negative_weight_f64"]) < 1e-9


def test_float32_stays_within_the_recorded_tolerance(golden):
    recorded = golden("adaptive_weights.npz")
    steepness = dict(
        zip(("sigmoid_positive", "sigmoid_negative"), recorded["sigmoid_lambda_pairs"][0], strict=True)
    )
    for _, case in cases(recorded):
        first, second = case["joints1"].float(), case["joints2"].float()
        for function, changes in (("linear", {}), ("sigmoid0", {"weight_function": "sigmoid"} | steepness)):
            pair, negative = weights_of(first, second, **changes)
            assert difference(pair, case[f"{function}_pair_weight_f32"]) < 1e-4
            assert difference(negative, case[f"{function}_negative_weight_f32"]) < 1e-4


def test_weighting_says_which_pairs_are_weighted():
    found = {}
    for weighting in ("none", "positive", "negative", "both"):
        (part,) = adaptive_weights(hands(8), 4, weighting, PretrainSettings()).parts
        found[weighting] = (part.positive is not None, part.negative is not None)
    assert found == {
        "none": (False, False),
        "positive": (True, False),
        "negative": (False, True),
        "both": (True, True),
    }


def test_equation_2_by_hand():
    distances = torch.tensor([3.0, 1.0, 2.0])
    assert linear_weights(distances, Spread(1.0, 3.0, 2.0)).tolist() == [0.0, 1.0, 0.5]
    assert sigmoid_weights(distances, Spread(1.0, 3.0, 2.0), 0.0).tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("kind", ["joint_mean", "euclidean", "signed_mean", "absolute_mean"])
def test_distances_are_those_of_a_loop(kind, monkeypatch):
    """In portions of one row too, as they are made for a large batch."""
    monkeypatch.setattr("simhand.pretraining.keypoint_distances.CACHED", 7)
    both = hands(6)
    found = distances_to_all(both[1:4], both, kind)
    for row, other in itertools.product(range(3), range(6)):
        joints = [(a - b).tolist() for a, b in zip(both[row + 1], both[other], strict=True)]
        expected = {
            "joint_mean": sum((x * x + y * y) ** 0.5 for x, y in joints) / 21,
            "euclidean": sum(x * x + y * y for x, y in joints) ** 0.5,
            "signed_mean": sum(((x + y) / 2) ** 2 for x, y in joints) ** 0.5,
            "absolute_mean": sum(((abs(x) + abs(y)) / 2) ** 2 for x, y in joints) ** 0.5,
        }[kind]
        assert found[row, other].item() == pytest.approx(expected, abs=1e-10)
    assert torch.equal(found[:, 1:4].diagonal(), torch.zeros(3, dtype=torch.float64))
    if kind in ("joint_mean", "euclidean"):
        assert torch.allclose(found[0], pair_distance(both[1:2].expand(6, 21, 2), both, kind))


def test_each_pair_of_views_of_a_hand_has_a_weight_of_its_own():
    """Relative to the nearest and the farthest of all of them, whichever views these are."""
    keypoints = hands(5, views=3)
    found = positive_weights(keypoints, PretrainSettings()).unflatten(0, (3, 5))
    distance = {
        (a, b, n): pair_distance(keypoints[a, n], keypoints[b, n]).item()
        for a, b in ((0, 1), (0, 2), (1, 2))
        for n in range(5)
    }
    low, high = min(distance.values()), max(distance.values())
    for (a, b, n), apart in distance.items():
        assert found[a, n, b] == found[b, n, a] == pytest.approx((high - apart) / (high - low))


def test_parts_have_weights_relative_to_themselves():
    first, second = hands(7), hands(7, 1)
    settings = PretrainSettings(contrasted_pairs=3)
    found = adaptive_weights(torch.cat([first, second]), 7, "both", settings)
    assert [part.hands for part in found.parts] == [slice(0, 2), slice(2, 4), slice(4, 7)]
    for part in found.parts:
        pair, negative = weights_of(first[part.hands], second[part.hands])
        assert torch.equal(part.positive[: len(pair), 1], pair)
        assert torch.equal(part.negative(slice(0, len(negative))), negative)


def test_negative_weights_come_in_rows(monkeypatch):
    keypoints = hands(12)
    in_one_block = negative_weights(keypoints, PretrainSettings())
    whole = in_one_block(slice(0, 12))
    assert torch.equal(in_one_block(slice(3, 7)), whole[3:7])
    monkeypatch.setattr(row_blocks, "rows_per_block", lambda rows: 5)
    rows_of = negative_weights(keypoints, PretrainSettings())
    assert torch.equal(torch.cat([rows_of(slice(0, 5)), rows_of(slice(5, 12))]), whole)
    assert whole.min() == 0 and torch.equal(whole.diagonal(), torch.ones(12, dtype=torch.float64))


DEGENERATE = {
    "one pair": lambda: (hands(1), hands(1, 1)),
    "one pair of equal hands": lambda: (hands(1), hands(1)),
    "identical hands": lambda: (hands(1).expand(5, 21, 2), hands(1).expand(5, 21, 2)),
    "equal distances": lambda: (hands(5), hands(5) + 4),
    "all joints on one point": lambda: (torch.full((5, 21, 2), 3.0), torch.full((5, 21, 2), 3.0)),
    "hugely far": lambda: (hands(5), hands(5, 1) * 1e30),
    "hardly apart": lambda: (hands(5), hands(5) + 1e-300),
    "one far hand": lambda: (hands(5), torch.cat([hands(4), hands(1) + 1e12])),
}


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
@pytest.mark.parametrize("distance", ["joint_mean", "euclidean", "signed_mean", "absolute_mean"])
@pytest.mark.parametrize("function", ["linear", "sigmoid"])
@pytest.mark.parametrize("degenerate", DEGENERATE)
def test_weights_are_finite_in_every_degenerate_batch(degenerate, function, distance, precision):
    first, second = (keypoints.to(precision) for keypoints in DEGENERATE[degenerate]())
    if degenerate == "hugely far" and precision == torch.float32:
        second = second / 1e15
    settings = {"weight_function": function, "weight_distance": distance}
    pair, negative = weights_of(first, second, **settings)
    for weight in (pair, negative):
        assert torch.isfinite(weight).all() and weight.min() >= 0 and weight.max() <= 1
    if function == "linear" and degenerate in ("one pair", "identical hands"):
        assert torch.equal(pair, torch.ones_like(pair))
    # And with them the loss and its gradient, for embeddings as degenerate.
    rows = torch.ones(2 * len(first), 4, dtype=precision, requires_grad=True)
    weights = adaptive_weights(
        torch.cat([first, second]), len(first), "both", PretrainSettings(**settings, contrasted_pairs=2)
    )
    loss = nt_xent(rows / 2, 0.5, weights)
    assert torch.isfinite(loss) and torch.isfinite(torch.autograd.grad(loss, rows)[0]).all()
