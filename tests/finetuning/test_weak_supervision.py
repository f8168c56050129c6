"""Weak supervision: which images a batch has, what they teach, and a training from end to end."""

import json

import numpy as np
import pytest
import torch
from drawn_freihand import write_split
from pseudo_labelled_run import write_pseudo_labelled

from simhand.datasets.freihand import load_freihand
from simhand.errors import ConfigError
from simhand.finetuning.batches import batch_losses
from simhand.finetuning.detnet import DetNet
from simhand.finetuning.epoch_batches import EpochBatches
from simhand.finetuning.experiment import run_experiment
from simhand.finetuning.hand_dataset import HandDataset
from simhand.finetuning.images import ImageStore
from simhand.finetuning.loading import load_batches
from simhand.finetuning.step import predict_maps
from simhand.finetuning.weak_supervision import (
    JoinedHands,
    MixedBatches,
    load_pseudo_labelled,
    pseudo_labelled_per_batch,
)
from simhand.settings.datasets import parse_dataset
from simhand.settings.experiments import ExperimentRow, FinetuneExperiment, expand_row
from simhand.settings.finetune import FinetuneSettings

pytestmark = pytest.mark.usefixtures("tiny_encoder")

SETTINGS = FinetuneSettings(
    encoder="resnet18", head_width=8, input_px=32, batch_size=8, epochs=2, device="cpu", log_every_steps=1
)
COUNT = 10


@pytest.fixture(scope="module")
def pseudo_labelled(tmp_path_factory):
    return write_pseudo_labelled(tmp_path_factory.mktemp("run"), COUNT)


@pytest.fixture(scope="module")
def labelled_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    write_split(root, "training", 8, 2, seed=1)
    write_split(root, "evaluation", 3, 1, seed=2)
    return root


def joined(root, pseudo_labelled, settings=SETTINGS) -> JoinedHands:
    samples = load_freihand(root, "training")
    labelled = HandDataset(samples, ImageStore(samples, 100, False, 1), settings, 2.0, seed=0)
    return JoinedHands(labelled, load_pseudo_labelled(settings, pseudo_labelled, 2.0, 0, 1))


def mixed(first_step: int = 0, epochs: int = 6) -> MixedBatches:
    labelled = EpochBatches(np.arange(16), 5, epochs, 0, first_step)
    return MixedBatches(labelled, first_row=16, count=COUNT, per_batch=3, seed=0)


def test_every_batch_has_its_share_and_all_are_shown_before_any_again():
    batches = list(mixed())
    assert len(batches) == len(mixed()) == 18 and {len(batch) for batch in batches} == {8}
    assert all(row < 16 for batch in batches for _, row in batch[:5])
    shown = [key for batch in batches for key in batch[5:]]
    assert {times for times, _ in shown} == set(range(6))
    for times in range(5):
        assert sorted(row for number, row in shown if number == times) == list(range(16, 26))
    orders = [[row for number, row in shown if number == times] for times in range(5)]
    assert len(set(map(tuple, orders))) == 5, "another order each time"
    for step in (1, 4, 17):
        assert list(mixed(first_step=step)) == batches[step:], "the rest is the same after a stop"


def test_pseudo_labels_reach_the_heat_maps_and_nothing_that_is_3d(labelled_root, pseudo_labelled):
    hands = joined(labelled_root, pseudo_labelled)
    keys = [[(0, 16 + row) for row in range(4)], [(0, 0), (0, 17)]]
    alone, with_a_label = load_batches(hands, keys, torch.device("cpu"), 0)
    assert alone["has_3d"].tolist() == [0] * 4 and with_a_label["has_3d"].tolist() == [1, 0]
    torch.manual_seed(0)
    network = DetNet("resnet18", 8, 32)
    for map_losses in ("mean_square", "frobenius"):
        settings = SETTINGS.model_copy(update={"map_losses": map_losses})
        network.zero_grad()
        losses = batch_losses(predict_maps(network, alone, settings, training=True), alone, settings)
        losses.total.backward()
        assert losses.heat > 0 and losses.delta == 0 and losses.location == 0
        for head, reached in ((network.heat, True), (network.delta, False), (network.location, False)):
            gradients = [parameter.grad for parameter in head.parameters() if parameter.grad is not None]
            assert any(gradient.abs().max() > 0 for gradient in gradients) == reached
        maps = predict_maps(network, with_a_label, settings, training=True)
        maps.delta.retain_grad()
        batch_losses(maps, with_a_label, settings).delta.backward()
        assert maps.delta.grad[0].abs().max() > 0 and maps.delta.grad[1].abs().max() == 0


