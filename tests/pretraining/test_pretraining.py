"""Training end to end on drawn hands: it learns, repeats itself to the bit, and leaves what is promised."""

import itertools
import json
import logging
import math
import re
import runpy
import sys

import pytest
import safetensors
import torch
import torchvision
from drawn_run import experiment
from safetensors.torch import load_file

from simhand.device import choose_device
from simhand.errors import EXIT_BAD_CONFIG, ConfigError
from simhand.pretraining.data import load_hands
from simhand.pretraining.embedding_quality import alignment, uniformity
from simhand.pretraining.methods.registry import find_method
from simhand.pretraining.retrieval_probe import make_probe
from simhand.pretraining.train import pretrain
from simhand.pretraining.training import start_training
from simhand.settings.experiments import METHODS, METHODS_WITH_PAIRS, ranks_of
from simhand.settings.pretrain import PretrainSettings
from simhand.settings.section import preset_defaults
from simhand.stage_code import stage_code
from simhand.training_runs import progress
from simhand.training_runs.run_folder import open_run

RELEASE = preset_defaults(PretrainSettings, "release")
NAMES = (f"run{number}" for number in itertools.count())

pytestmark = pytest.mark.usefixtures("one_thread")


def train(run, tmp_path, settings, method, **changes):
    """A finished training, and the lines of its history."""
    of = experiment(method, **changes)
    pairs = run.pairs_file if method in METHODS_WITH_PAIRS else None
    hands = load_hands(settings, run.folder, run.set_file, pairs, ranks_of(of.top_k), 1)
    training = start_training(of, settings)
    with open_run(tmp_path / next(NAMES), {}) as run_folder:
        pretrain(training, hands, run_folder, make_probe(hands, run.set_file, settings.probe_hands))
        return training, [json.loads(line) for line in run_folder.history.read_text().splitlines()]


def weights_of(training):
    return torch.cat([tensor.flatten().float() for tensor in training.model.state_dict().values()])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("tiny_encoder")
def test_the_loss_falls(run, tmp_path, small, method):
    settings = small.model_copy(update={"epochs": 30, "learning_rate": 3e-3})
    _, history = train(run, tmp_path, settings, method)
    losses = [line["loss"] for line in history if line["kind"] == "epoch"]
    assert len(losses) == 30 and max(losses[-3:]) < losses[0] - 0.15


@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_as_released_with_weights(run, tmp_path, small, method):
    settings = small.model_copy(update={**RELEASE, "batch_size": 10, "image_size_px": 32, "epochs": 1})
    training, history = train(run, tmp_path, settings, method, weighting="both")
    assert training.step == 3 and all(math.isfinite(line["loss"]) for line in history if "loss" in line)


@pytest.mark.usefixtures("tiny_encoder")
def test_training_twice_gives_the_same_bits_and_another_seed_does_not(run, tmp_path, small):
    once, _ = train(run, tmp_path, small, "simhand", weighting="both")
    again, _ = train(run, tmp_path, small, "simhand", weighting="both")
    other, _ = train(run, tmp_path, small, "simhand", weighting="both", seed=1)
    assert torch.equal(weights_of(once), weights_of(again))
    assert not torch.equal(weights_of(once), weights_of(other))


@pytest.mark.usefixtures("tiny_encoder")
def test_crops_decoded_again_by_more_workers_give_the_same_bits(run, tmp_path, small):
    once, _ = train(run, tmp_path, small, "peclr")
    again, _ = train(run, tmp_path, small.model_copy(update={"memory_mb": 0}), "peclr")
    assert torch.equal(weights_of(once), weights_of(again))


