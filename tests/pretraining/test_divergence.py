"""A training that fails stops with advice, and what is left of it is usable."""

import math

import pytest
import torch
from drawn_run import experiment

from simhand.pretraining import train as trainer
from simhand.pretraining.data import load_hands
from simhand.pretraining.divergence import check_epoch, check_weights
from simhand.pretraining.train import pretrain
from simhand.pretraining.training import start_training
from simhand.training_runs.divergence import DivergedError, gradient_norm
from simhand.training_runs.run_folder import open_run

pytestmark = pytest.mark.usefixtures("tiny_encoder", "one_thread")


@pytest.fixture
def hands(run, small):
    return load_hands(small, run.folder, run.set_file, None, [], 1)


@pytest.fixture
def begin(small, hands, tmp_path):
    """Trains with a checkpoint after every step; gives the step and content of the newest afterwards."""
    settings = small.model_copy(update={"checkpoint_minutes": 0})

    def begin():
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


def test_a_collapse_stops_it_after_two_epochs(small):
    training = start_training(experiment("simclr"), small)
    check_epoch(training, -1e-5)
    check_epoch(training, -1.5)
    check_epoch(training, -1e-5)
    with pytest.raises(DivergedError, match=r"all embeddings are alike \(uniformity -1e-05\) for 2 epochs"):
        check_epoch(training, -1e-5)


def test_finite_weights_pass_and_the_norm_is_that_of_all_parameters(small):
    training = start_training(experiment("simclr"), small)
    check_weights(training)
    parameters = list(training.model.parameters())
    for parameter in parameters[1:]:
        parameter.grad = torch.full_like(parameter, 2.0)
    count = sum(parameter.numel() for parameter in parameters[1:])
    assert float(gradient_norm(training.model)) == pytest.approx(2 * math.sqrt(count), rel=1e-5)
