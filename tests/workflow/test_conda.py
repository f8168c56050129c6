"""An environment per rule: each holds what its rule needs and nothing of its neighbours.

There is no conda on these machines; ``conda_stand_in/bin/conda`` makes each environment's pip part a virtual
environment of its own. The Python that starts jobs has none of the packages: a job can only work in its own.
"""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simhand.stage_code import stage_code

REPOSITORY = Path(__file__).resolve().parents[2]
STAND_IN = Path(__file__).parent / "conda_stand_in" / "bin"
RULES = runpy.run_path(str(REPOSITORY / "envs" / "pin_environments.py"))["rules_with_environments"]()
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def with_conda(repository: Path, conda: Path) -> dict[str, str]:
    """An environment of the shell in which only Snakemake, a conda and the system's programs are found."""
    cleared = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    snakemake = str(repository / ".venv/driver/bin")
    return cleared | {"PATH": os.pathsep.join([str(conda), snakemake, SYSTEM_PATH])}


def run_tiny(
    repository: Path, folder: Path, conda: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    command = ["snakemake", "--snakefile", str(repository / "Snakefile"), "--cores", "2", "--sdm", "conda"]
    command += ["--configfile", str(repository / "tests/tiny.yaml"), "--", *arguments]
    environment = with_conda(repository, conda)
    return subprocess.run(
        [str(shutil.which(command[0], path=environment["PATH"])), *command[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=environment,
    )


@pytest.mark.long
@pytest.mark.xdist_group("conda")
def test_the_tiny_world_runs_with_an_environment_per_rule(repository, tmp_path):
    done = run_tiny(repository, tmp_path, STAND_IN)
    assert done.returncode == 0, done.stdout[-6000:]
    assert (tmp_path / "results/tiny/report.html").exists()
    made = [path for path in (tmp_path / ".snakemake/conda").iterdir() if (path / "bin/python").exists()]
    # rules whose environments are the same to the letter but for their name still have one each
    logs = {path.name for path in (tmp_path / "results/tiny/logs").iterdir()}
    ran = {rule for rule in RULES if {rule, f"{rule}.log"} & logs}
    assert {"render_videos", "crop_hands", "mine_pairs", "pretrain_encoder", "write_report"} <= ran
    assert len(made) == len(ran)


@pytest.mark.long
@pytest.mark.parametrize("rule", RULES)
def test_every_module_behind_a_rule_loads_in_its_environment_alone(repository, rule, tmp_path):
    file, prefix = repository / f"envs/{rule}.yaml", tmp_path / "environment"
    subprocess.run([STAND_IN / "conda", "env", "create", "--file", file, "--prefix", prefix], check=True)
    code = stage_code(RULES[rule])
    modules = [
        ".".join(path.relative_to(repository / "workflow_scripts").with_suffix("").parts).removesuffix(
            ".__init__"
        )
        for path in code
    ]
    load = "import importlib, json, sys; [importlib.import_module(name) for name in json.loads(sys.argv[1])]"
    done = subprocess.run(
        [prefix / "bin/python", "-c", load, json.dumps(modules)],
        cwd=repository / "workflow_scripts",
        env=with_conda(repository, STAND_IN),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    shutil.rmtree(prefix)


def test_an_environment_that_cannot_be_made_is_named(repository, tmp_path):
    broken = tmp_path / "bin"
    shutil.copytree(STAND_IN, broken)
    failing = f"#!{sys.executable}\nimport runpy, sys\n" + (
        "if sys.argv[1:3] == ['env', 'create']: sys.exit('PackagesNotFoundError: torch==99')\n"
        f"runpy.run_path({str(STAND_IN / 'conda')!r}, run_name='__main__')\n"
    )
    (broken / "conda").write_text(failing)
    done = run_tiny(repository, tmp_path, broken, "results/tiny/world/labels")
    assert done.returncode == 1
    assert "Could not create conda environment from" in done.stdout
    assert "envs/render_labels.yaml" in done.stdout
    assert "PackagesNotFoundError: torch==99" in done.stdout


def test_the_environments_make_one_container_image(repository, tmp_path):
    """``--containerize`` writes a Dockerfile with every environment, which hadolint finds no error in."""
    done = subprocess.run(
        ["snakemake", "--snakefile", str(repository / "Snakefile"), "--containerize"],
        cwd=tmp_path,
        env=with_conda(repository, STAND_IN),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for rule in RULES.keys() - {"mine_pairs_torch"}:  # stands in for mine_pairs where the config says so
        assert f"envs/{rule}.yaml" in done.stdout, rule
    (tmp_path / "Dockerfile").write_text(done.stdout)
    hadolint = str(Path(sys.executable).parent / "hadolint")
    linted = subprocess.run(
        [hadolint, "--failure-threshold", "error", str(tmp_path / "Dockerfile")],
        capture_output=True,
        text=True,
    )
    assert linted.returncode == 0, linted.stdout