@pytest.mark.usefixtures("tiny_encoder")
def test_history_and_progress(run, tmp_path, small, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "simhand")
    monkeypatch.setattr(progress, "LOG_EVERY_S", 0)
    settings = small.model_copy(update={"log_every_steps": 2})
    training, history = train(run, tmp_path, settings, "peclr")
    assert [(line["kind"], line["epoch"], line["step"]) for line in history] == [
        ("probe", 0, 0),
        ("step", 1, 2),
        ("epoch", 1, 3),
        ("probe", 1, 3),
        ("step", 2, 4),
        ("step", 2, 6),
        ("epoch", 2, 6),
        ("probe", 2, 6),
    ]
    of_steps, probes = (
        [line for line in history if (line["kind"] == "probe") == wanted] for wanted in (0, 1)
    )
    for line in of_steps:
        assert line["views_per_s"] > 0 and 0 <= line["data_wait"] <= 1 and line["gradient_norm"] > 0
        assert 0 <= line["alignment"] <= 4 and line["uniformity"] <= 0
    assert of_steps[1]["learning_rate"] == pytest.approx(settings.learning_rate)
    assert training.final_loss == of_steps[-1]["loss"] and training.views == 6 * 16
    assert training.retrieval_errors == [line["retrieval_error"] for line in probes]
    assert "epoch 2 of 2: loss" in caplog.text and "after 2 epochs: retrieval error" in caplog.text
    assert re.search(
        r"step 4 of 6: loss .* views/s, data wait .*, learning rate .*, \d:\d\d:\d\d left", caplog.text
    )


def test_an_epochs_mean_loss_is_the_mean_of_its_steps(run, tmp_path, small):
    _, history = train(run, tmp_path, small.model_copy(update={"log_every_steps": 1}), "simclr")
    for epoch in (1, 2):
        of_steps, of_epoch = (
            [line["loss"] for line in history if (line["kind"], line["epoch"]) == (kind, epoch)]
            for kind in ("step", "epoch")
        )
        assert len(of_steps) == 3 and of_epoch == [pytest.approx(sum(of_steps) / 3)]


@pytest.mark.usefixtures("tiny_encoder")
def test_tensorboard_gets_what_the_history_has(run, tmp_path, small, caplog):
    _, history = train(run, tmp_path, small, "simclr")
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("tensorboard/events.*"))
    for name in (b"epoch/loss", b"epoch/uniformity", b"epoch/views_per_s", b"probe/retrieval_error"):
        assert name in written
    train(run, tmp_path, small.model_copy(update={"tensorboard": False}), "simclr")
    assert len(list(tmp_path.rglob("tensorboard"))) == 1


@pytest.mark.usefixtures("tiny_encoder")
@pytest.mark.parametrize("probe_hands", [0, 5])
def test_watching_does_not_change_the_training(run, tmp_path, small, probe_hands):
    watched, _ = train(run, tmp_path, small, "peclr")
    changes = {
        "probe_hands": probe_hands,
        "log_every_steps": 1,
        "tensorboard": False,
        "checkpoint_minutes": 0,
    }
    other, history = train(run, tmp_path, small.model_copy(update=changes), "peclr")
    assert torch.equal(weights_of(watched), weights_of(other))
    assert any(line["kind"] == "probe" for line in history) == (probe_hands > 0)


@pytest.mark.usefixtures("tiny_encoder")
def test_a_warmup_as_long_as_the_training_is_remarked_upon(run, tmp_path, small, caplog):
    train(run, tmp_path, small.model_copy(update={"epochs": 1}), "simclr")
    assert "the warm-up (1 epochs) fills all 1 epochs" in caplog.text


def test_unknown_methods_and_absent_devices_are_errors(monkeypatch):
    with pytest.raises(ConfigError, match="no pre-training method 'moco'; known: simclr, peclr, simhand,"):
        find_method("moco")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="pretrain.device is cuda, but torch finds no GPU here"):
        choose_device("cuda", "pretrain.device")
    assert choose_device("auto", "pretrain.device").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    types = [choose_device(name, "pretrain.device").type for name in ("auto", "cuda", "cpu")]
    assert types == ["cuda", "cuda", "cpu"]


