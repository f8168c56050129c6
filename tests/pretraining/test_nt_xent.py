"""The contrastive loss: recordings, a loop written from the paper's Eq. 3, closed forms, symmetries."""

import math

import pytest
import torch
import torch.nn.functional as F
from direct_loss import direct_nt_xent, given_weights
from recordings import cases, difference

from simhand.pretraining import row_blocks
from simhand.pretraining.nt_xent import nt_xent

VARIANTS = {
    "unweighted": (False, False),
    "positive_weighted": (True, False),
    "negative_weighted": (False, True),
    "both_weighted": (True, True),
}


def loss_of(first, second, temperature, pair_weight=None, negative_weight=None):
    weights = given_weights(len(first), pair_weight, negative_weight)
    return nt_xent(torch.cat([first, second]), temperature, weights)


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


def unit_rows(rows, dimensions, seed):
    torch.manual_seed(seed)
    return F.normalize(torch.randn(rows, dimensions, dtype=torch.float64), dim=1)


@pytest.fixture(params=["one block", "blocks of three rows"])
def blocks(request, monkeypatch):
    """The loss in one block, and in blocks that do not divide the rows evenly."""
    if request.param != "one block":
        monkeypatch.setattr(row_blocks, "rows_per_block", lambda rows: 3)


def recorded_loss(case, variant, precision):
    """Loss and views of a recorded case."""
    on_positives, on_negatives = VARIANTS[variant]
    first, second = (case[view].to(precision).requires_grad_() for view in ("view1", "view2"))
    loss = loss_of(
        first,
        second,
        float(case["temperature"]),
        case["pair_weight"].to(precision) if on_positives else None,
        case["negative_weight"].to(precision) if on_negatives else None,
    )
    return loss, first, second


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("variant", VARIANTS)
def test_equals_the_recorded_losses_and_gradients(golden, variant):
    compared = 0
    for _, case in cases(golden("nt_xent.npz")):
        loss, *views = recorded_loss(case, variant, torch.float64)
        assert difference(loss, case[f"stable_loss_{variant}"]) < 1e-10
        assert difference(loss, case[f"loss_{variant}_f64"]) < 1e-10
        gradients = torch.autograd.grad(loss, views)
        for view, gradient in zip(("view1", "view2"), gradients, strict=True):
            if f"grad_{view}_{variant}_f64" in case:
                compared += 1
                assert difference(gradient, case[f"grad_{view}_{variant}_f64"]) < 1e-10
    assert compared, "no case has this gradient"


@pytest.mark.parametrize("variant", VARIANTS)
def test_float32_stays_within_the_recorded_tolerance(golden, variant):
    """Gradients of some variants are recorded in float64 only."""
    compared = 0
    for _, case in cases(golden("nt_xent.npz")):
        loss, *views = recorded_loss(case, variant, torch.float32)
        compared += int(torch.isfinite(case[f"loss_{variant}_f32"]))
        assert difference(loss, case[f"loss_{variant}_f32"]) < 1e-5
        gradients = torch.autograd.grad(loss, views)
        for view, gradient in zip(("view1", "view2"), gradients, strict=True):
            if f"grad_{view}_{variant}_f32" in case:
                assert difference(gradient, case[f"grad_{view}_{variant}_f32"]) < 1e-5
    assert compared, "the reference has no finite loss"


def test_equals_a_loop_over_the_equation():
    first, second = unit_rows(5, 8, 1), unit_rows(5, 8, 2)
    pair_weight, negative_weight = torch.rand(5, dtype=torch.float64), torch.rand(10, 10, dtype=torch.float64)
    expected = paper_loop(first, second, 0.3, pair_weight.tolist(), negative_weight.tolist())
    assert loss_of(first, second, 0.3, pair_weight, negative_weight).item() == pytest.approx(
        expected, abs=1e-12
    )


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("views, hands", [(2, 1), (2, 10), (3, 7), (4, 5)])
@pytest.mark.parametrize("variant", VARIANTS)
def test_streamed_equals_direct_for_any_number_of_views(views, hands, variant):
    """Value and gradient; W is not symmetric, so that a transposed one would show."""
    on_positives, on_negatives = VARIANTS[variant]
    rows = unit_rows(views * hands, 16, 3).requires_grad_()
    positive = torch.rand(views, views, hands, dtype=torch.float64) if on_positives else None
    negative = torch.rand(views * hands, views * hands, dtype=torch.float64) if on_negatives else None
    direct = direct_nt_xent(rows, hands, 0.2, positive, negative)
    streamed = nt_xent(rows, 0.2, given_weights(hands, positive, negative))
    assert streamed.item() == pytest.approx(direct.item(), abs=1e-10)
    # Twice the loss, so that what comes from above must be passed on.
    expected, found = (torch.autograd.grad(2 * loss, rows)[0] for loss in (direct, streamed))
    assert (found - expected).abs().max() < 1e-10


