"""Trainings that are killed, told to stop, or run out of disk end with the bits of one that was let alone."""

import json
import os
import random
import re
import signal
import socket
import time
from pathlib import Path

import pytest
import torch
from child_training import start
from drawn_run import experiment

from simhand.errors import EXIT_DISK_FULL, EXIT_TRY_AGAIN
from simhand.settings.pretrain import PretrainSettings
from simhand.training_runs.history import TIMED

pytestmark = pytest.mark.xdist_group("interrupted_training")

SETTINGS = PretrainSettings(
    encoder="resnet18",
    head_width=32,
    embedding_size=32,
    image_size_px=32,
    batch_size=8,
    bn_group=None,
    epochs=12,
    warmup_epochs=2,
    device="cpu",
    checkpoint_minutes=0,
    log_every_steps=2,
)
STEPS = 3 * SETTINGS.epochs


class Trainings:
    """Trainings of one experiment on the drawn run, one after the other in one folder."""

    def __init__(self, run, folder: Path, settings: PretrainSettings = SETTINGS) -> None:
        self.folder = folder
        self.stderr = folder / "stderr"
        out = folder / "out"
        self.history_pattern = "out/run/*/history.jsonl"
        options = {"--experiment": experiment("simhand", weighting="both").model_dump_json()}
        options |= {"--settings": settings.model_dump_json(), "--threads": 1, "--run-dir": run.folder}
        options |= {"--set": run.set_file, "--pairs": run.pairs_file, "--out-dir": out}
        self.arguments = [str(part) for option in options.items() for part in option]

    def start(self, **options):
        return start(self.arguments, self.stderr, **options)

    def finish(self) -> None:
        process = self.start()
        process.join()
        assert process.exitcode == 0, self.said()

    def steps_taken(self) -> int:
        """The last step in the history so far."""
        found = list(self.folder.glob(self.history_pattern))
        lines = found[0].read_text().splitlines(keepends=True) if found else []
        return max((json.loads(line)["step"] for line in lines if line.endswith("\n")), default=0)

    def wait_for_step(self, process, step: int) -> None:
        while self.steps_taken() < step:
            assert process.is_alive(), self.said()
            time.sleep(0.002)

    def said(self) -> str:
        return self.stderr.read_text()

    def results(self) -> tuple[list[dict], bytes, dict]:
        """History without times, the encoder's bytes, and the final state of model and optimiser."""
        out = self.folder / "out"
        lines = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
        history = [{key: line[key] for key in line if key not in TIMED} for line in lines]
        checkpoint = torch.load(out / "checkpoint.pt", weights_only=True)
        checkpoint.pop("settings")
        return history, (out / "encoder.safetensors").read_bytes(), checkpoint


@pytest.fixture(scope="module")
def undisturbed(run, tmp_path_factory):
    trainings = Trainings(run, tmp_path_factory.mktemp("undisturbed"))
    trainings.finish()
    return trainings.results()


