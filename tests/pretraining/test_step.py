"""One step in one process: against a plain computation by autograd, and what it holds in memory."""

import weakref

import pytest
import torch
from step_processes import Case, hands_of, largest_difference, take_step, training_of
from torch.nn import functional as F

from simhand.pretraining import step
from simhand.pretraining.augment import augment, draws_for
from simhand.pretraining.epochs import batches

STREAMS = []
"""Batches whose generator is gone fetch no more."""


def first_batch(case, training):
    STREAMS.append(batches(hands_of(case), training.method, training.settings, 0, 0))
    return next(STREAMS[-1])


def plain_gradients(case):
    """As one would write it down: each group through the encoder, one loss of all of them, one backward."""
    training = training_of(case)
    settings, batch = training.settings, first_batch(case, training)
    keypoints, ranges = torch.from_numpy(batch.keypoints), training.method.geometry(settings)
    draws = torch.from_numpy(draws_for(0, 0, batch.positions)).float()
    seen = [
        augment(crops, keypoints[group], draws[group], ranges, settings.hue_turns, settings.image_size_px)
        for group, crops in zip(batch.groups, batch.crops, strict=True)
    ]
    z = training.model.head(torch.cat([training.model.encoder(group.images.double()) for group in seen]))
    if case.method != "simclr":
        matrix = torch.cat([group.views.geometry.view_to_crop for group in seen]).double()
        points = torch.einsum("mij,mpj->mpi", matrix[:, :, :2], z.unflatten(1, (-1, 2)))
        z = (points + matrix[:, None, :, 2]).flatten(1)
    joints = torch.cat([group.views.keypoints for group in seen]).double()
    plain_nt_xent(F.normalize(z, dim=1), joints, case.weighting, settings.temperature).backward()
    return {f"gradient {name}": p.grad.numpy() for name, p in training.model.named_parameters()}


def plain_nt_xent(z, joints, weighting, temperature):
    """Eq. 2 and 3, one anchor after the other."""
    total = len(z)
    other = (torch.arange(total) + total // 2) % total
    distance = (joints[:, None] - joints[None]).norm(dim=3).mean(dim=2)
    of_pair = distance[torch.arange(total), other]
    positive, negative = torch.ones(total), torch.ones(total, total)
    if weighting in ("positive", "both"):
        positive = (of_pair.max() - of_pair) / (of_pair.max() - of_pair.min())
    if weighting in ("negative", "both"):
        negative = 1 - distance / distance.max()
    similarity, loss = z @ z.T / temperature, torch.zeros(())
    for anchor in range(total):
        others = torch.arange(total) != anchor
        exponents = (negative[anchor] * similarity[anchor])[others]
        loss = loss + exponents.exp().sum().log() - positive[anchor] * similarity[anchor, other[anchor]]
    return loss / total


@pytest.mark.parametrize("method", ["simclr", "peclr", "simhand"])
@pytest.mark.parametrize("weighting", ["none", "positive", "negative", "both"])
def test_gradients_equal_plain_autograd(method, weighting):
    case = Case(method, weighting, dropout=0.0)
    cached = Case(method, weighting, {"gradient_caching": True}, dropout=0.0)
    expected = plain_gradients(case)
    for found in (take_step(case), take_step(cached)):
        assert largest_difference({name: found[name] for name in expected}, expected) < 1e-10


@pytest.mark.parametrize("caching", [False, True])
def test_running_statistics_move_once_by_the_mean_of_the_groups(caching):
    training = training_of(Case("peclr", settings={"gradient_caching": caching}))
    encoder, outputs = training.model.encoder, []
    hook = encoder[0].register_forward_hook(lambda _, __, output: outputs.append(output.detach()))
    step.backpropagate(training, first_batch(Case("peclr"), training), 0)
    hook.remove()
    assert len(outputs) == (8 if caching else 4)
    means = torch.stack([output.mean(dim=(0, 2, 3)) for output in outputs[:4]]).mean(dim=0)
    variances = torch.stack([output.var(dim=(0, 2, 3)) for output in outputs[:4]]).mean(dim=0)
    assert torch.allclose(encoder[1].running_mean, 0.1 * means, atol=1e-12)
    assert torch.allclose(encoder[1].running_var, 0.9 + 0.1 * variances, atol=1e-12)
    assert [layer.num_batches_tracked.item() for layer in (encoder[1], training.model.head[1])] == [1, 1]
    assert encoder[1].momentum == 0.1


def test_a_step_that_fails_leaves_the_running_statistics(monkeypatch):
    training = training_of(Case("peclr"))
    monkeypatch.setattr(step, "adaptive_weights", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        step.backpropagate(training, first_batch(Case("peclr"), training), 0)
    layer = training.model.encoder[1]
    assert layer.running_mean.abs().max() == 0 and layer.running_var.eq(1).all()
    assert layer.num_batches_tracked == 0 and layer.momentum == 0.1


def test_an_encoder_draws_anew_for_every_group_and_step():
    training = training_of(Case("peclr"))
    seen = torch.zeros(6, 3, 32, 32)

    def features(start):
        return step._encode(training, seen, slice(start, start + 6), torch.float64)

    first, again, another_group = features(0), features(0), features(6)
    training.step = 1
    assert torch.equal(first, again)
    assert not torch.equal(first, another_group) and not torch.equal(first, features(0))


@pytest.mark.parametrize("caching", [False, True])
def test_crops_and_images_of_two_groups_at_most_are_alive(monkeypatch, caching):
    """Without caching, the graphs of all groups are; but not the crops."""
    case = Case("peclr", settings={"bn_group": 2, "gradient_caching": caching})
    training, hands = training_of(case), hands_of(case)
    training.model.float()
    crops, images, most = [], [], {"crops": 0, "images": 0}

    def count(kind, known, new):
        known.append(weakref.ref(new))
        most[kind] = max(most[kind], sum(each() is not None for each in known))

    def take(rows, plain=hands.crops.take):
        fetched = plain(rows)
        count("crops", crops, fetched)
        return fetched

    def augmented(*args):
        made = augment(*args)
        count("images", images, made.images)
        return made

    hands.crops.take = take
    monkeypatch.setattr(step, "augment", augmented)
    stream = batches(hands, training.method, training.settings, 0, 0)
    batch = next(stream)
    step.backpropagate(training, batch, 0)
    assert len(batch.groups) == 12 and len(images) == (24 if caching else 12)
    assert len(crops) == len(images) + 1, "the next batch is begun"
    # One in use, one fetched ahead, and the first of the next batch.
    assert most["crops"] <= 3 and most["images"] == (2 if caching else 12)


def test_half_precision_is_the_encoders_alone(monkeypatch):
    training = training_of(Case("peclr", settings={"precision": "bfloat16"}, dropout=0.0))
    training.model.float()
    types = {}
    for part in ("encoder", "head"):
        layer = getattr(training.model, part)[0]
        layer.register_forward_hook(lambda _, __, output, part=part: types.update({part: output.dtype}))
    contrast = step.backpropagate(training, first_batch(Case("peclr"), training), 0)
    assert types == {"encoder": torch.bfloat16, "head": torch.float32}
    exact = training_of(Case("peclr", dropout=0.0))
    assert contrast.loss.item() == pytest.approx(
        step.backpropagate(exact, first_batch(Case("peclr"), exact), 0).loss.item(), rel=2e-2
    )