def test_3d_losses_do_not_fade_with_the_share_of_pseudo_labels(labelled_root, pseudo_labelled):
    hands = joined(labelled_root, pseudo_labelled)
    keys = [[(0, 0), (0, 1)], [(0, 0), (0, 1), (0, 16), (0, 20), (0, 21)]]
    network = DetNet("resnet18", 8, 32).eval()
    few, many = (
        batch_losses(predict_maps(network, batch, SETTINGS, training=True), batch, SETTINGS)
        for batch in load_batches(hands, keys, torch.device("cpu"), 0)
    )
    assert many.delta.item() == pytest.approx(few.delta.item(), rel=1e-4)
    assert many.location.item() == pytest.approx(few.location.item(), rel=1e-4)


@pytest.mark.parametrize("negative", [False, True])
def test_keypoints_stay_on_their_joints_through_the_augmentation(labelled_root, pseudo_labelled, negative):
    """Every joint is drawn in a shade of its own: that is what lies under it in the cut image."""
    settings = FinetuneSettings(input_px=96, negative_images=negative, colour_jitter=0, hue_jitter=0)
    hands = load_pseudo_labelled(settings, pseudo_labelled, 2.0, 0, 1)
    joints = np.arange(21)
    shades = np.stack([250 - 9 * joints, 40 + 10 * joints, 60 + (joints * 53) % 190], axis=1)
    shades = (256 - shades) % 256 if negative else shades
    near = 0
    for row in range(COUNT):
        for epoch in range(3):
            sample = hands[epoch, row]
            x, y = np.clip(sample["joints_2d"].T, 0, 95).astype(int)
            near += (np.abs(sample["image"][y, x].astype(int) - shades).max(axis=1) < 40).sum()
    assert near > 0.8 * 3 * COUNT * 21, "some joints lie under others"


def test_crops_are_the_same_kept_in_memory_or_decoded_when_asked_for(pseudo_labelled):
    kept, at_once = (
        load_pseudo_labelled(SETTINGS.model_copy(update={"cache_mb": mb}), pseudo_labelled, 2.0, 0, 1)
        for mb in (100, 0)
    )
    assert all(np.array_equal(kept[0, row]["image"], at_once[0, row]["image"]) for row in range(COUNT))


def experiment(**changes) -> FinetuneExperiment:
    row = {"method": "weakly-supervised", "set": "all", "dataset": "drawn"} | changes
    (found,) = expand_row(ExperimentRow.model_validate(row), [0])
    assert found.pretrain is None
    return found.finetune


def test_a_row_becomes_one_experiment_without_a_pretraining():
    found = experiment(label_fraction=0.1, init="imagenet", weighting="both", top_k=5)
    assert found.name == "weakly-supervised_all_none_imagenet_seed0__drawn_10pct"
    assert (found.set, found.weighting, found.top_k) == ("all", "none", None)
    with pytest.raises(ValueError, match="need a set"):
        experiment(set=None)


def test_a_training_goes_through_to_its_predictions(labelled_root, pseudo_labelled, tmp_path, caplog):
    caplog.set_level("INFO", "simhand")
    dataset = parse_dataset('{"kind": "rendered"}')
    arguments = (SETTINGS, experiment(), dataset, labelled_root, None, tmp_path, 1)
    run_experiment(*arguments, pseudo_labelled=pseudo_labelled)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["method"] == "weakly-supervised" and metrics["set"] == "all"
    assert metrics["steps"] == 2 * (14 // 4), "an epoch is a pass over the labelled images"
    assert "inferred: finetune.pseudo_labelled_share = 0.5 (not published)" in caplog.text
    assert "10 pseudo-labelled crops, 4 in each batch of 8" in caplog.text
    identity = json.loads(next(tmp_path.glob("run/*/identity.json")).read_text())
    assert {"keypoints", "crops"} <= identity.keys() and "set" in identity["files"]
    with pytest.raises(ConfigError, match="--set and --run-dir belong to method weakly-supervised"):
        run_experiment(*arguments)


def test_a_share_without_room_for_both_is_refused():
    assert pseudo_labelled_per_batch(SETTINGS) == 4
    with pytest.raises(ConfigError, match="0.01 of a batch of 8 is 0 images"):
        pseudo_labelled_per_batch(SETTINGS.model_copy(update={"pseudo_labelled_share": 0.01}))
