"""Before a long run: what is missing or can never be scheduled is said at once, and nothing is written."""

import os
import re
from pathlib import Path

import pytest
import yaml

from simhand.preflight.places import check_roots
from simhand.preflight.planned_jobs import Plan, PlannedJob, read_dry_run
from simhand.preflight.present_sources import asks_to_look_ahead
from simhand.preflight.schedulable import check_requests, submit_options
from simhand.preflight.snakemake_call import SnakemakeCall
from simhand.preflight.software import check_software
from simhand.settings.check import load_config

DRY_RUN = """\
Conda environment /a/rules/../envs/mine_pairs.yaml will be created.
Job stats:
job    count
-----  -----
all        1


[Sat Nov 21 18:44:47 2026]
rule mine_pairs:
    input: rule one: two, keypoints/0000.parquet
    output: pairs/all.parquet
    wildcards: set=all
    threads: 4
    resources: mem_mb=<TBD>, slurm_account=lab, slurm_partition=cpu, slurm_extra=--nice=5 --exclude=a,b, \
runtime=240
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
case "$*" in *--test-only*) ;; *) touch "$0.submitted"; exit 99;; esac
echo "$*" >> "$0.asked"
case "$*" in
  *--gpus=a100:1*|*--time=1440*|*--reservation=gone*)
    echo "sbatch: error: Requested node configuration is not available" >&2; exit 1;;
  *) echo "sbatch: Job 7 to start at 2026-11-21T20:00:00" >&2;;
esac
"""
REFUSED = "Requested node configuration is not available"


