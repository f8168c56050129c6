"""The jobs that a run would start, with what each asks of the machine: read from Snakemake's dry run."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from simhand.errors import ConfigError
from simhand.preflight.present_sources import LOOKS_AHEAD
from simhand.preflight.snakemake_call import SnakemakeCall

UNKNOWN = "<TBD>"
"""Snakemake's word for a resource that follows from files which do not exist yet."""

MANY = 10_000
"""Cores where no number is given: with fewer than its threads a dry run would cut a job down."""


@dataclass(frozen=True)
class PlannedJob:
    """One job: its rule, whether it runs beside Snakemake itself, its threads and its other resources."""

    rule: str
    local: bool
    threads: int
    resources: Mapping[str, str] = field(default_factory=dict)
    wildcards: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The jobs still to be done, and of which rules the conda environments would have to be made."""

    jobs: list[PlannedJob]
    environments_to_make: frozenset[str] = frozenset()


def plan_run(call: SnakemakeCall, attempt: int = 1) -> Plan:
    """What the run that is looked ahead to would do, each job in its ``attempt``-th attempt.

    Sources and data sets that are not there are left out of it.

    Raises:
        ConfigError: the dry run fails; with what it said.
    """
    command = [*call.command, *call.options, "--cores", str(call.cores or MANY), "--attempt", str(attempt)]
    command += ["--dry-run", "--nolock", "--quiet", "host", "reason", "--", *call.targets]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=call.folder,
        env=os.environ | {LOOKS_AHEAD: "1"},
    )
    if done.returncode:
        raise ConfigError(f"the jobs cannot be planned; a dry run says:\n{done.stdout.strip()}")
    return read_dry_run(done.stdout, call.prefix)


def read_dry_run(text: str, prefix: str = "") -> Plan:
    """The plan from a dry run's output, jobs in its order; ``prefix`` is taken off the names of rules."""
    jobs = []
    for block in re.split(r"^(?=(?:local)?rule \S+:$)", text, flags=re.MULTILINE)[1:]:
        head, *lines = block.splitlines()
        named = dict(
            line.strip().split(": ", 1) for line in lines if line.startswith("    ") and ": " in line
        )
        rule = head.removesuffix(":").split(" ", 1)[1].removeprefix(prefix)
        stays_here = head.startswith("local") or "output" not in named  # a target has none
        resources, wildcards = _pairs(named.get("resources", "")), _pairs(named.get("wildcards", ""))
        jobs.append(PlannedJob(rule, stays_here, int(named.get("threads", 1)), resources, wildcards))
    made = re.findall(r"^Conda environment (.+) will be created\.$", text, flags=re.MULTILINE)
    return Plan(jobs, frozenset(PurePath(file).stem for file in made))


def _pairs(text: str) -> dict[str, str]:
    """The values of ``a=1, b=2`` by name."""
    return dict(part.split("=", 1) for part in re.split(r", (?=\w+=)", text) if "=" in part)
