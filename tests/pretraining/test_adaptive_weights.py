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


def compare(found, case, name, precision="f64", tolerance=1e-9):
    """Weights of pairs and of all against a recorded kind; how many entries were recorded as numbers.

    Where the reference has 0 / 0 (one pair, equal distances) linear weights are 1 here.
    """
    compared = 0
    for weight, kind in zip(found, ("pair", "negative"), strict=True):
        recorded = case.get(f"{name}_{kind}_weight_{precision}")
        if recorded is not None:
            unknown = torch.isnan(recorded)
            assert torch.equal(weight[unknown], torch.ones_like(weight[unknown])), (name, kind)
            assert difference(weight, recorded) < tolerance, (name, kind)
            compared += int((~unknown).sum())
    return compared


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("precision, tolerance", [("f64", 1e-9), ("f32", 1e-4)])
def test_linear_and_sigmoid_weights_equal_the_recordings(golden, precision, tolerance):
    recorded, compared = golden("adaptive_weights.npz"), 0
    dtype = torch.float64 if precision == "f64" else torch.float32
    for _, case in cases(recorded):
        first, second = case["joints1"].to(dtype), case["joints2"].to(dtype)
        compared += compare(weights_of(first, second), case, "linear", precision, tolerance)
        for number, (of_pairs, of_negatives) in enumerate(recorded["sigmoid_lambda_pairs"].tolist()):
            steepness = {"sigmoid_positive": of_pairs, "sigmoid_negative": of_negatives}
            found = weights_of(first, second, weight_function="sigmoid", **steepness)
            compared += compare(found, case, f"sigmoid{number}", precision, tolerance)
    assert compared


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("kind", ["signed_mean", "absolute_mean"])
def test_the_other_distances_of_the_release_equal_the_recordings(golden, kind):
    compared = 0
    for _, case in cases(golden("adaptive_weights.npz")):
        compared += compare(weights_of(case["joints1"], case["joints2"], weight_distance=kind), case, kind)
    assert compared


def test_euclidean_weights_equal_the_recordings_of_vectors(golden):
    """The 14 numbers of a recorded vector stand for seven joints: the Euclidean distance is the same."""
    compared = 0
    for _, case in cases(golden("adaptive_weights.npz")):
        first, second = (case[f"vectors14_view{view}"].unflatten(1, (-1, 2)) for view in (1, 2))
        compared += compare(weights_of(first, second, weight_distance="euclidean"), case, "vectors14")
    assert compared


def test_a_recording_of_a_degenerate_batch_is_compared_as_far_as_it_goes():
    """The set at hand has none: of one pair, the weight of the pair is NaN in the reference."""
    first, second = hands(1), hands(1, 1)
    apart = distances_to_all(torch.cat([first, second]), torch.cat([first, second]))
    recorded = {
        "linear_pair_weight_f64": torch.full((1,), torch.nan, dtype=torch.float64),
        "linear_negative_weight_f64": 1 - apart / apart.max(),
    }
    assert compare(weights_of(first, second), recorded, "linear") == 4
    nothing = {name: torch.full_like(values, torch.nan) for name, values in recorded.items()}
    assert compare(weights_of(first, first), nothing, "linear") == 0
    with pytest.raises(AssertionError):
        compare(weights_of(first, second), nothing, "linear")


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
    assert linear_weights(distances, Spread(1.0, 3.0, 2.0, 0.0)).tolist() == [0.0, 1.0, 0.5]
    assert sigmoid_weights(distances, Spread(1.0, 3.0, 2.0, 0.0), 0.0).tolist() == [0.5, 0.5, 0.5]


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


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
@pytest.mark.parametrize("distance", ["joint_mean", "euclidean", "signed_mean", "absolute_mean"])
@pytest.mark.parametrize("shift_px", [0.01, 4.1])
def test_distances_that_only_rounding_tells_apart_are_equal(shift_px, distance, precision):
    """Six hands at several places, each shifted alike: rounding must not decide which positives count."""
    first = hands(6)
    second = first + shift_px
    apart = pair_distance(first.to(precision), second.to(precision), distance)
    assert apart.max() > apart.min(), "rounding tells them apart"
    pair, _ = weights_of(first.to(precision), second.to(precision), weight_distance=distance)
    assert torch.equal(pair, torch.ones_like(pair))
    pair, _ = weights_of(
        first.to(precision), second.to(precision), weight_distance=distance, weight_function="sigmoid"
    )
    assert torch.allclose(pair, torch.full_like(pair, 0.5), atol=1e-3)


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_equal_distances_of_three_views_are_equal(precision):
    """The views of each hand lie at the corners of a triangle with equal sides: several positives at once."""
    corners = torch.tensor([[0, 0], [4, 0], [2, 2 * 3**0.5]], dtype=torch.float64)
    keypoints = (hands(6) + corners[:, None, None]).to(precision)
    found = positive_weights(keypoints, PretrainSettings())
    assert torch.equal(found, torch.ones_like(found))


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_hands_that_only_rounding_tells_apart_are_equal_negatives(precision):
    alike = (hands(1) + torch.arange(6, dtype=torch.float64)[:, None, None] * 1e-16).to(precision)
    alike[0] += 40 * torch.finfo(precision).eps
    found = negative_weights(alike, PretrainSettings())(slice(0, 6))
    assert torch.equal(found, torch.ones_like(found))


def test_distances_that_differ_by_more_than_rounding_are_told_apart():
    """A hundredth of a pixel, in float32, makes the nearest and the farthest pair."""
    first = hands(2).float()
    pair, _ = weights_of(first, first + torch.tensor([4.0, 4.01])[:, None, None])
    assert pair.tolist() == [1.0, 0.0]


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
EQUAL = (
    "one pair",
    "one pair of equal hands",
    "identical hands",
    "equal distances",
    "all joints on one point",
)


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
    if function == "linear" and degenerate in EQUAL:
        assert torch.equal(pair, torch.ones_like(pair))
    # And with them the loss and its gradient, for embeddings as degenerate.
    rows = torch.ones(2 * len(first), 4, dtype=precision, requires_grad=True)
    weights = adaptive_weights(
        torch.cat([first, second]), len(first), "both", PretrainSettings(**settings, contrasted_pairs=2)
    )
    loss = nt_xent(rows / 2, 0.5, weights)
    assert torch.isfinite(loss) and torch.isfinite(torch.autograd.grad(loss, rows)[0]).all()