@pytest.mark.usefixtures("blocks")
def test_the_gradient_is_that_of_the_loss():
    rows = unit_rows(9, 4, 0).requires_grad_()
    weights = given_weights(
        3, torch.rand(3, 3, 3, dtype=torch.float64), torch.rand(9, 9, dtype=torch.float64)
    )
    assert torch.autograd.gradcheck(lambda z: nt_xent(z, 0.5, weights), rows)


def test_a_gradient_of_the_gradient_is_refused():
    rows = unit_rows(4, 4, 0).requires_grad_()
    (gradient,) = torch.autograd.grad(nt_xent(rows, 0.5, given_weights(2)), rows, create_graph=True)
    with pytest.raises(RuntimeError):
        gradient.sum().backward()


def test_parts_of_a_batch_are_contrasted_by_themselves():
    """As each GPU of the release: the mean loss of its parts, whose views are no negatives of each other."""
    first, second = unit_rows(6, 8, 1).requires_grad_(), unit_rows(6, 8, 2)
    whole = given_weights(6)
    parts = [whole.parts[0]._replace(hands=slice(0, 3)), whole.parts[0]._replace(hands=slice(3, 6))]
    found = nt_xent(torch.cat([first, second]), 0.5, whole._replace(parts=parts))
    expected = (loss_of(first[:3], second[:3], 0.5) + loss_of(first[3:], second[3:], 0.5)) / 2
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)
    gradients = [torch.autograd.grad(loss, first)[0] for loss in (found, expected)]
    assert torch.allclose(*gradients, atol=1e-12)


def test_no_block_holds_more_than_it_may(monkeypatch):
    """The blocks cover every row once, and none exceeds its share of memory."""
    monkeypatch.setattr(row_blocks, "BLOCK_BYTES", 1000)
    rows = torch.empty(40, 3)
    blocks = list(row_blocks.own_row_blocks(rows))
    assert [row for block in blocks for row in range(40)[block]] == list(range(40))
    assert max(block.stop - block.start for block in blocks) * 40 * 4 <= 1000
    assert len(list(row_blocks.own_row_blocks(torch.empty(1000, 3)))) == 1000, "a row at least"


def test_identical_embeddings_cannot_be_told_apart():
    """Every of the 2N - 1 others is as likely: the loss is log(2N - 1)."""
    same = unit_rows(1, 8, 0).expand(6, 8)
    assert loss_of(same, same, 0.5).item() == pytest.approx(math.log(11), abs=1e-12)


def test_orthogonal_pairs_have_a_closed_form():
    """Positives at 1, all 2N - 2 negatives at 0: log(e^(1/t) + 2N - 2) - 1/t."""
    rows = torch.eye(4, dtype=torch.float64)
    assert loss_of(rows, rows, 0.5).item() == pytest.approx(math.log(math.exp(2) + 6) - 2, abs=1e-12)


def test_three_views_have_a_closed_form():
    """Two positives at 1 and 3N - 3 negatives at 0, each hand in three equal views."""
    rows = torch.eye(4, dtype=torch.float64).repeat(3, 1)
    expected = math.log(2 * math.exp(2) + 9) - 2
    assert nt_xent(rows, 0.5, given_weights(4)).item() == pytest.approx(expected, abs=1e-12)


def test_does_not_depend_on_the_order_of_views_or_pairs():
    first, second, order = unit_rows(6, 16, 3), unit_rows(6, 16, 4), torch.tensor([3, 0, 5, 1, 4, 2])
    weight = torch.rand(6, dtype=torch.float64)
    loss = loss_of(first, second, 0.5, weight)
    assert loss_of(second, first, 0.5, weight).item() == pytest.approx(loss.item(), abs=1e-12)
    assert loss_of(first[order], second[order], 0.5, weight[order]).item() == pytest.approx(
        loss.item(), abs=1e-12
    )


def test_weights_of_one_change_nothing():
    first, second = unit_rows(4, 8, 5), unit_rows(4, 8, 6)
    ones = loss_of(first, second, 0.5, first.new_ones(4), first.new_ones(8, 8))
    assert ones.item() == pytest.approx(loss_of(first, second, 0.5).item(), abs=1e-14)


def test_tiny_temperatures_stay_finite():
    first, second = unit_rows(4, 8, 7).requires_grad_(), unit_rows(4, 8, 8)
    loss = loss_of(first, second, 1e-4)
    assert torch.isfinite(loss) and torch.isfinite(torch.autograd.grad(loss, first)[0]).all()
