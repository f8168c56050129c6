"""Whether there are the GPUs that the configuration counts on."""

import os

import pytest
import yaml

from simhand.preflight.gpus import check_gpus, gpus_asked_for, gpus_here
from simhand.preflight.planned_jobs import PlannedJob
from simhand.preflight.snakemake_call import SnakemakeCall
from simhand.settings.check import load_config

TWO_GPUS = "#!/bin/sh\necho 'GPU 0: A (UUID: GPU-1)'\necho '  MIG 1g'\necho 'GPU 1: A (UUID: GPU-2)'\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with two GPUs, or with none."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def become(with_gpus):
        folder = tmp_path / str(with_gpus)
        folder.mkdir()
        if with_gpus:
            (folder / "nvidia-smi").write_text(TWO_GPUS)
            (folder / "nvidia-smi").chmod(0o755)
        monkeypatch.setenv(
            "PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin" if with_gpus else str(folder)
        )

    return become


@pytest.fixture
def findings(repository):
    def find(pretrain, executor="local", **resources):
        raw = yaml.safe_load((repository / "tests/tiny.yaml").read_text())
        raw["pretrain"] |= pretrain
        raw["experiments"]["table2"] = [{"method": "simclr", "set": "all", "dataset": "rendered"}]
        config = load_config(raw)
        (name,) = config.pretrain_experiments()
        job = PlannedJob("pretrain_encoder", False, 1, resources, {"pretrain": name})
        call = SnakemakeCall([], "", [], [], executor=executor)
        return list(check_gpus(config, call, [job, job, PlannedJob("fit_pca", False, 1)]))

    return find


def test_gpus_of_this_machine_are_counted(machine, monkeypatch):
    machine(with_gpus=True)
    assert gpus_here() == 2
    for visible, count in (("1", 1), ("", 0), ("0,1", 2)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert gpus_here() == count
    machine(with_gpus=False)
    assert gpus_here() == 0


def test_here_there_must_be_as_many_as_processes(machine, findings):
    machine(with_gpus=True)
    (found,) = findings({"device": "cuda", "processes": 2, "batch_size": 4, "bn_group": 4})
    assert found.ok
    (found,) = findings({"device": "cuda", "processes": 4, "batch_size": 8, "bn_group": 4})
    assert not found.ok and "needs 4" in found.detail and "this machine has 2" in found.detail
    assert "pretrain.processes to 2" in found.detail
    machine(with_gpus=False)
    (found,) = findings({"device": "cuda"})
    assert not found.ok and "set pretrain.device to auto or cpu" in found.detail
    assert not findings({"device": "auto", "processes": 2, "batch_size": 4, "bn_group": 4})
    assert not findings({"device": "cpu"})


def test_a_request_must_name_as_many_as_processes(findings):
    two = {"processes": 2, "batch_size": 4, "bn_group": 4}
    for device in ("auto", "cuda"):
        (found,) = findings(two | {"device": device}, "slurm", gpu="0", gres="gpu:a100:1")
        assert not found.ok and "asks for 1" in found.detail and "slurm/profile.yaml" in found.detail
        assert findings(two | {"device": device}, "slurm", gpu="0", gres="gpu:a100:2")[0].ok
    (found,) = findings({"device": "cuda"}, "slurm", gpu="0")
    assert not found.ok
    assert not findings({"device": "auto"}, "slurm", gpu="0")


@pytest.mark.parametrize(
    ("resources", "count"),
    [({"gres": "gpu"}, 1), ({"gres": "gpu:a100"}, 1), ({"gres": "gpu:3"}, 3), ({"gres": "shard:4"}, 0)]
    + [({"gres": "shard:4,gpu:a100:2", "gpu": "0"}, 2), ({"gpu": "8"}, 8), ({}, 0)],
)
def test_how_a_request_names_gpus(resources, count):
    assert gpus_asked_for(PlannedJob("pretrain_encoder", False, 1, resources)) == count
