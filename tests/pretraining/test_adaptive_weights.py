"""Adaptive weights: recordings, Eq. 2 by hand, and every degenerate batch."""

import pytest
import torch
from recordings import cases, difference

from simhand.pretraining.adaptive_weights import (
    adaptive_weights,
    all_distances,
    linear_weights,
    pair_distance,
    sigmoid_weights,
)
from simhand.settings.pretrain import PretrainSettings


def hands(count, seed=0):
    torch.manual_seed(seed)
    return torch.rand(count, 21, 2, dtype=torch.float64) * 128


def test_linear_and_sigmoid_weights_equal_the_recordings(golden):
    recorded = golden("adaptive_weights.npz")
    for _, case in cases(recorded):
        first, second = case["joints1"], case["joints2"]
        pair, negative = pair_distance(first, second), all_distances(torch.cat([first, second]))
        assert difference(linear_weights(pair), case["linear_pair_weight_f64"]) < 1e-9
        assert difference(linear_weights(negative), case["linear_negative_weight_f64"]) < 1e-9
        for number, (of_pairs, of_negatives) in enumerate(recorded["sigmoid_lambda_pairs"]):
            assert (
                difference(sigmoid_weights(pair, of_pairs), case[f"sigmoid{number}_pair_weight_f64"]) < 1e-9
            )
            found = sigmoid_weights(negative, of_negatives)
            assert difference(found, case[f"sigmoid{number}_negative_weight_f64"]) < 1e-9


@pytest.mark.parametrize("kind", ["signed_mean", "absolute_mean"])
def test_the_other_distances_of_the_release_equal_the_recordings(golden, kind):
    for _, case in cases(golden("adaptive_weights.npz")):
        first, second = case["joints1"], case["joints2"]
        pair = linear_weights(pair_distance(first, second, kind))
        negative = linear_weights(all_distances(torch.cat([first, second]), kind))
        assert difference(pair, case[f"{kind}_pair_weight_f64"]) < 1e-9
        assert difference(negative, case[f"{kind}_negative_weight_f64"]) < 1e-9


def test_linear_weights_of_vectors_equal_the_recordings(golden):
    for _, case in cases(golden("adaptive_weights.npz")):
        first, second = case["vectors14_view1"], case["vectors14_view2"]
        vectors = torch.cat([first, second])
        assert (
            difference(linear_weights((first - second).norm(dim=1)), case["vectors14_pair_weight_f64"]) < 1e-9
        )
        distances = (vectors[:, None] - vectors[None]).norm(dim=2)
        assert difference(linear_weights(distances), case["vectors14_negative_weight_f64"]) < 1e-9


def test_float32_stays_within_the_recorded_tolerance(golden):
    for _, case in cases(golden("adaptive_weights.npz")):
        first, second = case["joints1"].float(), case["joints2"].float()
        weights = adaptive_weights(first, second, "both", PretrainSettings())
        assert difference(weights.pair, case["linear_pair_weight_f32"]) < 1e-4
        assert difference(weights.negative, case["linear_negative_weight_f32"]) < 1e-4


def test_weighting_says_which_pairs_are_weighted():
    first, second = hands(4), hands(4, 1)
    found = {
        weighting: tuple(
            weight is not None for weight in adaptive_weights(first, second, weighting, PretrainSettings())
        )
        for weighting in ("none", "positive", "negative", "both")
    }
    assert found == {
        "none": (False, False),
        "positive": (True, False),
        "negative": (False, True),
        "both": (True, True),
    }


def test_equation_2_by_hand():
    assert linear_weights(torch.tensor([3.0, 1.0, 2.0])).tolist() == [0.0, 1.0, 0.5]


def test_sigmoid_settings_reach_the_weights():
    first, second = hands(4), hands(4, 1)
    settings = PretrainSettings(weight_function="sigmoid", sigmoid_positive=2.0, sigmoid_negative=0.01)
    weights = adaptive_weights(first, second, "both", settings)
    assert torch.equal(weights.pair, sigmoid_weights(pair_distance(first, second), 2.0))
    assert torch.equal(weights.negative, sigmoid_weights(all_distances(torch.cat([first, second])), 0.01))


def test_distances_of_all_hands_are_those_of_pairs():
    both = hands(6)
    distances = all_distances(both)
    assert torch.equal(distances.diagonal(), torch.zeros(6, dtype=torch.float64))
    assert torch.allclose(distances, distances.T)
    assert torch.allclose(distances[0, 1:], pair_distance(both[:1].expand(5, 21, 2), both[1:]))


@pytest.mark.parametrize("function", ["linear", "sigmoid"])
@pytest.mark.parametrize(
    "degenerate", ["one pair", "identical hands", "equal distances", "hugely far", "hardly apart"]
)
def test_weights_are_finite_in_every_degenerate_batch(function, degenerate):
    first, second = (
        hands(1 if degenerate == "one pair" else 5),
        hands(1 if degenerate == "one pair" else 5, 1),
    )
    if degenerate == "identical hands":
        first = second = first[:1].expand(5, 21, 2)
    if degenerate == "equal distances":
        second = first + 4
    if degenerate == "hugely far":
        second = second * 1e30
    if degenerate == "hardly apart":
        second = first + 1e-300
    weights = adaptive_weights(first, second, "both", PretrainSettings(weight_function=function))
    for weight in weights:
        assert torch.isfinite(weight).all() and weight.min() >= 0 and weight.max() <= 1
    if function == "linear" and degenerate in ("one pair", "identical hands"):
        assert torch.equal(weights.pair, torch.ones_like(weights.pair))
