"""Runs the workflow once on a tiny rendered world; the end-to-end tests look at what it left."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Snakemake = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def snakemake(repository: Path) -> Snakemake:
    """Runs Snakemake on this checkout in a folder of its own; all it says is in ``stdout``."""

    programs = repository / ".venv" / "work" / "bin"

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        activated = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        command = [str(programs / "snakemake"), "--snakefile", str(repository / "Snakefile")]
        return subprocess.run(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=activated,
        )

    return run


@pytest.fixture(scope="session")
def tiny(repository: Path) -> list[str]:
    """The options that select the tiny world."""
    return ["--cores", "2", "--configfile", str(repository / "tests" / "tiny.yaml")]


@pytest.fixture(scope="session")
def tiny_run(snakemake: Snakemake, tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the whole workflow has run on the tiny world."""
    folder = tmp_path_factory.mktemp("tiny")
    done = snakemake(folder, *tiny)
    assert done.returncode == 0, done.stdout[-10000:]
    return folder
