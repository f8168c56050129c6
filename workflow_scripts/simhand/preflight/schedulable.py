"""Can SLURM run at all what the rules ask for? `sbatch --test-only` knows, and queues nothing."""

import shlex
import subprocess
from collections.abc import Iterable, Iterator

from simhand.preflight.finding import Finding
from simhand.preflight.planned_jobs import UNKNOWN, PlannedJob
from simhand.preflight.snakemake_call import SnakemakeCall

OPTIONS = {
    "slurm_account": "--account={}",
    "slurm_partition": "--partition={}",
    "qos": "--qos={}",
    "constraint": "--constraint={}",
    "runtime": "--time={}",
    "mem_mb": "--mem={}",
    "mem_mb_per_cpu": "--mem-per-cpu={}",
    "nodes": "--nodes={}",
    "gres": "--gres={}",
}
"""What the SLURM plugin makes of a resource."""

WORDS = {"mem_mb": "memory", "runtime": "time", "mem_mb_per_cpu": "memory"}
UNREACHABLE = ("Could not establish a configuration source", "Unable to contact slurm controller")

Request = tuple[str, ...]


class NoCluster(Exception):
    """There is no SLURM to ask."""


def check_requests(
    call: SnakemakeCall, jobs: Iterable[PlannedJob], last_attempts: Iterable[PlannedJob]
) -> Iterator[Finding]:
    """Whether each different request can be scheduled; nothing where jobs do not go to SLURM.

    Args:
        call: how Snakemake was called.
        jobs: those to be run.
        last_attempts: the same as they would be tried the last time, with more time and memory.
    """
    if call.executor != "slurm":
        return
    first, last = _by_request(call, jobs), _by_request(call, last_attempts)
    refused: set[str] = set()
    try:
        for request, alike in first.items():
            found = _first_attempt(request, alike)
            refused |= {job.rule for job in alike if found.ok is False}
            yield found
        for request, alike in last.items():
            rules = [job for job in alike if job.rule not in refused]
            if request not in first and rules and (refusal := _refusal(request)):
                yield Finding(
                    None,
                    f"retries of {_rules(rules)}",
                    f"SLURM refuses attempt {call.retries + 1}, should it come to that: {refusal} "
                    f"({shlex.join(request)}). Limit it in slurm/profile.yaml",
                )
    except NoCluster as error:
        yield Finding(False, "SLURM", str(error))


def submit_options(job: PlannedJob) -> Request:
    """The options that a job is submitted with; what is not known yet is left out."""
    asked = {name: value for name, value in job.resources.items() if value != UNKNOWN}
    found = [option.format(asked[name]) for name, option in OPTIONS.items() if name in asked]
    gpus = int(asked.get("gpu", 0))
    if gpus:
        model = f"{asked['gpu_model']}:" if "gpu_model" in asked else ""
        found.append(f"--gpus={model}{gpus}")
    if (gpus or "gpu" in asked.get("gres", "")) and "cpus_per_gpu" in asked:
        found.append(f"--cpus-per-gpu={asked['cpus_per_gpu']}")
    else:
        found.append(f"--cpus-per-task={asked.get('cpus_per_task', job.threads)}")
    return (*found, *shlex.split(asked.get("slurm_extra", "")))


def _by_request(call: SnakemakeCall, jobs: Iterable[PlannedJob]) -> dict[Request, list[PlannedJob]]:
    found: dict[Request, list[PlannedJob]] = {}
    for job in jobs:
        if not job.local:
            found.setdefault((*submit_options(job), *call.submit_options), []).append(job)
    return found


def _first_attempt(request: Request, jobs: list[PlannedJob]) -> Finding:
    what = f"request of {_rules(jobs)}"
    if refusal := _refusal(request):
        return Finding(
            False, what, f"{shlex.join(request)} can never run: {refusal}. Correct slurm/profile.yaml"
        )
    unknown = dict.fromkeys(
        word for job in jobs for name, word in WORDS.items() if job.resources.get(name) == UNKNOWN
    )
    if unknown:
        which = " and ".join(unknown)
        return Finding(
            None, what, f"{which} not known yet, from files yet to be made; the rest: {shlex.join(request)}"
        )
    return Finding(True, what, shlex.join(request))


def _rules(jobs: list[PlannedJob]) -> str:
    return ", ".join(dict.fromkeys(job.rule for job in jobs))


def _refusal(request: Request) -> str | None:
    """What SLURM says against ``request``; None if it can be scheduled.

    Raises:
        NoCluster: SLURM cannot be asked.
    """
    command = ["sbatch", "--test-only", *request, "--wrap=true"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise NoCluster("there is no sbatch here; start this on a login node of the cluster") from None
    said = " ".join((done.stderr or done.stdout).split())
    if any(words in said for words in UNREACHABLE):
        raise NoCluster(f"sbatch reaches no cluster; start this on a login node: {said}")
    return (said or "no reason given") if done.returncode else None
