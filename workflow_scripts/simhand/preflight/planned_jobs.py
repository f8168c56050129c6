"""The jobs that a run would start, with what each asks of the machine: read from Snakemake's dry run."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simhand.errors import ConfigError

UNKNOWN = "<TBD>"
"""Snakemake's word for a resource that follows from files which do not exist yet."""

MANY = 10_000


@dataclass(frozen=True)
class PlannedJob:
    """One job: its rule, whether it runs beside Snakemake itself, its threads and its other resources."""

    rule: str
    local: bool
    threads: int
    resources: Mapping[str, str] = field(default_factory=dict)


def planned_jobs(arguments: Sequence[str], targets: Sequence[str]) -> list[PlannedJob]:
    """The jobs of ``snakemake <arguments> <targets>`` that are still to be done.

    Raises:
        ConfigError: the dry run fails; with what it said.
    """
    # without a number of cores, as on a cluster, a dry run would cut every job down to one
    cores = [] if {"--cores", "-c", "--jobs", "-j"} & set(arguments) else ["--cores", str(MANY)]
    command = ["snakemake", *arguments, *cores, "--dry-run", "--nolock", "--quiet", "host", "reason"]
    command += ["--", *targets]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise ConfigError(f"the jobs cannot be planned; a dry run says:\n{done.stdout.strip()}")
    return read_dry_run(done.stdout)


def read_dry_run(text: str) -> list[PlannedJob]:
    """The jobs of a dry run's output, in its order."""
    jobs = []
    for block in re.split(r"^(?=(?:local)?rule \S+:$)", text, flags=re.MULTILINE)[1:]:
        head, *lines = block.splitlines()
        named = dict(
            line.strip().split(": ", 1) for line in lines if line.startswith("    ") and ": " in line
        )
        resources = dict(part.split("=", 1) for part in named.get("resources", "").split(", ") if "=" in part)
        rule = head.removesuffix(":").split(" ", 1)[1]
        stays_here = head.startswith("local") or "output" not in named  # a target has none
        jobs.append(PlannedJob(rule, stays_here, int(named.get("threads", 1)), resources))
    return jobs
