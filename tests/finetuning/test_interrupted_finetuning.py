"""Fine-tunings that are killed or told to stop end with the bits of one that was let alone."""

import json
import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from child_finetuning import start
from drawn_freihand import write_split

from simhand.errors import EXIT_TRY_AGAIN, BusyError
from simhand.finetuning import experiment, train
from simhand.finetuning.experiment import run_experiment
from simhand.settings.datasets import parse_dataset
from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings
from simhand.training_runs.history import TIMED
from simhand.training_runs.run_folder import open_run

pytestmark = pytest.mark.xdist_group("interrupted_finetuning")

SETTINGS = FinetuneSettings(
    encoder="resnet18",
    head_width=8,
    input_px=32,
    batch_size=4,
    epochs=8,
    device="cpu",
    checkpoint_minutes=0,
    log_every_steps=2,
    validation_fraction=0.25,
)
STEPS = 3 * SETTINGS.epochs
EXPERIMENT = FinetuneExperiment(
    name="none_random_seed0__drawn_100pct", method="none", set=None, weighting="none", top_k=None,
    init="random", dataset="drawn", label_fraction=1.0, seed=0,
)  # fmt: skip


class Finetunings:
    """Fine-tunings of one experiment, one after the other in one folder."""

    def __init__(self, root: Path, folder: Path, **changes) -> None:
        self.out, self.stderr = folder / "out", folder / "stderr"
        settings = FinetuneSettings.model_validate(SETTINGS.model_dump() | changes)
        options = {"--experiment": EXPERIMENT.model_dump_json(), "--settings": settings.model_dump_json()}
        options |= {"--dataset": '{"kind": "rendered"}', "--root": root, "--out-dir": self.out}
        self.arguments = [str(part) for option in options.items() for part in option]

    def start(self):
        return start(self.arguments, self.stderr)

    def finish(self) -> None:
        process = self.start()
        process.join()
        assert process.exitcode == 0, self.said()

    def wait_for(self, process, kind: str, step: int) -> None:
        """Until the history has a line of that kind and step, or of a later one."""
        while not any(line["kind"] == kind and line["step"] >= step for line in self._lines()):
            assert process.is_alive(), self.said()
            time.sleep(0.002)

    def _lines(self) -> list[dict]:
        found = list(self.out.glob("run/*/history.jsonl"))
        lines = found[0].read_text().splitlines(keepends=True) if found else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def said(self) -> str:
        return self.stderr.read_text()

    def results(self) -> dict:
        """History without times, and all else to the bit but for times."""
        lines = [json.loads(line) for line in (self.out / "history.jsonl").read_text().splitlines()]
        (last,) = self.out.glob("run/*/checkpoints/*.pt")
        state = torch.load(last, weights_only=True)
        return {
            "history": [{key: line[key] for key in line if key not in TIMED} for line in lines],
            "predictions": (self.out / "predictions.parquet").read_bytes(),
            "chosen": of_weights(torch.load(self.out / "checkpoint.pt", weights_only=True)["model"]),
            "model": of_weights(state["model"]),
            "moments": [
                part["exp_avg_sq"].numpy().tobytes() for part in state["optimiser"]["state"].values()
            ],
        }


def of_weights(state: dict[str, torch.Tensor]) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in state.items()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    write_split(root, "training", 8, 2, seed=1)
    write_split(root, "evaluation", 5, 1, seed=2)
    return root


@pytest.fixture(scope="module")
def undisturbed(drawn, tmp_path_factory):
    finetunings = Finetunings(drawn, tmp_path_factory.mktemp("undisturbed"))
    finetunings.finish()
    return finetunings.results()


def check_the_same(finetunings: Finetunings, undisturbed: dict) -> None:
    found = finetunings.results()
    assert found.keys() == undisturbed.keys()
    for name in found:
        assert found[name] == undisturbed[name], name
    steps = [line["step"] for line in found["history"] if line["kind"] == "step"]
    assert steps == list(range(2, STEPS + 1, 2)), "each line once"


