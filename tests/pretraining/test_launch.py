"""Starting processes that train together: what they are told, and how one that fails ends the others."""

import json
import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_run import experiment
from safetensors.torch import load_file

from simhand import launched
from simhand.errors import ConfigError, DataError, SimhandError
from simhand.pretraining.process_group import joined_processes
from simhand.pretraining.processes import (
    any_process,
    maximum_over_processes,
    own_share,
    process_count,
    process_rank,
    sum_all_over_processes,
)

VARIABLES = (
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
    "SLURM_PROCID",
    "SLURM_LOCALID",
)
CPU = torch.device("cpu")


@pytest.fixture
def environment(monkeypatch):
    """Sets these of the launchers' variables, and no others."""

    def be(**values):
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))

    return be


def told():
    return (
        launched.launched_count(),
        launched.launched_rank(),
        launched.launched_local_rank(),
        launched.sharing_this_job(),
        launched.is_first_launched(),
    )


def test_what_a_process_is_told(environment):
    environment()
    assert told() == (1, 0, 0, 1, True)
    environment(SLURM_PROCID=3, SLURM_LOCALID=1)
    assert told() == (1, 0, 0, 1, True), "a SLURM job of several tasks is no training in several processes"
    environment(WORLD_SIZE=8, RANK=5, LOCAL_RANK=1, LOCAL_WORLD_SIZE=4, SLURM_PROCID=0)
    assert told() == (8, 5, 1, 4, False)
    environment(WORLD_SIZE=8, SLURM_PROCID=6, SLURM_LOCALID=2)
    assert told() == (8, 6, 2, 1, False)


def test_what_a_process_is_not_told(environment):
    environment(WORLD_SIZE=2)
    with pytest.raises(ConfigError, match="WORLD_SIZE is 2, but none of RANK, SLURM_PROCID is set"):
        launched.launched_rank()
    environment(WORLD_SIZE="two", RANK=0)
    with pytest.raises(ConfigError, match="WORLD_SIZE is 'two', expected a number"):
        launched.launched_count()
    environment(WORLD_SIZE=2, RANK=0, MASTER_ADDR="localhost")
    with pytest.raises(ConfigError, match="MASTER_PORT is not set"), joined_processes(CPU):
        pass


def test_more_processes_than_gpus_are_an_error(environment, monkeypatch):
    environment(
        WORLD_SIZE=4, RANK=0, LOCAL_RANK=0, LOCAL_WORLD_SIZE=4, MASTER_ADDR="localhost", MASTER_PORT=1
    )
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with (
        pytest.raises(ConfigError, match="pretrain.processes is 4, but this node has 2 GPUs"),
        joined_processes(torch.device("cuda")),
    ):
        pass


def test_one_process_needs_no_group(environment):
    environment()
    with joined_processes(CPU):
        tensors = [torch.ones(2), torch.ones(1)]
        sum_all_over_processes(tensors)
        assert [tensor.tolist() for tensor in tensors] == [[1, 1], [1]]
        assert (process_count(), process_rank(), own_share(7)) == (1, 0, slice(0, 7))
        assert any_process(True, CPU) and not any_process(False, CPU)


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def _work_together(rank, port, answers):
    os.environ |= {"WORLD_SIZE": "2", "RANK": str(rank), "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    try:
        with joined_processes(CPU):
            transposed = torch.arange(6.0).view(2, 3).T
            tensors = [torch.full((3,), 1.0 + rank), transposed, torch.tensor(float(rank))]
            sum_all_over_processes(tensors)
            largest = maximum_over_processes(torch.tensor([rank, -rank]))
            asked = [any_process(rank == 1, CPU), any_process(False, CPU)]
            answers.put((rank, [tensor.tolist() for tensor in tensors], largest.tolist(), asked))
            if rank == 1:
                raise DataError("crop 7 is broken")
            sum_all_over_processes(tensors)
    except SimhandError as error:
        answers.put((rank, type(error).__name__, str(error)))


def test_processes_sum_and_a_lost_one_ends_the_others():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["warm_trainer"])
    answers, port = context.Queue(), free_port()
    workers = [context.Process(target=_work_together, args=(rank, port, answers)) for rank in range(2)]
    for worker in workers:
        worker.start()
    said = sorted((answers.get(timeout=600) for _ in range(4)), key=lambda answer: (len(answer), answer[0]))
    for worker in workers:
        worker.join(60)
    lost, failed, first, second = said
    assert first[1] == second[1] == [[3, 3, 3], [[0, 6], [2, 8], [4, 10]], 1]
    assert first[2:] == second[2:] == ([1, 0], [True, False])
    assert failed[1:] == ("DataError", "crop 7 is broken")
    assert lost[1:] == (
        "SimhandError",
        "process 0 stops: another process of this training has ended, and said why",
    )