def test_the_stage_is_re_run_when_a_method_changes(repository):
    """The DAG sees the methods that the config offers, though they are imported by name."""
    scripts = repository / "workflow_scripts"
    methods = {scripts / f"simhand/pretraining/methods/{name}.py" for name in METHODS}
    assert methods <= set(stage_code(scripts / "pretrain_encoder.py"))


def test_embedding_quality_has_closed_forms():
    axes = torch.eye(4)
    assert alignment(torch.cat([axes, axes])) == 0
    assert alignment(torch.cat([axes, -axes])) == 4
    assert uniformity(axes) == pytest.approx(-4)
    assert uniformity(torch.ones(4, 3) / math.sqrt(3)) == pytest.approx(0, abs=1e-6)


@pytest.fixture
def run_script(repository, run, monkeypatch):
    """Runs the stage script in this process, as importing torch again would take longer than the training."""
    handlers = logging.getLogger().handlers[:]

    def run_it(out_dir, settings, of, *more):
        options = {
            "--settings": settings.model_dump_json(),
            "--experiment": of.model_dump_json(),
            "--threads": 1,
        }
        options |= {"--run-dir": run.folder, "--set": run.set_file, "--out-dir": out_dir}
        arguments = [*itertools.chain(*options.items()), *more]
        script = str(repository / "workflow_scripts" / "pretrain_encoder.py")
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        runpy.run_path(script, run_name="__main__")

    yield run_it
    logging.getLogger().handlers[:] = handlers


def test_the_script_leaves_what_is_promised(run_script, run, tmp_path, small):
    of = experiment("simhand", weighting="both")
    settings = small.model_copy(update={"epochs": 1})
    run_script(tmp_path, settings, of, "--pairs", run.pairs_file)
    names = {"README.md", "checkpoint.pt", "encoder.safetensors", "history.jsonl", "metrics.json", "run"}
    names.add("encoder.certificate.json")
    assert {path.name for path in tmp_path.iterdir()} == names

    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert (metrics["steps"], metrics["hands"], metrics["anchors"]) == (3, 24, 24)
    assert metrics["experiment"] == of.model_dump() and metrics["settings"] == settings.model_dump()
    assert len(metrics["inputs_sha256"]) == 2 and metrics["views_per_s"] > 0
    assert len(metrics["retrieval_errors"]) == 2, "before and after the only epoch"

    weights = load_file(tmp_path / "encoder.safetensors")
    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert checkpoint["steps"] == 3 and checkpoint["experiment"]["name"] == of.name
    assert all(
        torch.equal(checkpoint["model"][f"encoder.{name}"], tensor) for name, tensor in weights.items()
    )
    assert weights["bn1.num_batches_tracked"] == 3, "both views go through the encoder together"

    code = (tmp_path / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert len([line for line in code.splitlines() if line]) == 2
    code = code.replace('"encoder.safetensors"', repr(str(tmp_path / "encoder.safetensors")))
    scope = {"torchvision": torchvision, "safetensors": safetensors}
    exec(code, scope)
    assert torch.equal(scope["encoder"].conv1.weight, weights["conv1.weight"])
    card = (tmp_path / "README.md").read_text()
    assert "| method | SiMHand |" in card
    assert f"Retrieval error: {metrics['retrieval_errors'][1]:.3f}, before training" in card


def test_the_script_says_what_is_wrong(run_script, tmp_path, small, capsys):
    with pytest.raises(SystemExit) as ended:
        run_script(tmp_path, small, experiment("simhand"))
    assert ended.value.code == EXIT_BAD_CONFIG
    said = capsys.readouterr().err
    assert "method simhand trains on pairs of hands: give --pairs" in said and "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_pairs_are_left_aside_by_methods_that_do_not_need_them(run_script, run, tmp_path, small):
    """A hand without a partner is an anchor of PeCLR like any other, whether or not pairs are given."""
    run_script(
        tmp_path, small.model_copy(update={"epochs": 1}), experiment("peclr"), "--pairs", tmp_path / "absent"
    )
    assert json.loads((tmp_path / "metrics.json").read_text())["anchors"] == run.hands
