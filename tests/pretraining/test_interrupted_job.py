"""A pre-training that Snakemake runs is told to stop: its retry goes on, and no step is taken twice."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
import yaml
from drawn_run import write_run

NAME = "simclr_all_none_random_seed0"
CONFIG = {
    "run": "drawn",
    "sources": {"drawn": {"kind": "folder", "path": "videos"}},
    "sets": {"all": {"sources": "all"}},
    "pretrain": {
        "encoder": "resnet18",
        "image_size_px": 32,
        "batch_size": 8,
        "bn_group": 16,
        "epochs": 3,
        "warmup_epochs": 1,
        "device": "cpu",
        "log_every_steps": 1,
        "checkpoint_minutes": 60,
    },
    "datasets": {"rendered": {"kind": "rendered"}},
    "experiments": {"table2": [{"method": "simclr", "set": "all", "dataset": "rendered"}]},
}
STEPS = 9


class Job:
    """The rule alone, on files that the stages before it would have made."""

    def __init__(self, repository, folder):
        write_run(folder / "results/drawn", 24)
        for name in ("crops/drawn/0000.arrow", "keypoints/drawn/0000.parquet"):
            (folder / "results/drawn" / name).touch()
        (folder / "videos").mkdir()
        (folder / "videos/a.mp4").touch()
        (folder / "drawn.yaml").write_text(yaml.safe_dump(CONFIG))
        programs = repository / ".venv/work/bin"
        self.folder, self.out = folder, folder / "results/drawn/pretrain" / NAME
        self.command = [programs / "snakemake", "--snakefile", repository / "Snakefile", "--cores", "1"]
        self.command += ["--configfile", "drawn.yaml", "--allowed-rules", "pretrain_encoder"]
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        self.place = {"cwd": folder, "env": os.environ | {"PATH": path}, "text": True}
        self.place |= {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.target = self.out.relative_to(folder) / "encoder.safetensors"

    def start(self, *options):
        return subprocess.Popen([*self.command, *options, "--", self.target], **self.place)

    def steps_taken(self):
        found = [path.read_text() for path in self.out.glob("run/*/history.jsonl")]
        return "".join(found).count('"kind": "step"')

    def tell_to_stop_at(self, step, snakemake):
        while self.steps_taken() < step:
            assert snakemake.poll() is None, snakemake.stdout.read()
            time.sleep(0.05)
        os.kill(json.loads((self.out / "run/lock.json").read_text())["process"], signal.SIGTERM)


def test_a_retry_goes_on_where_the_job_was_stopped(repository, tmp_path):
    job = Job(repository, tmp_path)
    snakemake = job.start("--retries", "1")
    job.tell_to_stop_at(2, snakemake)
    said, _ = snakemake.communicate()
    assert snakemake.returncode == 0, said
    stopped, went_on = (re.findall(rf"{text} after step (\d+)", said) for text in ("stopped", "continuing"))
    assert len(stopped) == 1 and stopped == went_on, said
    lines = [json.loads(line) for line in (job.out / "history.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["kind"] == "step"] == list(range(1, STEPS + 1))


@pytest.mark.long
def test_deleted_outputs_are_written_again_without_training(repository, tmp_path):
    job = Job(repository, tmp_path)
    for options in ([], ["--delete-all-output"], []):
        snakemake = job.start(*options)
        said, _ = snakemake.communicate()
        assert snakemake.returncode == 0, said
        assert (job.out / "encoder.safetensors").exists() == (not options)
        assert (job.out / "run").is_dir()
    assert f"has all {STEPS} steps already; delete it to train anew" in said
