"""Runs the workflow once on a tiny rendered world; the end-to-end tests look at what it left."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Snakemake = Callable[..., subprocess.CompletedProcess[str]]
CHECKOUT = "checkout"
NOT_COPIED = shutil.ignore_patterns(".*", "results", "__pycache__", "benchmarks", "docs", "tests")


@pytest.fixture(scope="session")
def snakemake(repository: Path) -> Snakemake:
    """Runs Snakemake in a folder of its own, on the checkout in it if it has one, else on this checkout.

    All it says is in ``stdout``.
    """

    programs = repository / ".venv" / "work" / "bin"

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        activated = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        checkout = folder / CHECKOUT if (folder / CHECKOUT).exists() else repository
        command = [str(programs / "snakemake"), "--snakefile", str(checkout / "Snakefile")]
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
def tiny_run(
    repository: Path, snakemake: Snakemake, tiny: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder in which all has run on the tiny world, from a copy of the workflow that may be edited."""
    folder = tmp_path_factory.mktemp("tiny")
    shutil.copytree(repository, folder / CHECKOUT, ignore=NOT_COPIED)
    done = snakemake(folder, *tiny)
    assert done.returncode == 0, done.stdout[-10000:]
    return folder
