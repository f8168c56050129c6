"""A training that fails stops with advice, and what is left of it is usable."""

import itertools
import math

import pytest
import torch
from drawn_run import experiment

from simhand.errors import StoppedError
from simhand.pretraining import train as trainer
from simhand.pretraining.data import load_hands
from simhand.pretraining.divergence import check_epoch, notice_collapse, typical_distance
from simhand.pretraining.train import pretrain
from simhand.pretraining.training import start_training
from simhand.training_runs.divergence import DivergedError, check_weights, gradient_norm
from simhand.training_runs.run_folder import open_run
from simhand.training_runs.saver import Saver

pytestmark = pytest.mark.usefixtures("tiny_encoder", "one_thread")


@pytest.fixture
def hands(run, small):
    return load_hands(small, run.folder, run.set_file, None, [], 1)


@pytest.fixture
def begin(small, hands, tmp_path):
    """Trains with a checkpoint after every step; gives the step and content of the newest afterwards."""

    def begin(settings=small):
        settings = settings.model_copy(update={"checkpoint_minutes": 0})
        with open_run(tmp_path / "run", {}) as run:
            training = start_training(experiment("simclr"), settings)
            try:
                pretrain(training, hands, run, None)
            finally:
                begin.left = run.checkpoints.newest()
        return training

    return begin


def finite(checkpoint):
    return all(torch.isfinite(tensor).all() for tensor in checkpoint["model"].values())


def rates(monkeypatch, rate_of_step):
    monkeypatch.setattr(trainer, "learning_rates", lambda *_: rate_of_step)


def test_weights_that_are_not_finite_are_not_saved(begin, monkeypatch):
    """An infinite learning rate at step 4 ruins the weights before any loss tells."""
    rates(monkeypatch, lambda step: math.inf if step == 4 else 1e-3)
    with pytest.raises(DivergedError, match=r"simclr-test: encoder\S+ is not finite at step 5") as error:
        begin()
    assert "(0.0032; try 0.001) or lengthen `pretrain.warmup_epochs` (1)" in str(error.value)
    assert begin.left[0] == 4 and finite(begin.left[1])
    rates(monkeypatch, lambda step: 1e-3)
    assert begin().step == 6, "with what made it fail mended, it goes on from there"


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_step_whose_loss_or_gradient_is_not_finite_is_not_taken(begin, monkeypatch, what):
    backpropagate = trainer.backpropagate

    def failing(training, batch, epoch):
        contrast = backpropagate(training, batch, epoch)
        if training.step == 3 and what == "loss":
            return contrast._replace(loss=contrast.loss * math.nan)
        if training.step == 3:
            training.model.head[0].weight.grad[0, 0] = math.inf
        return contrast

    monkeypatch.setattr(trainer, "backpropagate", failing)
    said = "the loss is nan" if what == "loss" else "the length of the gradient is inf"
    with pytest.raises(DivergedError, match=f"{said}, learning rate 0.00\\d+, at step 3"):
        begin()
    assert begin.left[0] == 3 and finite(begin.left[1])


@pytest.fixture
def collapse(monkeypatch):
    """Makes all embeddings the same at the given steps."""

    def collapse(steps):
        backpropagate = trainer.backpropagate

        def collapsing(training, batch, epoch):
            contrast = backpropagate(training, batch, epoch)
            if training.step not in steps:
                return contrast
            return contrast._replace(embeddings=contrast.embeddings[:1].expand_as(contrast.embeddings))

        monkeypatch.setattr(trainer, "backpropagate", collapsing)

    return collapse


@pytest.fixture
def of_sixteen(small):
    """24 hands in batches of 16 and 8, the second too small to tell a collapse."""
    return small.model_copy(update={"batch_size": 16, "last_batch": "keep", "epochs": 5})


def test_a_collapse_stops_it_and_the_checkpoint_before_is_kept(begin, of_sixteen, collapse):
    collapse(range(4, 99))
    with pytest.raises(
        DivergedError, match=r"embeddings are alike \(less than 0.02 apart\) after 2 epochs at step 8"
    ):
        begin(of_sixteen)
    step, left = begin.left
    assert (step, left["collapsed_epochs"]) == (4, 0)


def test_a_collapse_at_the_end_is_no_result(begin, of_sixteen, collapse):
    collapse([8])
    with pytest.raises(DivergedError, match="after the last epoch at step 10"):
        begin(of_sixteen)
    assert begin.left[0] == 8


def test_a_training_that_recovers_goes_on(begin, of_sixteen, collapse):
    """One epoch ends collapsed, and then another; not two in a row."""
    collapse([2, 6])
    assert begin(of_sixteen).step == begin.left[0] == 10


def test_a_collapsed_training_that_is_told_to_stop_keeps_the_checkpoint_before(
    begin, of_sixteen, collapse, monkeypatch
):
    collapse(range(4, 99))
    monkeypatch.setattr(Saver, "told_to_stop", lambda saver: saver.training.step == 7)
    with pytest.raises(
        StoppedError, match="stopped after step 7 .*not saved: it is failing; the same command"
    ):
        begin(of_sixteen)
    assert begin.left[0] == 4


def test_a_batch_of_few_hands_does_not_tell_a_collapse(begin, of_sixteen, collapse):
    """Steps 1, 3, 5 ... are of 8 hands, whose embeddings may well be alike."""
    collapse(range(1, 10, 2))
    assert begin(of_sixteen).step == begin.left[0] == 10


def test_one_hand_in_two_like_views_is_no_collapse(small):
    training = start_training(experiment("simclr"), small)
    angle = math.acos(0.99986)
    rows = torch.tensor([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
    assert float(typical_distance(rows)) == pytest.approx(2 * math.sin(angle / 2), rel=1e-4)
    notice_collapse(training, float(typical_distance(rows)), 1)
    assert not training.alike
    notice_collapse(training, float(typical_distance(rows)), 16)
    assert training.alike


def test_the_typical_distance_is_that_of_a_loop():
    torch.manual_seed(0)
    rows = torch.randn(7, 5, dtype=torch.float64)
    squared = [float((a - b).square().sum()) for a, b in itertools.combinations(rows, 2)]
    assert float(typical_distance(rows)) == pytest.approx(math.sqrt(sum(squared) / len(squared)))


def test_two_epochs_in_a_row_count(small):
    training = start_training(experiment("simclr"), small)
    for alike in (True, False, True):
        training.alike = alike
        check_epoch(training, last=False)
    with pytest.raises(DivergedError):
        check_epoch(training, last=False)


def test_finite_weights_pass_and_the_norm_is_that_of_all_parameters(small):
    training = start_training(experiment("simclr"), small)
    check_weights(training)
    parameters = list(training.model.parameters())
    for parameter in parameters[1:]:
        parameter.grad = torch.full_like(parameter, 2.0)
    count = sum(parameter.numel() for parameter in parameters[1:])
    assert float(gradient_norm(training.model)) == pytest.approx(2 * math.sqrt(count), rel=1e-5)
