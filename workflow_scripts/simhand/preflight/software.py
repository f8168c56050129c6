"""Will the jobs find the programs they need?"""

import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from simhand.preflight.finding import Finding
from simhand.preflight.planned_jobs import Plan
from simhand.preflight.snakemake_call import SnakemakeCall


def check_software(root: Path, call: SnakemakeCall, plan: Plan | None) -> Iterator[Finding]:
    """Whether the environments can be used: conda's, one per rule, or the one that is active here.

    Args:
        root: the folder of the workflow.
        call: how Snakemake was called.
        plan: what is to be run; None if that is not known.
    """
    if not call.deployment:
        yield _check_pins(root / "envs" / "work.txt")
    elif call.deployment == ["conda"]:
        yield from _check_conda(root / "envs", plan)
    else:
        yield Finding(
            None, "software", f"it comes by {' and '.join(call.deployment)}, which is not looked at"
        )


def _check_conda(folder: Path, plan: Plan | None) -> Iterator[Finding]:
    conda = shutil.which("conda")
    if conda is None:
        yield Finding(False, "conda", "--sdm conda is asked for and there is no conda on PATH")
        return
    said = subprocess.run([conda, "--version"], capture_output=True, text=True)
    yield Finding(said.returncode == 0, "conda", (said.stdout or said.stderr).strip())
    if plan is None:
        yield Finding(None, "environments", "which are needed is not known without a plan")
        return
    rules = dict.fromkeys(job.rule for job in plan.jobs)
    needed = [rule for rule in rules if (folder / f"{rule}.yaml").exists()]
    missing = [rule for rule in needed if rule in plan.environments_to_make]
    if len(missing) < len(needed):
        yield Finding(True, "environments", f"{len(needed) - len(missing)} of {len(needed)} are there")
    if missing:
        yield Finding(
            None,
            "environments",
            f"{len(missing)} are yet to be made: {', '.join(missing)}; `--conda-create-envs-only` shows "
            "whether they can be",
        )


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