def killed(root: Path, folder: Path, kills: int, seed: int) -> Finetunings:
    """Fine-tunings killed at random moments so many times, then let alone."""
    finetunings, draw = Finetunings(root, folder), random.Random(seed)
    for step in sorted(draw.randrange(2, STEPS - 6) for _ in range(kills)):
        process = finetunings.start()
        finetunings.wait_for(process, "step", step)
        time.sleep(draw.uniform(0, 0.03))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, finetunings.said()
    finetunings.finish()
    return finetunings


def test_two_kills(drawn, undisturbed, tmp_path):
    finetunings = killed(drawn, tmp_path, 2, seed=0)
    check_the_same(finetunings, undisturbed)
    assert "continuing after step" in finetunings.said()


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_ten_kills(drawn, undisturbed, tmp_path, seed):
    check_the_same(killed(drawn, tmp_path, 10, seed), undisturbed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_told_to_stop_it_saves_and_the_same_command_continues(drawn, undisturbed, tmp_path, number):
    """No checkpoint is due for an hour: what is continued from was written because of the signal."""
    finetunings = Finetunings(drawn, tmp_path, checkpoint_minutes=60)
    for kind, step in (("step", 8), ("epoch", 15)):
        process = finetunings.start()
        finetunings.wait_for(process, kind, step)
        os.kill(process.pid, number)
        process.join()
        assert process.exitcode == EXIT_TRY_AGAIN, finetunings.said()
        assert "; the same command continues there" in finetunings.said()
        assert not (finetunings.out / "run/lock.json").exists()
        assert {path.name for path in finetunings.out.iterdir()} == {"run"}
    finetunings.finish()
    check_the_same(finetunings, undisturbed)


def finetune_here(drawn, out_dir):
    dataset = parse_dataset('{"kind": "rendered"}')
    run_experiment(SETTINGS, EXPERIMENT, dataset, drawn, None, out_dir, threads=1)


@pytest.fixture
def quick_beat(monkeypatch, tiny_encoder):
    monkeypatch.setattr(experiment, "open_run", partial(open_run, heartbeat_s=0.1))


@pytest.mark.usefixtures("quick_beat")
def test_another_trainer_in_the_same_folder_is_refused(drawn, tmp_path):
    with (
        open_run(tmp_path / "run", {"settings": "of another"}, heartbeat_s=0.1),
        pytest.raises(BusyError, match=r"works in \S+run since .* Let it finish"),
    ):
        finetune_here(drawn, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


@pytest.mark.usefixtures("quick_beat")
def test_a_trainer_that_has_lost_its_lock_stops_and_saves_nothing_more(drawn, tmp_path, monkeypatch):
    backpropagate = train.backpropagate

    def taken_over(training, batch):
        if training.step == 3:
            path = tmp_path / "run/lock.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | {"token": "another", "host": "node8"}))
        return backpropagate(training, batch)

    monkeypatch.setattr(train, "backpropagate", taken_over)
    with pytest.raises(BusyError, match="on node8 .* has taken over"):
        finetune_here(drawn, tmp_path)
    saved = sorted(path.name for path in tmp_path.glob("run/*/checkpoints/*"))
    assert saved == ["step-000000002.pt", "step-000000003.pt"]
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


def test_a_finished_training_predicts_again_without_training(drawn, undisturbed, tmp_path):
    """Snakemake removes the declared files before it starts a job again."""
    finetunings = Finetunings(drawn, tmp_path)
    finetunings.finish()
    for path in finetunings.out.iterdir():
        if path.is_file():
            path.unlink()
    finetunings.finish()
    assert f"has all {STEPS} steps already; delete it to train anew" in finetunings.said()
    check_the_same(finetunings, undisturbed)


def test_other_settings_begin_anew_and_say_what_differs(drawn, tmp_path):
    finetunings = Finetunings(drawn, tmp_path, epochs=1)
    finetunings.finish()
    other = Finetunings(drawn, tmp_path, epochs=1, heat_weight=50)
    other.finish()
    assert "training begins anew" in other.said()
    assert "settings.heat_weight: 100.0, now 50.0" in other.said()
    assert other.said().count("training from the beginning") == 2
