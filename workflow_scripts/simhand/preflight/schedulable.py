"""Can SLURM run at all what the rules ask for? `sbatch --test-only` knows, and queues nothing."""

import subprocess
from collections.abc import Iterable, Iterator

from simhand.preflight.finding import Finding
from simhand.preflight.planned_jobs import UNKNOWN, PlannedJob

OPTIONS = {
    "slurm_account": "--account={}",
    "slurm_partition": "--partition={}",
    "qos": "--qos={}",
    "constraint": "--constraint={}",
    "runtime": "--time={}",
    "mem_mb": "--mem={}",
    "mem_mb_per_cpu": "--mem-per-cpu={}",
    "cpus_per_gpu": "--cpus-per-gpu={}",
    "nodes": "--nodes={}",
    "gres": "--gres={}",
}
"""What the SLURM plugin makes of a resource."""


UNREACHABLE = ("Could not establish a configuration source", "Unable to contact slurm controller")


def submit_options(job: PlannedJob) -> tuple[str, ...]:
    """The options that a job is submitted with; what is not known yet is left out."""
    asked = {name: value for name, value in job.resources.items() if value != UNKNOWN}
    found = [option.format(asked[name]) for name, option in OPTIONS.items() if name in asked]
    found.append(f"--cpus-per-task={job.threads}")
    if int(asked.get("gpu", 0)):
        model = f"{asked['gpu_model']}:" if "gpu_model" in asked else ""
        found.append(f"--gpus={model}{asked['gpu']}")
    return tuple(found)


def check_requests(jobs: Iterable[PlannedJob]) -> Iterator[Finding]:
    """Whether each different request can be scheduled; nothing where no job goes to SLURM."""
    rules: dict[tuple[str, ...], list[str]] = {}
    for job in jobs:
        if not job.local and "slurm_partition" in job.resources:
            rules.setdefault(submit_options(job), []).append(job.rule)
    for options, names in rules.items():
        who = ", ".join(dict.fromkeys(names))
        try:
            done = subprocess.run(
                ["sbatch", "--test-only", *options, "--wrap=true"], capture_output=True, text=True
            )
        except FileNotFoundError:
            yield Finding(
                False, "SLURM", "there is no sbatch here; start this on a login node of the cluster"
            )
            return
        said = " ".join((done.stderr or done.stdout).split())
        if any(words in said for words in UNREACHABLE):
            yield Finding(False, "SLURM", f"sbatch reaches no cluster; start this on a login node: {said}")
            return
        if done.returncode:
            yield Finding(
                False,
                f"request of {who}",
                f"{' '.join(options)} can never run: {said}. Correct slurm/profile.yaml",
            )
        else:
            yield Finding(True, f"request of {who}", " ".join(options))
