"""Folders in which drivers (`snakemake --profile slurm`) work on the tests' cluster, and what comes of it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from cluster import Cluster, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tests" / "pretraining"), str(REPOSITORY / "tests")]

from drawn_freihand import write_split  # noqa: E402
from drawn_run import write_run  # noqa: E402

TIMEOUT_S = 600.0
"""After which a driver hangs. A scenario takes half a minute on an idle machine."""

DRAWN = {
    "run": "drawn",
    "sources": {"drawn": {"kind": "folder", "path": "videos"}},
    "sets": {"all": {"sources": "all"}},
    "datasets": {"rendered": {"kind": "rendered"}},
}
EACH_STEP_RECORDED = {"device": "cpu", "log_every_steps": 1, "checkpoint_minutes": 60}
HELD_STEPS = Path(__file__).parent / "held_steps"


class Driver:
    """A `snakemake --profile slurm` that has been started."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output

    def said(self) -> str:
        """All that it and its jobs have said so far."""
        return self._output.read_text()

    def finish(self, timeout_s: float = TIMEOUT_S) -> str:
        """Wait for its end and return what it said; a driver that hangs is ended, and fails the test."""
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the driver hangs: {self.said()}") from None
        return self.said()

    def succeed(self) -> str:
        """Wait for its end, which must be a good one."""
        said = self.finish()
        assert self.process.returncode == 0, said
        return said

    def fail(self) -> str:
        """Wait for its end, which must be a bad one, and not a crash of its own."""
        said = self.finish()
        assert self.process.returncode == 1, said
        assert "Traceback" not in said, said
        return said


