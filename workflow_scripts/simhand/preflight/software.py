"""Will the jobs find the programs they need?"""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from simhand.preflight.finding import Finding
from simhand.preflight.planned_jobs import PlannedJob


def check_software(root: Path, arguments: Iterable[str], jobs: Iterable[PlannedJob]) -> Iterator[Finding]:
    """Whether the environments can be used: conda's, one per rule, or the one that is active here.

    Args:
        root: the folder of the workflow.
        arguments: Snakemake's command line, which says whether it is to use conda.
        jobs: those that are to be run.
    """
    if not _uses_conda(list(arguments)):
        yield _check_pins(root / "envs" / "work.txt")
        return
    conda = shutil.which("conda")
    if conda is None:
        yield Finding(False, "conda", "--sdm conda is given and there is no conda on PATH")
        return
    said = subprocess.run([conda, "--version"], capture_output=True, text=True)
    yield Finding(said.returncode == 0, "conda", (said.stdout or said.stderr).strip())
    rules = dict.fromkeys(job.rule for job in jobs)
    files = [file for rule in rules if (file := root / "envs" / f"{rule}.yaml").exists()]
    yield Finding(
        True, "environments", f"{len(files)} are needed; `--conda-create-envs-only` makes them beforehand"
    )


def _uses_conda(arguments: list[str]) -> bool:
    for place, argument in enumerate(arguments):
        if argument == "--use-conda":
            return True
        if argument in ("--sdm", "--software-deployment-method", "--deployment"):
            return "conda" in arguments[place + 1 : place + 3]
        if argument.startswith(("--sdm=", "--software-deployment-method=")):
            return "conda" in argument
    return False


def _check_pins(pinned: Path) -> Finding:
    """Whether the active environment holds the pinned versions."""
    wanted = dict(line.split(" ")[0].split("==") for line in pinned.read_text().splitlines() if "==" in line)
    wrong = []
    for name, number in wanted.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "missing"
        if found.split("+")[0] != number.split("+")[0]:
            wrong.append(f"{name} is {found}, pinned {number}")
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        return Finding(False, "packages", f"{', '.join(wrong[:5])}{more}; run `make env`, or use --sdm conda")
    return Finding(True, "packages", f"all {len(wanted)} as pinned in envs/{pinned.name}")
