"""Before a long run: what is missing or can never be scheduled is said at once, and nothing is written."""

import os

import pytest
import yaml

from simhand.preflight.estimate import CORE_SECONDS_PER_FRAME, estimate
from simhand.preflight.places import check_roots
from simhand.preflight.planned_jobs import PlannedJob, read_dry_run
from simhand.preflight.schedulable import submit_options
from simhand.preflight.software import check_software
from simhand.settings.check import load_config
from simhand.videos.index_table import IndexedVideo

DRY_RUN = """\
Job stats:
job    count
-----  -----
all        1


[Sat Nov 21 18:44:47 2026]
rule mine_pairs:
    input: rule one: two, keypoints/0000.parquet
    output: pairs/all.parquet
    threads: 4
    resources: tmpdir=/tmp, mem_mb=<TBD>, slurm_account=lab, slurm_partition=cpu, runtime=240
[Sat Nov 21 18:44:47 2026]
localrule draw:
    output: a.png
    resources: tmpdir=/tmp
[Sat Nov 21 18:44:47 2026]
rule all:
    input: pairs/all.parquet
    resources: tmpdir=/tmp, slurm_partition=cpu
"""

SBATCH = """#!/bin/sh
case "$*" in
  *--gpus=a100:1*) echo "sbatch: error: Requested node configuration is not available" >&2; exit 1;;
  *) echo "sbatch: Job 7 to start at 2026-11-21T20:00:00" >&2;;
esac
"""


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Puts a program of this text on PATH."""

    def add(name, text):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return add


def test_jobs_and_their_requests_are_read_from_a_dry_run():
    mine, draw, target = read_dry_run(DRY_RUN)
    assert (mine.rule, mine.local, mine.threads) == ("mine_pairs", False, 4)
    assert mine.resources["runtime"] == "240"
    assert (draw.rule, draw.local) == ("draw", True)
    assert target.local, "a target is no job of the cluster"
    assert set(submit_options(mine)) == {
        "--account=lab",
        "--partition=cpu",
        "--time=240",
        "--cpus-per-task=4",
    }


def test_every_place_that_is_not_there_is_named_by_its_key(repository, tmp_path):
    raw = yaml.safe_load((repository / "tests/tiny.yaml").read_text())
    raw["sources"]["phone"] = {"kind": "folder", "path": str(tmp_path)}
    raw["sources"]["lost"] = {"kind": "folder", "path": "no/videos"}
    raw["datasets"]["hands"] = {"kind": "freihand", "root": "no/labels"}
    raw["groups"] = {"groups_csv": "no/groups.csv"}
    raw["experiments"]["table2"][0]["init"] = "no/encoder.pth"
    found = {one.what: one.ok for one in check_roots(load_config(raw))}
    missing = ["sources.lost.path", "datasets.hands.root", "groups.groups_csv", "init no/encoder.pth"]
    assert found == {"sources.phone.path": True} | dict.fromkeys(missing, False)


def test_imagenet_weights_are_looked_for(repository, tmp_path, monkeypatch):
    raw = yaml.safe_load((repository / "tests/tiny.yaml").read_text())
    raw["experiments"]["table2"][0]["init"] = "imagenet"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (found,) = check_roots(load_config(raw))
    assert not found.ok and "resnet18-f37072fd.pth" in found.detail
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    (tmp_path / "hub/checkpoints/resnet18-f37072fd.pth").touch()
    assert [one.ok for one in check_roots(load_config(raw))] == [True]


def test_what_grows_with_the_videos_is_estimated(repository, tmp_path):
    config = load_config(yaml.safe_load((repository / "tests/tiny.yaml").read_text()))
    videos = [IndexedVideo(f"v{n}", "rendered", f"{tmp_path}/{n}.mp4", f"{n // 2:04d}") for n in range(4)]
    jobs = 2 * [PlannedJob(rule, False, 1) for rule in CORE_SECONDS_PER_FRAME]
    found = estimate(config, videos, jobs)
    seconds = 4 * config.world.duration_s
    assert found.video_hours == pytest.approx(seconds / 3600)
    hours = CORE_SECONDS_PER_FRAME["extract_frames"] * seconds / 3600
    assert found.stages[0].core_hours == pytest.approx(hours)
    half = estimate(config, videos, jobs[:3])
    assert half.bytes == pytest.approx(found.bytes / 2), "one of two shards is done"


def test_a_run_that_can_work_is_told_so_and_nothing_is_written(snakemake, tiny, tmp_path):
    done = snakemake(tmp_path, *tiny, "--", "preflight")
    assert done.returncode == 0, done.stdout
    assert "nothing stands in the way of" in done.stdout
    assert "finetune_detnet" in done.stdout
    left = {path.name for path in (tmp_path / "results/tiny").rglob("*") if path.is_file()}
    assert left <= {"preflight.log"}


def test_all_that_stands_in_the_way_is_named(snakemake, repository, tmp_path, on_path):
    on_path("sbatch", SBATCH)
    config = yaml.safe_load((repository / "tests/tiny.yaml").read_text())
    weights = "no/such/encoder.pth"
    config["experiments"]["table2"][0]["init"] = weights
    config["preflight"] = {"targets": ["pairs"]}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(config))
    profile = ["--profile", str(repository / "slurm"), "--configfile", "run.yaml"]
    gpu = ["--set-resources", "mine_pairs:gpu=1", "mine_pairs:gpu_model=a100"]
    gpu += ["--slurm-init-seconds-before-status-checks", "1"]
    done = snakemake(tmp_path, *profile, *gpu, "--", "preflight")
    assert done.returncode == 1
    assert f"init {weights}" in done.stdout
    assert "PROBLEM  request of mine_pairs" in done.stdout
    assert "Requested node configuration is not available" in done.stdout
    assert "ok       request of" in done.stdout
    assert "2 problem(s)" in done.stdout
    assert done.stdout.count("2 problem(s)") == 1, "it is not tried again"


def test_conda_is_looked_for_where_it_is_asked_for(repository, on_path):
    on_path("conda", "#!/bin/sh\necho conda 24.1\n")
    jobs = [PlannedJob("mine_pairs", False, 1), PlannedJob("all", True, 1)]
    conda, environments = check_software(repository, ["--sdm", "conda"], jobs)
    assert (conda.ok, conda.detail) == (True, "conda 24.1")
    assert environments.detail.startswith("1 are needed")
    (pins,) = check_software(repository, ["--cores", "2"], jobs)
    assert pins.what == "packages" and pins.ok, pins.detail