class Workplace:
    """A folder with a config and the shipped profile, filled in as the user of this cluster would."""

    def __init__(self, folder: Path, cluster: Cluster, config: dict[str, Any]) -> None:
        self.folder, self.cluster = folder, cluster
        self._drivers: list[Driver] = []
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        (folder / "slurm").mkdir()
        self.profile = yaml.safe_load((REPOSITORY / "slurm" / "profile.yaml").read_text())
        self.profile["default-resources"]["slurm_account"] = "lab"
        programs = REPOSITORY / ".venv" / "work" / "bin"
        self.environment = cluster.environment | {
            "PATH": f"{cluster.folder}/bin{os.pathsep}{programs}{os.pathsep}{cluster.environment['PATH']}"
        }

    def start(self, *arguments: str, snakefile: Path = REPOSITORY / "Snakefile") -> Driver:
        """Start a driver."""
        (self.folder / "slurm/profile.yaml").write_text(yaml.safe_dump(self.profile))
        output = self.folder / f"driver{len(self._drivers)}.txt"
        command = [str(REPOSITORY / ".venv/driver/bin/python"), str(REPOSITORY / "tests/slurm/driver.py")]
        command += ["--snakefile", str(snakefile), "--profile", "slurm", "--configfile", "config.yaml"]
        with output.open("wb") as out:
            process = subprocess.Popen(
                [*command, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._drivers.append(Driver(process, output))
        return self._drivers[-1]

    def job_log(self, job: str) -> str:
        """What a job said, as SLURM kept it (of a job that failed)."""
        (path,) = self.folder.glob(f"results/slurm-logs/**/{job}.log")
        return path.read_text()

    def close(self) -> None:
        """Kill the drivers that still run, and their jobs."""
        for driver in self._drivers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(driver.process.pid, signal.SIGKILL)
            driver.process.wait()
        self.cluster.cancel_all()


class Training(Workplace):
    """A folder in which only one training is left to do, on drawn hands.

    With ``hold`` it waits in its third step for a signal, once.
    """

    def __init__(
        self,
        folder: Path,
        cluster: Cluster,
        config: dict[str, Any],
        rule: str,
        output: str,
        steps: int,
        hold: bool,
    ) -> None:
        super().__init__(folder, cluster, DRAWN | config)
        self.environment |= {"PYTHONPATH": str(HELD_STEPS)}
        if hold:
            (folder / "hold").touch()
        stage, experiment = rule.split("_")[0], Path(output).parent.name
        self.rule, self.steps = rule, steps
        self.out = folder / f"results/drawn/{stage}/{experiment}"
        self._target = f"results/drawn/{stage}/{output}"
        self._log = folder / f"results/drawn/logs/{rule}/{experiment}.log"
        (folder / "videos").mkdir()
        (folder / "videos/a.mp4").touch()

    def train(self, *options: str, threads: int = 1, **resources: Any) -> Driver:
        """Start a driver that has the training done, on partition cpu unless ``resources`` say otherwise."""
        self.profile["set-threads"][self.rule] = threads
        self.profile["set-resources"][self.rule] |= {"slurm_partition": "cpu"} | resources
        return self.start("--allowed-rules", self.rule, *options, "--", self._target)

    def history(self) -> list[int]:
        """The steps in the order in which they were recorded, by whichever job."""
        paths = [*self.out.glob("run/*/history.jsonl")]
        lines = "".join(path.read_text() for path in paths).splitlines(keepends=True)
        found = [json.loads(line) for line in lines if line.endswith("\n")]
        return [line["step"] for line in found if line["kind"] == "step"]

    def wait_until_held(self, driver: Driver) -> None:
        """Return once the trainer has taken two steps and waits in the third."""

        def held() -> bool:
            assert driver.process.poll() is None, driver.said()
            return self.history() == [1, 2]

        wait_until(held, "the second step is not taken", TIMEOUT_S)

    def rule_log(self) -> str:
        """The log of the last attempt."""
        return self._log.read_text()

    def check_each_step_once(self) -> None:
        """The training is complete, and its outputs are of every step, each taken once."""
        assert self.history() == list(range(1, self.steps + 1))
        lines = [json.loads(line) for line in (self.out / "history.jsonl").read_text().splitlines()]
        assert [line["step"] for line in lines if line["kind"] == "step"] == self.history()
        assert (self.folder / self._target).exists() and not (self.out / "run/lock.json").exists()


class Pretraining(Training):
    """Twenty steps of a pre-training."""

    def __init__(self, folder: Path, cluster: Cluster, hold: bool = True, **changes: Any) -> None:
        small = {"encoder": "resnet18", "image_size_px": 32, "batch_size": 8, "bn_group": 16}
        settings = small | {"warmup_epochs": 0, "probe_hands": 0, "epochs": 2} | EACH_STEP_RECORDED
        row = {"method": "simclr", "set": "all", "dataset": "rendered"}
        config = {"pretrain": settings | changes, "experiments": {"table2": [row]}}
        output = "simclr_all_none_random_seed0/encoder.safetensors"
        super().__init__(folder, cluster, config, "pretrain_encoder", output, 20, hold)
        write_run(folder / "results/drawn", 80)
        for name in ("crops/drawn/0000.arrow", "keypoints/drawn/0000.parquet"):
            (folder / "results/drawn" / name).touch()


class Finetuning(Training):
    """Twelve steps of a fine-tuning."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        small = {"encoder": "resnet18", "head_width": 8, "input_px": 32, "batch_size": 4, "epochs": 4}
        settings = small | {"validation_fraction": 0.0, "model_selection": "last"} | EACH_STEP_RECORDED
        row = {"method": "none", "dataset": "rendered"}
        config = {"finetune": settings, "experiments": {"table2": [row]}}
        output = "none_random_seed0__rendered_100pct/predictions.parquet"
        super().__init__(folder, cluster, config, "finetune_detnet", output, 12, hold=True)
        for split, versions in (("training", 2), ("evaluation", 1)):
            write_split(folder / "results/drawn/world/labels", split, 6, versions, seed=1)


def attempts(cluster: Cluster, driver: Driver) -> list[dict[str, str]]:
    """What accounting knows of the jobs of a driver, one row per start of a job, oldest first."""
    run = driver.said().split("SLURM run ID: ")[1].split()[0]
    return [row for row in cluster.jobs() if row["JobName"] == run]


@contextlib.contextmanager
def more_important_job(cluster: Cluster, seconds: int = 2) -> Iterator[str]:
    """A job that needs the whole node and may have it before those on preemptible partitions."""
    job = cluster.run(
        *("sbatch", "--parsable", "--account=lab", "--partition=vip", "--exclusive", "--mem=0"),
        *("--time=5", "--output=/dev/null", f"--wrap=sleep {seconds}"),
    ).strip()
    yield job
    cluster.run("scancel", job)