@pytest.fixture
def torchrun_options(repository):
    """Those of the rule."""
    text = (repository / "rules/pretrain.smk").read_text()
    found = re.search(r"torch\.distributed\.run (.*?)--nproc-per-node", text, flags=re.DOTALL)
    return found[1].replace('"', "").split()


@pytest.fixture
def train(repository, torchrun_options, run, small, tmp_path):
    """Runs the script alone or by torchrun, and gives its folder and what it said."""

    def start(processes, pairs_file, signal_at_step_2=None, **changes):
        settings = small.model_copy(
            update={"bn_group": 4, "epochs": 1, "log_every_steps": 1, "learning_rate": 1e-4} | changes
        )
        out, log = tmp_path / str(processes), tmp_path / f"{processes}.log"
        launcher = [
            "-m",
            "torch.distributed.run",
            *torchrun_options,
            "--nproc-per-node",
            str(processes),
            "--",
        ]
        command = [sys.executable, *(launcher if processes > 1 else [])]
        command += [
            repository / "workflow_scripts/pretrain_encoder.py",
            "--settings",
            settings.model_dump_json(),
        ]
        command += ["--experiment", experiment("simhand", weighting="both").model_dump_json()]
        command += ["--run-dir", run.folder, "--set", run.set_file, "--pairs", pairs_file, "--out-dir", out]
        process = subprocess.Popen(
            [*map(str, command), "--threads", "2", "--log", str(log)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if signal_at_step_2:
            while not any('"step": 2' in path.read_text() for path in out.glob("run/*/history.jsonl")):
                assert process.poll() is None, log.read_text()
                time.sleep(0.01)
            process.send_signal(signal_at_step_2)
        stdout, stderr = process.communicate()
        done = subprocess.CompletedProcess(command, process.returncode, stdout, stderr)
        return done, out, log.read_text()

    return start


def losses_of(out):
    lines = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if line["kind"] == "step"]


@pytest.mark.long
def test_torchrun_trains_as_one_process_does(train, run):
    (alone, one, _), (together, two, log) = train(1, run.pairs_file), train(2, run.pairs_file)
    assert alone.returncode == together.returncode == 0, alone.stderr + together.stderr
    losses = np.array([losses_of(out) for out in (one, two)])
    # In float32 rounding grows from step to step, and BatchNorm over four views makes much of it.
    assert losses.shape == (2, 3) and np.allclose(losses[0], losses[1], rtol=1e-2)
    assert losses[0, 0] == pytest.approx(losses[1, 0], rel=1e-5)
    assert load_file(two / "encoder.safetensors")["bn1.num_batches_tracked"] == 3
    assert json.loads((two / "metrics.json").read_text())["hardware"]["processes"] == 2
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}
    assert log.count("done in") == 1 and "24 anchors, 3 steps per epoch" in log


@pytest.mark.long
def test_torchrun_ends_with_the_message_of_the_process_that_failed(train, tmp_path, run):
    together, out, log = train(2, run.pairs_file, bn_group=16)
    assert together.returncode != 0
    message = "2 processes train together, but a batch of 16 views is only 1 x `pretrain.bn_group` 16"
    assert message in log and message in together.stderr and "Traceback" not in log
    assert not (out / "encoder.safetensors").exists()


def command_lines():
    """Of all processes there are."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_text())
    return found


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_torchrun_told_to_stop_lets_the_processes_save(train, run, number):
    together, out, log = train(2, run.pairs_file, signal_at_step_2=number, epochs=200, checkpoint_minutes=60)
    assert together.returncode != 0
    (stopped,) = set(re.findall(r"stopped after step (\d+)", log))
    assert log.count("; the same command continues there") >= 1 and not (out / "run/lock.json").exists()
    assert list(out.glob(f"run/*/checkpoints/step-*{stopped}*"))
    assert not [line for line in command_lines() if str(out) in line], "one is left behind"
