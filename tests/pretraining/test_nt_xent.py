"""The contrastive loss: recordings, a loop written from the paper's Eq. 3, closed forms, symmetries."""

import math

import pytest
import torch
import torch.nn.functional as F
from recordings import cases, difference

from simhand.pretraining.nt_xent import nt_xent

VARIANTS = {
    "unweighted": (False, False),
    "positive_weighted": (True, False),
    "negative_weighted": (False, True),
    "both_weighted": (True, True),
}


def paper_loop(first, second, temperature, pair_weight, negative_weight):
    """Eq. 3, anchor by anchor, term by term."""
    z = [*first.tolist(), *second.tolist()]
    pairs, total = len(first), 0.0
    for i in range(2 * pairs):
        dot = [sum(a * b for a, b in zip(z[i], z[k], strict=True)) for k in range(2 * pairs)]
        positive = dot[(i + pairs) % (2 * pairs)]
        numerator = math.exp(pair_weight[i % pairs] * positive / temperature)
        others = (k for k in range(2 * pairs) if k != i)
        denominator = sum(math.exp(negative_weight[i][k] * dot[k] / temperature) for k in others)
        total += -math.log(numerator / denominator)
    return total / (2 * pairs)


def unit_rows(pairs, dimensions, seed):
    torch.manual_seed(seed)
    return F.normalize(torch.randn(pairs, dimensions, dtype=torch.float64), dim=1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_equals_the_recorded_losses_and_gradients(golden, variant):
    compared = 0
    for _, case in cases(golden("nt_xent.npz")):
        first, second = case["view1"].requires_grad_(), case["view2"].requires_grad_()
        on_positives, on_negatives = VARIANTS[variant]
        loss = nt_xent(
            first,
            second,
            float(case["temperature"]),
            case["pair_weight"] if on_positives else None,
            case["negative_weight"] if on_negatives else None,
        )
        assert difference(loss, case[f"stable_loss_{variant}"]) < 1e-10
        if torch.isfinite(case[f"loss_{variant}_f64"]):
            assert difference(loss, case[f"loss_{variant}_f64"]) < 1e-10
        gradients = torch.autograd.grad(loss, (first, second))
        for view, gradient in zip(("view1", "view2"), gradients, strict=True):
            if f"grad_{view}_{variant}_f64" in case:
                compared += 1
                assert difference(gradient, case[f"grad_{view}_{variant}_f64"]) < 1e-10
    assert compared >= 4


def test_float32_stays_within_the_recorded_tolerance(golden):
    for _, case in cases(golden("nt_xent.npz")):
        first, second = case["view1"].float().requires_grad_(), case["view2"].float().requires_grad_()
        weights = case["pair_weight"].float(), case["negative_weight"].float()
        loss = nt_xent(first, second, float(case["temperature"]), *weights)
        assert difference(loss, case["loss_both_weighted_f32"]) < 1e-5
        if "grad_view1_both_weighted_f32" in case:
            gradient = torch.autograd.grad(loss, first)[0]
            assert difference(gradient, case["grad_view1_both_weighted_f32"]) < 1e-5


def test_equals_a_loop_over_the_equation():
    first, second = unit_rows(5, 8, 1), unit_rows(5, 8, 2)
    pair_weight, negative_weight = torch.rand(5, dtype=torch.float64), torch.rand(10, 10, dtype=torch.float64)
    expected = paper_loop(first, second, 0.3, pair_weight.tolist(), negative_weight.tolist())
    assert nt_xent(first, second, 0.3, pair_weight, negative_weight).item() == pytest.approx(
        expected, abs=1e-12
    )


def test_identical_embeddings_cannot_be_told_apart():
    """Every of the 2N - 1 others is as likely: the loss is log(2N - 1)."""
    same = unit_rows(1, 8, 0).expand(6, 8)
    assert nt_xent(same, same, 0.5).item() == pytest.approx(math.log(11), abs=1e-12)


def test_orthogonal_pairs_have_a_closed_form():
    """Positives at 1, all 2N - 2 negatives at 0: log(e^(1/t) + 2N - 2) - 1/t."""
    rows = torch.eye(4, dtype=torch.float64)
    assert nt_xent(rows, rows, 0.5).item() == pytest.approx(math.log(math.exp(2) + 6) - 2, abs=1e-12)


def test_does_not_depend_on_the_order_of_views_or_pairs():
    first, second, order = unit_rows(6, 16, 3), unit_rows(6, 16, 4), torch.tensor([3, 0, 5, 1, 4, 2])
    weight = torch.rand(6, dtype=torch.float64)
    loss = nt_xent(first, second, 0.5, weight)
    assert nt_xent(second, first, 0.5, weight).item() == pytest.approx(loss.item(), abs=1e-12)
    assert nt_xent(first[order], second[order], 0.5, weight[order]).item() == pytest.approx(
        loss.item(), abs=1e-12
    )


def test_weights_of_one_change_nothing():
    first, second = unit_rows(4, 8, 5), unit_rows(4, 8, 6)
    ones = nt_xent(first, second, 0.5, first.new_ones(4), first.new_ones(8, 8))
    assert ones.item() == pytest.approx(nt_xent(first, second, 0.5).item(), abs=1e-14)


def test_tiny_temperatures_stay_finite():
    first, second = unit_rows(4, 8, 7).requires_grad_(), unit_rows(4, 8, 8)
    loss = nt_xent(first, second, 1e-4)
    assert torch.isfinite(loss) and torch.isfinite(torch.autograd.grad(loss, first)[0]).all()