def call_of(**changes):
    return SnakemakeCall(**({"command": [], "folder": "", "options": [], "targets": ["all"]} | changes))


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Puts a program of this text on PATH, and returns its place."""

    def add(name, text):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder / name

    return add


@pytest.fixture
def tiny_config(repository):
    return yaml.safe_load((repository / "tests/tiny.yaml").read_text())


def test_jobs_and_their_requests_are_read_from_a_dry_run():
    plan = read_dry_run(DRY_RUN)
    mine, draw, target = plan.jobs
    assert (mine.rule, mine.local, mine.threads) == ("mine_pairs", False, 4)
    assert mine.resources["runtime"] == "240" and mine.wildcards == {"set": "all"}
    assert (draw.rule, draw.local) == ("draw", True)
    assert target.local, "a target is no job of the cluster"
    assert submit_options(mine) == (
        *("--account=lab", "--partition=cpu", "--time=240"),
        *("--cpus-per-task=4", "--nice=5", "--exclude=a,b"),
    )
    assert plan.environments_to_make == {"mine_pairs"}
    renamed = read_dry_run(DRY_RUN.replace("rule mine", "rule simhand_mine"), "simhand_")
    assert renamed.jobs[0].rule == "mine_pairs"


def test_every_place_that_is_not_there_is_named_by_its_key(tiny_config, tmp_path):
    raw = tiny_config
    raw["sources"]["phone"] = {"kind": "folder", "path": str(tmp_path)}
    raw["sources"]["lost"] = {"kind": "folder", "path": "no/videos"}
    raw["sources"]["frames"] = {"kind": "frames", "path": str(tmp_path), "video_list": "no/rates.txt"}
    uids = {"kind": "ego4d", "path": str(tmp_path), "video_uid_file": "no/uids.txt"}
    raw["sources"]["ego"] = uids
    raw["sets"]["given"] = {"kind": "hand100m", "annotations": {"ego4d": "no/a.json"}, "images": "no/images"}
    raw["datasets"]["hands"] = {"kind": "freihand", "root": "no/labels"}
    raw["groups"] = {"groups_csv": "no/groups.csv"}
    raw["experiments"]["table2"][0]["init"] = "no/encoder.pth"
    found = {one.what: one.ok for one in check_roots(load_config(raw))}
    missing = ["sources.lost.path", "sources.frames.video_list", "sources.ego.video_uid_file"]
    missing += ["sets.given.annotations.ego4d", "sets.given.images", "datasets.hands.root"]
    missing += ["groups.groups_csv", "init no/encoder.pth"]
    there = [f"sources.{name}.path" for name in ("phone", "frames", "ego")]
    assert found == dict.fromkeys(there, True) | dict.fromkeys(missing, False)


def test_imagenet_weights_are_looked_for(tiny_config, tmp_path, monkeypatch):
    raw = tiny_config
    raw["experiments"]["table2"][0]["init"] = "imagenet"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (found,) = check_roots(load_config(raw))
    assert not found.ok and "resnet18-f37072fd.pth" in found.detail
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    (tmp_path / "hub/checkpoints/resnet18-f37072fd.pth").touch()
    assert [one.ok for one in check_roots(load_config(raw))] == [True]


@pytest.mark.parametrize(
    ("words", "looks"),
    [
        ("--cores 2 -- preflight", True),
        ("simhand_preflight --cores 2", True),
        ("--directory a/preflight -- pairs", False),
        ("--directory a/preflight --cores 2", False),
        ("--cores 2 -- preflight pairs", False),
        ("--cores 2", False),
    ],
)
def test_only_a_preflight_looks_ahead(words, looks):
    assert asks_to_look_ahead(words.split(), {}) is looks


def test_nothing_is_run_beside_a_preflight(snakemake, tiny, tmp_path):
    """It would be run without the sources that are missing."""
    done = snakemake(tmp_path, "preflight", "pairs", *tiny)
    assert done.returncode == 1
    assert "ask for preflight alone" in done.stdout and "Traceback" not in done.stdout
    assert not list((tmp_path / "results").rglob("*.parquet"))


def test_a_run_that_can_work_is_told_so_and_nothing_is_written(snakemake, tiny, tmp_path):
    done = snakemake(tmp_path, *tiny, "--", "preflight")
    assert done.returncode == 0, done.stdout
    assert "nothing that was checked stands in the way" in done.stdout
    assert re.search(r"^finetune_detnet +2 ", done.stdout, flags=re.MULTILINE)
    assert re.search(r"^together +\d+ +[\d.]+ +[\d.]+$", done.stdout, flags=re.MULTILINE)
    left = {path.name for path in (tmp_path / "results/tiny").rglob("*") if path.is_file()}
    assert left <= {"preflight.log"}


def test_relative_options_are_meant_from_where_snakemake_was_called(
    snakemake, tiny_config, tmp_path, monkeypatch
):
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(tiny_config | {"preflight": {"targets": ["pairs"]}}))
    monkeypatch.setenv("PWD", str(tmp_path))
    options = ["--cores", "2", "--directory", "elsewhere", "--configfile", "run.yaml"]
    done = snakemake(tmp_path, *options, "--", "preflight")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^mine_pairs +1 ", done.stdout, flags=re.MULTILINE)
    assert [path.name for path in (tmp_path / "elsewhere/results/tiny/logs").iterdir()] == ["preflight.log"]


def test_all_that_stands_in_the_way_is_named(snakemake, repository, tiny_config, tmp_path, on_path):
    """Two sources and a data set, none of which keeps the rest from being looked at, on a cluster."""
    sbatch = on_path("sbatch", SBATCH)
    tiny_config["sources"] |= {name: {"kind": "folder", "path": f"no/{name}"} for name in ("first", "second")}
    tiny_config["datasets"]["real"] = {"kind": "freihand", "root": "no/labels"}
    tiny_config["experiments"]["table2"].append({"method": "none", "dataset": "real"})
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(tiny_config))
    profile = yaml.safe_load((repository / "slurm/profile.yaml").read_text())
    profile["set-resources"]["mine_pairs"] = {"gpu": 1, "gpu_model": "a100"}
    profile["set-resources"]["pretrain_encoder"]["runtime"] = 600
    profile["set-resources"]["finetune_detnet"]["runtime"] = 600
    profile["set-resources"]["pretrain_encoder"] |= {"gpu": 0, "gres": "gpu:h100:1"}
    del profile["default-resources"]["slurm_partition"]
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster/profile.yaml").write_text(yaml.safe_dump(profile))
    options = ["--profile", "cluster", "-j", "5", "--configfile", "run.yaml", "--slurm-qos", "short"]
    options += ["--slurm-init-seconds-before-status-checks", "1"]
    done = snakemake(tmp_path, *options, "--", "preflight")
    assert done.returncode == 1
    for key in ("sources.first.path", "sources.second.path", "datasets.real.root"):
        assert f"PROBLEM  {key}: no/" in done.stdout, done.stdout
    assert "PROBLEM  request of mine_pairs: --account=myaccount --time=240" in done.stdout
    assert REFUSED in done.stdout
    assert "4 problem(s)" in done.stdout
    assert done.stdout.count("4 problem(s)") == 1, "it is not tried again"
    assert "unknown  sources.first: not part of the estimate" in done.stdout
    frames = "ok       request of extract_frames: --account=myaccount --time=60 --mem=8000 --cpus-per-task=8"
    assert f"{frames} --qos=short" in done.stdout, "the threads of a rule, not those of one core"
    assert re.search(r"unknown  request of .*sample_set.*: memory not known yet", done.stdout), done.stdout
    asked = Path(f"{sbatch}.asked").read_text()
    assert "--gres=gpu:h100:1" in asked and "--signal=TERM@120" in asked and "--partition=gpu" in asked
    assert "--mem=32000" in asked, "the fourth attempt"
    assert not Path(f"{sbatch}.submitted").exists()


def test_without_a_plan_the_rest_is_still_looked_at(snakemake, tiny, tiny_config, tmp_path):
    tiny_config["experiments"]["table2"][0]["init"] = "no/such/encoder.pth"
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(tiny_config))
    done = snakemake(tmp_path, "--cores", "2", "--configfile", "run.yaml", "--", "preflight")
    assert done.returncode == 1
    assert "PROBLEM  init no/such/encoder.pth" in done.stdout
    assert "PROBLEM  plan: the jobs cannot be planned" in done.stdout
    assert "MissingInputException" in done.stdout
    assert "unknown  disk: " in done.stdout and "ok       packages: " in done.stdout
    assert "unknown  estimate: not looked at" in done.stdout and "2 problem(s)" in done.stdout


def test_it_works_inside_another_workflow(repository, snakemake, tmp_path):
    """There the targets have other names, and a preflight does not look ahead to itself."""
    (tmp_path / "Snakefile").write_text(
        f'configfile: "{repository}/tests/tiny.yaml"\n'
        f'module simhand:\n    snakefile: "{repository}/Snakefile"\n    config: config\n'
        "use rule * from simhand as simhand_*\n"
    )
    done = snakemake(tmp_path, "--snakefile", "Snakefile", "--cores", "2", "simhand_preflight")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^mine_pairs +1 +\d", done.stdout, flags=re.MULTILINE)
    assert not re.search(r"^preflight +1 +-", done.stdout, flags=re.MULTILINE)


def test_a_request_that_only_its_last_attempt_makes_impossible_is_told(on_path):
    on_path("sbatch", SBATCH)
    call = call_of(executor="slurm", retries=3)
    first, last = (PlannedJob("pca", False, 1, {"runtime": minutes}) for minutes in ("360", "1440"))
    fine, told = check_requests(call, [first], [last])
    assert (fine.ok, fine.what) == (True, "request of pca")
    assert told.ok is None and told.what == "retries of pca"
    assert "attempt 4" in told.detail and REFUSED in told.detail
    gone = call_of(executor="slurm", submit_options=["--reservation=gone"], retries=3)
    (refused,) = check_requests(gone, [first], [last])
    assert refused.ok is False, "said once"
    assert not list(check_requests(call_of(executor="local"), [last], []))


def test_no_cluster_is_said_once(on_path):
    on_path("sbatch", "#!/bin/sh\necho Unable to contact slurm controller >&2\nexit 1\n")
    jobs = [PlannedJob("pca", False, threads) for threads in (1, 2)]
    (found,) = check_requests(call_of(executor="slurm"), jobs, [])
    assert not found.ok and "login node" in found.detail


def test_conda_is_looked_for_where_it_is_asked_for(repository, on_path):
    jobs = [PlannedJob(rule, False, 1) for rule in ("mine_pairs", "fit_pca", "all")]
    with_conda = call_of(deployment=["conda"])
    on_path("conda", "#!/bin/sh\necho conda 24.1\n")
    conda, there, missing = check_software(repository, with_conda, Plan(jobs, frozenset({"fit_pca"})))
    assert (conda.ok, conda.detail) == (True, "conda 24.1")
    assert (there.ok, there.detail) == (True, "1 of 2 are there")
    assert missing.ok is None and missing.detail.startswith("1 are yet to be made: fit_pca;")
    (pins,) = check_software(repository, call_of(), Plan(jobs))
    assert pins.what == "packages" and pins.ok, pins.detail


def test_conda_in_a_profile_is_seen(repository, snakemake, tiny_config, tmp_path, monkeypatch):
    """And the environments that are there are told from those that would be made."""
    stand_in = repository / "tests/workflow/conda_stand_in/bin"
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(tiny_config | {"preflight": {"targets": ["pairs"]}}))
    (tmp_path / "own").mkdir()
    (tmp_path / "own/profile.yaml").write_text("software-deployment-method: conda\ncores: 2\n")
    monkeypatch.setenv("PATH", f"{stand_in}{os.pathsep}{os.environ['PATH']}")
    done = snakemake(tmp_path, "--profile", "own", "--configfile", "run.yaml", "--", "preflight")
    assert done.returncode == 0, done.stdout
    assert "PROBLEM" not in done.stdout and "ok       packages" not in done.stdout
    assert "unknown  environments: 9 are yet to be made: " in done.stdout
