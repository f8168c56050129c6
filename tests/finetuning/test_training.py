"""Training end to end on a few drawn hands: it learns, repeats itself, and says what is wrong."""

import json
import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import safetensors.torch
import torch
import torchvision
from drawn_freihand import write_split

from simhand.datasets.freihand import load_freihand
from simhand.errors import ConfigError, DataError
from simhand.files.tables import read_table
from simhand.finetuning import data, train
from simhand.finetuning.detnet import DetNet
from simhand.finetuning.epoch_batches import EpochBatches
from simhand.finetuning.experiment import run_experiment
from simhand.finetuning.hand_dataset import HandDataset
from simhand.finetuning.images import ImageStore
from simhand.finetuning.inference import infer_poses
from simhand.finetuning.loading import load_batches
from simhand.finetuning.outputs import load_checkpoint
from simhand.finetuning.pose_decoding import root_relative_errors_mm
from simhand.finetuning.step import backpropagate, learning_rate_at
from simhand.finetuning.train import finetune
from simhand.finetuning.training import parameter_groups, start_training
from simhand.settings.datasets import DatasetSettings, parse_dataset
from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings
from simhand.settings.section import preset_defaults, sections_in
from simhand.training_runs.divergence import DivergedError
from simhand.training_runs.run_folder import open_run
from simhand.training_runs.stop_requests import StopRequest

SMALL = {
    "encoder": "resnet18",
    "head_width": 8,
    "input_px": 32,
    "batch_size": 4,
    "epochs": 2,
    "device": "cpu",
    "log_every_steps": 2,
}


def experiment(**changes) -> FinetuneExperiment:
    content = {
        "name": "none_random_seed0__drawn_100pct", "method": "none", "set": None, "weighting": "none",
        "top_k": None, "init": "random", "dataset": "drawn", "label_fraction": 1.0, "seed": 0,
    }  # fmt: skip
    return FinetuneExperiment.model_validate({**content, **changes})


def run(
    root: Path, out_dir: Path, settings: dict | None = None, encoder: Path | None = None, **changes
) -> Path:
    dataset = changes.pop("dataset", {"kind": "rendered"})
    run_experiment(
        FinetuneSettings.model_validate({**SMALL, **(settings or {})}),
        experiment(**changes), parse_dataset(json.dumps(dataset)), root, encoder, out_dir, threads=1,
    )  # fmt: skip
    return out_dir


def epochs_of(history: Path) -> list[dict]:
    lines = [json.loads(line) for line in history.read_text().splitlines()]
    return [line for line in lines if line["kind"] == "epoch"]


def trained(folder: Path, dataset: HandDataset, settings: FinetuneSettings, validate):
    """A finished training on all of ``dataset``, and the lines of its epochs."""
    training = start_training(experiment(), settings, None)

    def batches_from(step: int) -> EpochBatches:
        return EpochBatches(np.arange(len(dataset)), settings.batch_size, settings.epochs, 0, step)

    with open_run(folder, {}) as opened:
        finetune(training, dataset, batches_from, opened, StopRequest(), validate, workers=0)
        return training, epochs_of(opened.history)


