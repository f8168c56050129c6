"""The cluster's profile: what it may say, what SLURM is asked for, and what a user sees whom SLURM refuses.

SLURM is played by the programs in fake_slurm; tests/slurm does the same on a real one.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from shard_scripts import encode

CONFIG = {
    "run": "own",
    "sources": {"own": {"kind": "folder", "path": "videos"}},
    "sets": {"all": {"sources": "all"}},
    "pretrain": {"batch_size": 8},
    "datasets": {"rendered": {"kind": "rendered"}},
    "experiments": {
        "table2": [
            {"method": "none", "dataset": "rendered"},
            {"method": "simclr", "set": "all", "dataset": "rendered"},
        ]
    },
}
MADE = (
    "sets/all.parquet",
    "crops/own/0000.arrow",
    "keypoints/own/0000.parquet",
    "world/labels/training_K.json",
)
FRAMES = "results/own/frames/own/0000.arrow"
ENCODER = "results/own/pretrain/simclr_all_none_random_seed0/encoder.safetensors"
PREDICTIONS = "results/own/finetune/none_random_seed0__rendered_100pct/predictions.parquet"
GPU_RULES = {"detect_hands", "mine_pairs_torch", "pretrain_encoder", "finetune_detnet"}
# the plugin rejects or ignores these, or they belong to one cluster
FORBIDDEN = {"gpus", "nvidia_gpu", "mem", "mem_mb_per_cpu", "partition", "account", "time", "cores"}


@pytest.fixture(scope="module")
def profile(repository):
    return yaml.safe_load((repository / "slurm" / "profile.yaml").read_text())


def rules_of(repository):
    text = "\n".join(path.read_text() for path in (repository / "rules").glob("*.smk"))
    return text, set(re.findall(r"^ *(?:rule (\w+):|use rule \w+ as (\w+) with:)", text, flags=re.MULTILINE))


def test_the_profile_names_rules_and_resources_that_exist(repository, profile):
    text, names = rules_of(repository)
    names = {plain or derived for plain, derived in names}
    resources = profile["set-resources"]
    named = resources.keys() | profile["set-threads"].keys() | set(profile["preemptible-rules"])
    assert named <= names and named >= GPU_RULES
    for asked in (*resources.values(), profile["default-resources"]):
        assert not FORBIDDEN & asked.keys()
        assert not re.search(r"--(gres|gpus|mem|time|partition|account)", asked.get("slurm_extra", ""))
    assert not re.search(r"\b(slurm_\w+|gres|qos|constraint)=", text), "what is a cluster's stands in a rule"


def test_every_request_grows_with_the_attempt_but_the_time_of_trainings(repository):
    text, _ = rules_of(repository)
    asked = re.findall(
        r"(?<=\n {8})(mem_mb|runtime)=(.*?),(?=\n {8}\w+=|\n {4}\w|\n\n)", text, flags=re.DOTALL
    )
    assert len(asked) > 40
    fixed = [how for what, how in asked if "attempt" not in how and not how.startswith("growing(")]
    assert fixed == ["1440", "1440"], "pretrain_encoder and finetune_detnet go on where they were"


def test_only_rules_for_gpus_ask_for_them(repository, profile):
    asking = {rule for rule, asked in profile["set-resources"].items() if {"gpu", "gres"} & asked.keys()}
    text, _ = rules_of(repository)
    asking |= set(re.findall(r"rule (\w+):(?:(?!\nrule ).)*?\n        gpu=", text, flags=re.DOTALL))
    assert asking == GPU_RULES
    partitions = {profile["set-resources"][rule]["slurm_partition"] for rule in GPU_RULES}
    assert partitions == {"gpu"} and profile["default-resources"]["slurm_partition"] == "cpu"


def test_trainings_are_tried_more_often_than_others(profile):
    assert profile["preemptible-retries"] >= 20 > profile["retries"] >= 2
    assert set(profile["preemptible-rules"]) == {"pretrain_encoder", "finetune_detnet"}


class Cluster:
    """A folder with a config, the profile with an account filled in, and the fake programs."""

    def __init__(self, repository: Path, folder: Path, account: str) -> None:
        self.folder, self.state = folder, folder / "fake_slurm_state"
        self.state.mkdir(parents=True)
        (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
        (folder / "videos").mkdir()
        (folder / "slurm").mkdir()
        shipped = (repository / "slurm/profile.yaml").read_text()
        (folder / "slurm/profile.yaml").write_text(shipped.replace('"myaccount"', f'"{account}"'))
        programs = [repository / "tests/workflow/fake_slurm", repository / ".venv/work/bin"]
        self._path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
        self._command = [repository / ".venv/driver/bin/python", repository / "tests/slurm/driver.py"]
        self._command += ["--snakefile", repository / "Snakefile", "--profile", "slurm"]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a driver to its end; all it says is in ``stdout``."""
        return subprocess.run(
            [*self._command, "--configfile", "config.yaml", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=os.environ | {"PATH": self._path, "FAKE_SLURM": str(self.state)},
        )

    def requests(self) -> dict[str, list[str]]:
        """What sbatch was asked for, by rule: the options of every attempt, in one string."""
        found: dict[str, list[str]] = {}
        for job in sorted(self.state.glob("[0-9]*"), key=lambda path: int(path.name)):
            options = (job / "request").read_text().split("--wrap=")[0].split("\n")
            rule = next(
                re.match(r"rule_([a-z_]+?)(_wildcards|$)", each) for each in options if "rule_" in each[:5]
            )
            found.setdefault(rule[1], []).append(" ".join(options))
        return found


@pytest.fixture
def cluster(repository, tmp_path):
    return Cluster(repository, tmp_path / "my runs", "lab")


def test_what_slurm_is_asked_for(cluster):
    (cluster.folder / "videos/a.mp4").touch()
    os.truncate(cluster.folder / "videos/a.mp4", 24_000_000_000)  # an hour more than the first one
    for name in MADE:
        path = cluster.folder / "results/own" / name
        path.parent.mkdir(parents=True)
        path.touch()
    (cluster.state / "failing").touch()
    options = ["--retries", "1", "--preemptible-retries", "2"]
    rules = ["--allowed-rules", "extract_frames", "pretrain_encoder", "finetune_detnet"]
    done = cluster.run(*options, *rules, "--", FRAMES, ENCODER, PREDICTIONS)
    assert done.returncode == 1, done.stdout
    told = "Error in rule extract_frames, for results/own/frames/own/0000.arrow: SLURM-job"
    assert len(re.findall(rf"{told} '\d+' failed, SLURM status is: 'FAILED'", done.stdout)) == 2
    asked = cluster.requests()
    assert {rule: len(attempts) for rule, attempts in asked.items()} == {
        "extract_frames": 2,
        "pretrain_encoder": 3,
        "finetune_detnet": 3,
    }
    common = "-A lab -p {} -t {} --mem {} --requeue"
    frames = asked["extract_frames"]
    assert common.format("cpu", 120, 8000) in frames[0] and "--cpus-per-task=8" in frames[0]
    assert common.format("cpu", 240, 16000) in frames[1]
    assert not any("--gpus" in text for text in frames)
    for rule, mem_mb in (("pretrain_encoder", 4000 + 4096), ("finetune_detnet", 8000)):
        for times, text in zip((1, 2, 2), asked[rule], strict=True):
            assert common.format("gpu", 1440, times * mem_mb) in text
            assert "--gpus=1" in text and "--cpus-per-task=8" in text and "--signal=TERM@120" in text


def test_a_job_runs_and_a_type_of_gpu_is_asked_for(cluster):
    """In a folder with a space in its name."""
    encode(cluster.folder / "videos/a.mp4")
    wanted = ["extract_frames:gpu=1", "extract_frames:gpu_model=a100"]
    done = cluster.run("--set-threads", "extract_frames=1", "--set-resources", *wanted, "--", FRAMES)
    assert done.returncode == 0, done.stdout
    assert (cluster.folder / FRAMES).exists()
    (asked,) = cluster.requests()["extract_frames"]
    assert "--gpus=a100:1" in asked and "--cpus-per-task=1" in asked
    log = (cluster.folder / "results/own/logs/extract_frames/own_0000.log").read_text()
    assert "SLURM job 1" in log
    assert not list(cluster.folder.glob("results/slurm-logs/**/*.log")), "of what succeeded nothing is left"


def test_an_account_that_does_not_exist(repository, tmp_path):
    """As in the profile before it is filled in."""
    cluster = Cluster(repository, tmp_path / "run", "myaccount")
    (cluster.folder / "videos/a.mp4").touch()
    done = cluster.run("--", FRAMES)
    assert done.returncode == 1
    assert "The given account myaccount appears to be invalid. Available accounts:\nlab" in done.stdout
    assert not cluster.requests()


def test_what_sbatch_says_is_shown(cluster):
    said = "sbatch: error: invalid partition specified: cpu\n"
    (cluster.state / "refusal").write_text(said)
    (cluster.folder / "videos/a.mp4").touch()
    done = cluster.run("--", FRAMES)
    assert done.returncode == 1
    assert f"SLURM sbatch failed. The error message was '{said.strip()}'" in done.stdout
    assert done.stdout.count("Trying to restart job") == 3