def equal(first, second) -> bool:
    """Whether two states are the same to the bit."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(equal(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(equal, first, second))
    return first == second


def check_the_same(trainings, undisturbed):
    history, encoder, checkpoint = trainings.results()
    assert history == undisturbed[0]
    assert encoder == undisturbed[1]
    assert equal(checkpoint, undisturbed[2])
    of_steps = [line["step"] for line in history if line["kind"] == "step"]
    assert of_steps == list(range(2, STEPS + 1, 2)), "each line once"


def killed(run, folder, kills, seed):
    """Trainings that were killed at random moments so many times, then let alone."""
    trainings, draw = Trainings(run, folder), random.Random(seed)
    for step in sorted(draw.randrange(STEPS - 12) for _ in range(kills)):
        process = trainings.start()
        trainings.wait_for_step(process, step)
        time.sleep(draw.uniform(0, 0.01))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, trainings.said()
    trainings.finish()
    return trainings


def test_three_kills(run, undisturbed, tmp_path):
    trainings = killed(run, tmp_path, 3, seed=0)
    check_the_same(trainings, undisturbed)
    assert "continuing after step" in trainings.said()


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_ten_kills(run, undisturbed, tmp_path, seed):
    check_the_same(killed(run, tmp_path, 10, seed), undisturbed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_told_to_stop_it_saves_and_the_same_command_continues(run, undisturbed, tmp_path, number):
    """No checkpoint is due for an hour: what is continued from was written because of the signal."""
    trainings = Trainings(run, tmp_path, SETTINGS.model_copy(update={"checkpoint_minutes": 60}))
    for step in (7, 20):
        process = trainings.start()
        trainings.wait_for_step(process, step)
        os.kill(process.pid, number)
        os.kill(process.pid, signal.SIGTERM)
        process.join()
        assert process.exitcode == EXIT_TRY_AGAIN, trainings.said()
        assert "; the same command continues there" in trainings.said()
        assert not (tmp_path / "out/run/lock.json").exists()
        assert {path.name for path in (tmp_path / "out").iterdir()} == {"run"}
    trainings.finish()
    check_the_same(trainings, undisturbed)


def test_a_limit_on_files_stops_it_and_the_last_checkpoint_is_used(run, undisturbed, tmp_path):
    """The history fits, the checkpoints do not."""
    trainings = Trainings(run, tmp_path)
    process = trainings.start()
    trainings.wait_for_step(process, 10)
    process.kill()
    process.join()
    before = {path.name for path in tmp_path.glob("out/run/*/checkpoints/step-*")}
    process = trainings.start(file_limit_bytes=100_000)
    process.join()
    assert process.exitcode == EXIT_DISK_FULL, trainings.said()
    assert "larger than the file system or `ulimit -f` allows" in trainings.said()
    assert {path.name for path in tmp_path.glob("out/run/*/checkpoints/*")} == before
    trainings.finish()
    check_the_same(trainings, undisturbed)


def test_a_finished_training_is_not_repeated(run, undisturbed, tmp_path):
    """Snakemake removes the declared files before it starts a job again, such as one whose driver died."""
    trainings = Trainings(run, tmp_path)
    trainings.finish()
    for path in (tmp_path / "out").iterdir():
        if path.is_file():
            path.unlink()
    trainings.stderr.write_text("")
    trainings.finish()
    assert f"has all {STEPS} steps already; delete it to train anew" in trainings.said()
    check_the_same(trainings, undisturbed)
    assert len(list(tmp_path.glob("out/run/*/checkpoints/*"))) == 1


def start_two(trainings):
    """Two processes that train together."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    together = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    ranks = ({"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(2))
    return [trainings.start(variables=together | rank) for rank in ranks]


def test_all_processes_stop_at_one_step_whichever_is_told_to(run, tmp_path):
    """And all continue from the checkpoint that the first one has written."""
    settings = SETTINGS.model_copy(update={"bn_group": 8, "epochs": 4, "checkpoint_minutes": 60})
    trainings = Trainings(run, tmp_path, settings)
    first, second = start_two(trainings)
    trainings.wait_for_step(first, 4)
    second.terminate()
    for process in (first, second):
        process.join()
        assert process.exitcode == EXIT_TRY_AGAIN, trainings.said()
    stopped = re.findall(r"stopped after step (\d+) \(([^)]*)\)", trainings.said())
    at, reasons = {step for step, _ in stopped}, {reason for _, reason in stopped}
    assert len(at) == 1 and reasons == {"SIGTERM", "another process was told to"}
    for process in start_two(trainings):
        process.join()
        assert process.exitcode == 0, trainings.said()
    assert f"continuing after step {stopped[0][0]}" in trainings.said()
    history, _, _ = trainings.results()
    assert [line["step"] for line in history if line["kind"] == "step"] == [2, 4, 6, 8, 10, 12]