def test_training_on_sixteen_images_overfits_them(freihand, tmp_path):
    """Without augmentation, losses and the error of the poses that are read fall to a fraction."""
    still = dict.fromkeys(
        ["max_rotation_degrees", "centre_jitter", "scale_jitter", "colour_jitter", "hue_jitter"], 0
    )
    recipe = {"head_width": 32, "batch_size": 8, "epochs": 14, "learning_rate": 3e-3}
    settings = FinetuneSettings.model_validate({**SMALL, **still, **recipe})
    dataset, rows = prepared(freihand, "training", settings), np.arange(16)

    def error_mm(network: DetNet, watch) -> float:
        location = infer_poses(network, dataset, rows, settings, 0, watch).location
        samples = dataset.samples
        return float(root_relative_errors_mm(location, samples.joints_3d_m, samples.visible).mean())

    _, records = trained(tmp_path, dataset, settings, error_mm)
    first, last = records[0], records[-1]
    for part in ("loss_heat", "loss_delta", "loss_location"):
        assert last[part] < 0.4 * first[part]
    assert last["error_mm"] < 0.6 * first["error_mm"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One finished run on a set of its own, for the tests that only look."""
    root = tmp_path_factory.mktemp("drawn")
    write_split(root, "training", 8, 2, seed=1)
    write_split(root, "evaluation", 5, 1, seed=2)
    return root, run(root, tmp_path_factory.mktemp("out"))


def test_all_files_are_written_and_complete(finished):
    root, out_dir = finished
    assert {path.name for path in out_dir.iterdir()} == {
        "checkpoint.pt", "predictions.parquet", "metrics.json", "history.jsonl", "run",
    }  # fmt: skip
    table = read_table(out_dir / "predictions.parquet", "predictions")
    assert table["id"].to_pylist() == [f"{row:08d}" for row in range(5)]
    assert all((root / name).is_file() for name in table["image"].to_pylist())
    truth = np.array(table["ground_truth"].to_pylist()).reshape(-1, 21, 3)
    np.testing.assert_allclose(truth, load_freihand(root, "evaluation").joints_3d_m)
    assert np.isfinite(np.array(table["prediction"].to_pylist())).all()
    assert np.array(table["prediction_2d"].to_pylist()).shape == (5, 42)
    assert np.array(table["visible"].to_pylist()).all()
    metrics = json.loads((out_dir / "metrics.json").read_text())
    assert (metrics["training_images"], metrics["validation_images"], metrics["evaluation_images"]) == (
        14,
        2,
        5,
    )
    records = epochs_of(out_dir / "history.jsonl")
    assert [record["epoch"] for record in records] == [1, 2]
    best = min(records, key=lambda record: record["error_mm"])
    assert metrics["chosen_epoch"] == best["epoch"] and metrics["chosen"] == best
    assert metrics["last"] == records[-1] and metrics["steps"] == 6
    assert metrics["hardware"]["threads"] == 1 and (out_dir / "run" / metrics["identity"]).is_dir()
    assert metrics["train_s"] == pytest.approx(sum(record["seconds"] for record in records), abs=0.01)


def test_the_given_bone_length_is_that_of_the_predictions(finished):
    root, out_dir = finished
    prediction = np.array(
        read_table(out_dir / "predictions.parquet", "predictions")["prediction"].to_pylist()
    )
    prediction = prediction.reshape(-1, 21, 3)
    given = load_freihand(root, "evaluation").bone_9_10_m
    np.testing.assert_allclose(
        np.linalg.norm(prediction[:, 10] - prediction[:, 9], axis=-1), given, rtol=1e-6
    )


def test_the_checkpoint_is_the_network_that_predicted(finished):
    root, out_dir = finished
    network, settings, bone_m, crop_factor = load_checkpoint(out_dir / "checkpoint.pt")
    assert settings == FinetuneSettings.model_validate(SMALL) and 0.08 < bone_m < 0.12 and crop_factor == 2
    again = infer_poses(network, prepared(root, "evaluation", settings), np.arange(5), settings, 0)
    relative = again.location - again.location[:, :1]
    prediction = np.array(
        read_table(out_dir / "predictions.parquet", "predictions")["prediction"].to_pylist()
    )
    prediction = prediction.reshape(-1, 21, 3) - prediction.reshape(-1, 21, 3)[:, :1]
    ratio = np.linalg.norm(prediction, axis=(1, 2)) / np.linalg.norm(relative, axis=(1, 2))
    np.testing.assert_allclose(relative * ratio[:, None, None], prediction, atol=1e-6)


def prepared(root: Path, split: str, settings: FinetuneSettings) -> HandDataset:
    samples = load_freihand(root, split)
    return HandDataset(samples, ImageStore(samples, 100, settings.negative_images, 1), settings, 2.0, seed=0)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(finished, tmp_path):
    root, out_dir = finished
    again, other = run(root, tmp_path / "again"), run(root, tmp_path / "other", seed=1)
    for name in ("checkpoint.pt", "predictions.parquet"):
        assert (again / name).read_bytes() == (out_dir / name).read_bytes()
        assert (other / name).read_bytes() != (out_dir / name).read_bytes()


def test_loader_processes_change_nothing(freihand):
    settings = FinetuneSettings.model_validate(SMALL)
    dataset = prepared(freihand, "training", settings)
    keys = EpochBatches(np.arange(16), 4, 2, seed=0)
    alone = list(load_batches(dataset, keys, torch.device("cpu"), 0))
    shared = list(load_batches(dataset, keys, torch.device("cpu"), 2))
    assert len(alone) == len(shared) == 8
    for one, two in zip(alone, shared, strict=True):
        assert all(torch.equal(one[name], two[name]) for name in one)


def test_every_epoch_is_another_order_of_whole_batches():
    keys = list(EpochBatches(np.arange(100, 110), 4, 3, seed=0))
    assert len(keys) == 6 and all(len(batch) == 4 for batch in keys)
    epochs = [[row for batch in keys[2 * epoch : 2 * epoch + 2] for _, row in batch] for epoch in range(3)]
    assert all(len(set(rows)) == 8 and set(rows) <= set(range(100, 110)) for rows in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert [epoch for batch in keys for epoch, _ in batch] == [0] * 8 + [1] * 8 + [2] * 8
    for first_step in range(7):
        rest = EpochBatches(np.arange(100, 110), 4, 3, seed=0, first_step=first_step)
        assert list(rest) == keys[first_step:] and len(rest) == 6 - first_step


def test_without_evaluation_joints_there_are_predictions_and_nan(freihand, tmp_path):
    (freihand / "evaluation_xyz.json").unlink()
    table = read_table(run(freihand, tmp_path, {"epochs": 1}) / "predictions.parquet", "predictions")
    assert np.isnan(np.array(table["ground_truth"].to_pylist())).all()
    assert np.isfinite(np.array(table["prediction"].to_pylist())).all()


def test_scale_source_predicted_needs_no_scale_file(freihand, tmp_path):
    (freihand / "evaluation_scale.json").unlink()
    with pytest.raises(DataError, match="evaluation_scale.json does not exist"):
        run(freihand, tmp_path / "a")
    out_dir = run(
        freihand, tmp_path / "b", {"epochs": 1}, dataset={"kind": "rendered", "scale_source": "predicted"}
    )
    table = read_table(out_dir / "predictions.parquet", "predictions")
    assert set(table["scale_source"].to_pylist()) == {"predicted"}


@pytest.mark.parametrize("preset", ["paper", "release"])
def test_the_other_presets_train(freihand, tmp_path, preset):
    out_dir = run(freihand, tmp_path, {**preset_defaults(FinetuneSettings, preset), "epochs": 2})
    metrics = json.loads((out_dir / "metrics.json").read_text())
    assert metrics["validation_images"] == 0 and metrics["training_images"] == 14
    assert metrics["model_selection"] == {"paper": "last", "release": "test"}[preset]
    assert ("error_mm" in metrics["last"]) == (preset == "release")
    if preset == "paper":
        assert metrics["chosen_epoch"] == 2


def test_selection_keeps_the_weights_of_the_best_epoch(freihand, tmp_path):
    settings = FinetuneSettings.model_validate({**SMALL, "epochs": 3})
    dataset = prepared(freihand, "training", settings)
    seen: list[dict] = []

    def validate(network: DetNet, watch) -> float:
        seen.append({name: tensor.clone() for name, tensor in network.state_dict().items()})
        return [2.0, 1.0, 3.0][len(seen) - 1]

    training, _ = trained(tmp_path, dataset, settings, validate)
    assert training.chosen["epoch"] == 2
    assert all(torch.equal(tensor, seen[1][name]) for name, tensor in training.model.state_dict().items())
    assert not torch.equal(training.model.heat[3].weight, seen[2]["heat.3.weight"])


def test_weight_decay_is_an_l2_penalty_on_weights_alone():
    network = DetNet("resnet18", 8, 32)
    weights, others = parameter_groups(network, 0.1)
    assert weights["weight_decay"] == 0.1 and others["weight_decay"] == 0
    assert {parameter.ndim for parameter in weights["params"]} == {4}
    assert {parameter.ndim for parameter in others["params"]} == {1}
    assert len(weights["params"]) + len(others["params"]) == len(list(network.parameters()))


def test_weight_decay_is_the_gradient_of_the_penalty(freihand):
    """L_reg of the paper: one step equals a step of loss + decay / 2 |weights|^2 without decay."""
    dataset = prepared(freihand, "training", FinetuneSettings.model_validate(SMALL))
    (batch,) = load_batches(dataset, [[(0, row) for row in range(4)]], torch.device("cpu"), 0)
    after = []
    for decay, penalty in ((0.3, 0.0), (0.0, 0.3), (0.0, 0.0)):
        settings = FinetuneSettings.model_validate({**SMALL, "weight_decay": decay})
        training = start_training(experiment(), settings, None)
        backpropagate(training, batch)
        for parameter in training.model.parameters():
            if parameter.ndim > 1:
                parameter.grad += penalty * parameter.detach()
        training.optimiser.step()
        after.append(training.model.heat[0].weight.detach())
    assert torch.equal(after[0], after[1]) and not torch.equal(after[0], after[2])


def test_schedules():
    constant, cosine = FinetuneSettings(), FinetuneSettings(schedule="cosine", learning_rate=2.0)
    assert {learning_rate_at(step, 10, constant) for step in range(10)} == {1e-3}
    rates = [learning_rate_at(step, 10, cosine) for step in range(10)]
    assert rates[0] == 2.0 and rates[5] == pytest.approx(1.0) and 0 < rates[9] < 0.1


def test_encoder_weights_are_the_start_and_must_match_the_experiment(freihand, tmp_path):
    weights = torchvision.models.resnet18(weights=None).state_dict()
    path = tmp_path / "encoder.safetensors"
    safetensors.torch.save_file(weights, path)
    frozen = {"learning_rate": 1e-30, "epochs": 1}
    pretrained = {"method": "simhand", "set": "x", "weighting": "both", "top_k": 1}
    out_dir = run(freihand, tmp_path / "out", frozen, path, **pretrained)
    content = torch.load(out_dir / "checkpoint.pt", weights_only=True)
    assert torch.equal(content["model"]["encoder.layer4.1.conv2.weight"], weights["layer4.1.conv2.weight"])
    with pytest.raises(ConfigError, match="starts from a pre-trained encoder; give its file with --encoder"):
        run(freihand, tmp_path / "out", **pretrained)
    with pytest.raises(ConfigError, match="has no pre-training, but --encoder"):
        run(freihand, tmp_path / "out", None, path)
    with pytest.raises(DataError, match="does not fit resnet"):
        run(freihand, tmp_path / "out", {"encoder": "resnet34"}, path, **pretrained)


def test_too_few_labels_for_a_batch_are_refused_with_the_remedy(freihand, tmp_path):
    with pytest.raises(DataError, match=r"label_fraction 0.1 of .* leaves \d images.*batch_size is 4; raise"):
        run(freihand, tmp_path, label_fraction=0.1)
    with pytest.raises(DataError, match="leaves 14 images to train on and finetune.batch_size is 16"):
        run(freihand, tmp_path, {"batch_size": 16})


def test_selection_on_a_test_set_without_labels_is_refused(freihand, tmp_path):
    (freihand / "evaluation_xyz.json").unlink()
    with pytest.raises(DataError, match="model_selection is test, but .*evaluation_xyz.json does not exist"):
        run(freihand, tmp_path, {"model_selection": "test"})


def test_labels_that_are_not_there_are_told_in_the_words_of_the_layout(freihand, tmp_path, monkeypatch):
    """FreiHAND alone has evaluation_xyz.json."""
    (freihand / "evaluation_xyz.json").unlink()
    monkeypatch.setitem(data.LOADERS, "dexycb", lambda root, _, split, scans: load_freihand(root, split))
    with pytest.raises(DataError, match="model_selection is test, but the evaluation split of") as error:
        run(freihand, tmp_path, {"model_selection": "test"}, dataset={"kind": "dexycb", "root": "here"})
    assert "evaluation_xyz" not in str(error.value)


def test_a_choice_of_frames_is_warned_of(freihand, tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(data.LOADERS, "dexycb", lambda root, _, split, scans: load_freihand(root, split))
    for frames in ("labelled", "mostly_visible"):
        caplog.clear()
        dataset = parse_dataset(json.dumps({"kind": "dexycb", "root": "here", "frames": frames}))
        data.load_labels(FinetuneSettings.model_validate(SMALL), dataset, freihand, 1.0, threads=1)
        warned = [record for record in caplog.records if "are no official numbers" in record.message]
        assert [record.levelname for record in warned] == (["WARNING"] if frames != "labelled" else [])


def test_unreadable_image_stops_ours_and_is_replaced_in_the_release(freihand, tmp_path, caplog):
    (freihand / "training/rgb/00000003.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"1 image\(s\) cannot be decoded: .*00000003.jpg"):
        run(freihand, tmp_path)
    settings = FinetuneSettings(unreadable_images="substitute", input_px=32)
    dataset = prepared(freihand, "training", settings)
    assert "row 3" in caplog.text
    replaced = dataset[(-1, 3)]
    others = [
        row
        for row in range(16)
        if row != 3 and np.array_equal(dataset[(-1, row)]["image"], replaced["image"])
    ]
    assert others and np.array_equal(dataset[(-1, others[0])]["joints_2d"], replaced["joints_2d"])


def test_divergence_stops_with_a_message_and_leaves_the_last_good_checkpoint(freihand, tmp_path, monkeypatch):
    """The fifth step is so long that it ruins the weights: they are not saved, those before it are kept."""
    monkeypatch.setattr(train, "learning_rate_at", lambda step, *_: math.inf if step == 4 else 1e-3)
    with pytest.raises(
        DivergedError, match=r"is not finite at step 5\. Lower `finetune.learning_rate` \(0\.001; try"
    ) as error:
        run(freihand, tmp_path / "out", {"checkpoint_minutes": 0})
    assert error.value.exit_code not in (0, 75)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"run"}
    checkpoints = [
        torch.load(path, weights_only=True) for path in tmp_path.glob("out/run/*/checkpoints/*.pt")
    ]
    assert checkpoints and max(checkpoint["step"] for checkpoint in checkpoints) == 4
    for checkpoint in checkpoints:
        assert all(torch.isfinite(tensor).all() for tensor in checkpoint["model"].values())


def test_the_log_says_what_the_recipe_has_from_elsewhere(freihand, tmp_path, caplog):
    caplog.set_level("INFO", "simhand")
    run(freihand, tmp_path, {"learning_rate": 2e-3, "epochs": 1})
    inferred = {line.split()[1] for line in caplog.messages if line.startswith("inferred: ")}
    assert {"finetune.schedule", "finetune.delta_weight", "finetune.optimiser"} <= inferred
    assert not inferred & {"finetune.learning_rate", "finetune.batch_size", "finetune.epochs"}


def test_validation_selection_needs_a_validation_split():
    with pytest.raises(ValueError, match="needs a validation_fraction above 0"):
        FinetuneSettings(validation_fraction=0)


def test_dataset_kinds_are_told_apart():
    assert parse_dataset('{"kind": "freihand", "root": "/data"}').root == "/data"
    with pytest.raises(ValueError, match="root"):
        parse_dataset('{"kind": "freihand"}')
    with pytest.raises(ValueError, match="kind"):
        parse_dataset('{"kind": "unknown"}')


def test_every_kind_of_dataset_has_a_loader(freihand, tmp_path, monkeypatch):
    assert set(data.LOADERS) == {kind for model in sections_in(DatasetSettings) for kind in kinds_of(model)}
    monkeypatch.delitem(data.LOADERS, "rendered")
    with pytest.raises(ConfigError, match="nothing loads a data set of kind 'rendered'; known: freihand"):
        run(freihand, tmp_path)


def kinds_of(model) -> tuple[str, ...]:
    return get_args(model.model_fields["kind"].annotation)


def test_a_gpu_that_is_not_there_is_an_error(freihand, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="finetune.device is cuda, but torch finds no GPU here"):
        run(freihand, tmp_path, {"device": "cuda"})
