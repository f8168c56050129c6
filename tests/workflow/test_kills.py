"""SIGKILL at random moments: nothing half-written is ever seen, and in the end every file is the same."""

import os
import random
import shutil
import subprocess
import time
from itertools import cycle

import pytest
from shard_scripts import OUTPUTS, STAGES, Shard, encode, in_one_shard, kill_group, render_hands

from simhand.files.packed import PackedReader
from simhand.files.tables import read_table

TABLES = {
    "frames": {
        "0000.arrow": "frames",
        "0000.hashes.parquet": "hashes",
        "0000.status.parquet": "frames_status",
    },
    "crops": {"0000.arrow": "crops", "0000.status.parquet": "status"},
    "keypoints": {"0000.parquet": "keypoints", "0000.status.parquet": "status"},
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kills") / "clips"
    folder.mkdir()
    (folder / "broken.mp4").write_bytes(b"")
    encode(folder / "long.mp4", "testsrc2", 20, "-vf", "scale=320:240")
    render_hands(folder, 3, 2)
    return folder


@pytest.fixture(scope="module")
def undisturbed(clips, tmp_path_factory):
    """The bytes of all files, and how many seconds each stage took."""
    shard = Shard(tmp_path_factory.mktemp("undisturbed"), in_one_shard(sorted(clips.iterdir())))
    seconds = {}
    for stage in STAGES:
        started = time.monotonic()
        done = shard.run(stage, threads=2)
        assert done.returncode == 0, done.stderr
        seconds[stage] = time.monotonic() - started
    return shard.outputs(*STAGES), seconds


def check_whole(folder):
    """Whatever has its final name can be read."""
    for stage, tables in TABLES.items():
        for name, table in tables.items():
            for path in folder.glob(f"{stage}/*/{name}"):
                if path.suffix == ".arrow":
                    PackedReader(path, table).close()
                else:
                    read_table(path, table)


def disturb(shard, stage, seconds, draw):
    """Start a stage and kill it at a random moment, the whole group or only its first process."""
    moment = seconds * draw.uniform(0.2, 1)
    while True:
        process = shard.start(stage, threads=draw.choice([1, 2]))
        time.sleep(moment)
        if process.poll() is None:
            break
        # this time it was faster
        shard.remove_outputs(stage)
        moment *= 0.7
    if draw.random() < 0.5:
        kill_group(process)
    else:
        process.kill()
        process.wait()
    check_whole(shard.folder)
    shard.remove_outputs(stage)


def disturbed(clips, folder, kills, seconds, seed):
    """The files of a shard whose stages were killed so many times, in turn."""
    shard = Shard(folder, in_one_shard(sorted(clips.iterdir())))
    draw = random.Random(seed)
    stages = [stage for stage, _ in zip(cycle(STAGES), range(kills), strict=False)]
    for stage in STAGES:
        for _ in range(stages.count(stage)):
            disturb(shard, stage, seconds[stage], draw)
        done = shard.run(stage, threads=draw.choice([1, 2]))
        assert done.returncode == 0, done.stderr
    return shard.outputs(*STAGES)


class SnakemakeRun:
    """The keypoints of a folder of clips by Snakemake."""

    def __init__(self, repository, clips, folder):
        programs = repository / ".venv/work/bin"
        command = [str(programs / "snakemake"), "--snakefile", str(repository / "Snakefile"), "--cores", "2"]
        config = ["--config", "run=kills", "videos_dir=clips", "shard_size=100"]
        self.results = folder / "results/kills"
        self.command = [*command, "keypoints", "--rerun-incomplete", *config]
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        self.place = {"cwd": folder, "env": os.environ | {"PATH": path}}
        shutil.copytree(clips, folder / "clips")

    def kill_after(self, seconds):
        """Start Snakemake, kill it with all of its jobs, and unlock the folder."""
        while True:
            process = subprocess.Popen(
                self.command, start_new_session=True, stderr=subprocess.DEVNULL, **self.place
            )
            time.sleep(seconds)
            if process.poll() is None:
                break
            # this time it was faster
            assert process.returncode == 0
            shutil.rmtree(self.results)
            seconds *= 0.7
        kill_group(process)
        check_whole(self.results)
        subprocess.run([*self.command, "--unlock"], check=True, capture_output=True, **self.place)

    def finish(self):
        """The bytes of all files when Snakemake has run to its end."""
        done = subprocess.run(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **self.place
        )
        assert done.returncode == 0, done.stdout[-5000:]
        return {
            f"{stage}/{name}": (self.results / stage / "videos" / name).read_bytes()
            for stage, tables in TABLES.items()
            for name in tables
        }


def snakemake_disturbed(repository, clips, folder, kills, seconds, seed):
    """The files of a run that was killed so many times, each time after it has come some way."""
    run = SnakemakeRun(repository, clips, folder)
    draw = random.Random(seed)
    for _ in range(kills):
        run.kill_after(3 + draw.uniform(0, sum(seconds.values()) / kills))
    return run.finish()


def test_frames_may_be_temporary(repository, clips, tmp_path):
    """They go when the crops are there; what tells of them stays, and nothing asks for them again."""
    (tmp_path / "few").mkdir()
    shutil.copy(clips / "long.mp4", tmp_path / "few")
    run = SnakemakeRun(repository, tmp_path / "few", tmp_path)
    run.command[run.command.index("keypoints")] = "crops"
    run.command.append("frames={keep: false}")
    for said in ("", "Nothing to be done"):
        done = subprocess.run(
            run.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **run.place
        )
        assert done.returncode == 0 and said in done.stdout, done.stdout[-5000:]
        assert sorted(os.listdir(run.results / "frames/videos")) == OUTPUTS["frames"][1:]
        assert sorted(os.listdir(run.results / "crops/videos")) == OUTPUTS["crops"]
    dry = [*run.command, "--dry-run", "--until", "draw_figures"]
    dry[dry.index("crops")] = "figures"
    planned = subprocess.run(dry, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **run.place)
    assert planned.returncode == 0, planned.stdout
    assert "extract_frames" not in planned.stdout and "crop_hands" not in planned.stdout


def test_two_kills_of_the_scripts(clips, undisturbed, tmp_path):
    assert disturbed(clips, tmp_path, 2, undisturbed[1], seed=0) == undisturbed[0]


def test_a_kill_of_snakemake(repository, clips, undisturbed, tmp_path):
    assert snakemake_disturbed(repository, clips, tmp_path, 1, undisturbed[1], seed=1) == undisturbed[0]


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3])
def test_fourteen_kills_of_the_scripts(clips, undisturbed, tmp_path, seed):
    assert disturbed(clips, tmp_path, 7, undisturbed[1], seed) == undisturbed[0]


@pytest.mark.long
@pytest.mark.parametrize("seed", [4, 5])
def test_six_kills_of_snakemake(repository, clips, undisturbed, tmp_path, seed):
    assert snakemake_disturbed(repository, clips, tmp_path, 3, undisturbed[1], seed) == undisturbed[0]
