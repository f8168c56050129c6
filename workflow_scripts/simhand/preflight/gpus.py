"""Are there as many GPUs as the configuration counts on?"""

import os
import subprocess
from collections.abc import Iterator

from simhand.preflight.finding import Finding
from simhand.preflight.planned_jobs import PlannedJob
from simhand.preflight.snakemake_call import SnakemakeCall
from simhand.settings.config import Config


def check_gpus(config: Config, call: SnakemakeCall, jobs: list[PlannedJob]) -> Iterator[Finding]:
    """Whether each job that is to have GPUs gets them, from this machine or by its request to SLURM.

    Nothing is said where none is counted on, nor of other clusters.
    """
    if call.executor not in ("local", "slurm"):
        return
    here = gpus_here() if call.executor == "local" else 0
    told = set()
    for job in jobs:
        key, device, wanted = _wanted(config, job)
        given = here if call.executor == "local" else gpus_asked_for(job)
        if device == "auto" and (given == 0 or call.executor == "local"):
            continue  # it takes what there is
        finding = Finding(given >= wanted, "GPUs", _text(job.rule, key, wanted, given, call.executor))
        if wanted and finding not in told:
            told.add(finding)
            yield finding


def _wanted(config: Config, job: PlannedJob) -> tuple[str, str, int]:
    """The config key behind a job's device, the device, and how many GPUs the job then uses; 0 if none."""
    match job.rule:
        case "pretrain_encoder":
            pretrain = config.pretrain_settings(job.wildcards["pretrain"])
            key, device, count = "pretrain", pretrain.device, pretrain.processes
        case "finetune_detnet":
            key, device, count = "finetune", config.finetune_settings(job.wildcards["finetune"]).device, 1
        case "detect_hands":
            key, device, count = "hand_object_detector", config.hand_object_detector.device, 1
        case "mine_pairs_torch":
            key, device, count = "pairs", config.pairs.device, 1
        case "render_videos" | "render_labels":
            key, device, count = "world", config.world.device, 1
        case _:
            key, device, count = "", "cpu", 0
    return key, device, 0 if device == "cpu" else count


def _text(rule: str, key: str, wanted: int, given: int, executor: str) -> str:
    why = f"{rule} needs {wanted} ({key}.device"
    why += f", {key}.processes)" if wanted > 1 else ")"
    if executor == "local":
        found = f"{why}, this machine has {given}"
        advice = f"set {key}.device to auto or cpu" + (f", or {key}.processes to {given}" if given else "")
    else:
        found = f"{why}, its request asks for {given}"
        advice = f"give `{rule}` so many in slurm/profile.yaml (gres or gpu), or change {key} in the config"
    return found if given >= wanted else f"{found}; {advice}"


def gpus_asked_for(job: PlannedJob) -> int:
    """How many GPUs a job's request names: ``gres: gpu:a100:2`` or ``gpu: 2``."""
    asked = [part.split(":") for part in job.resources.get("gres", "").split(",")]
    counts = [int(part[-1]) if part[-1].isdigit() else 1 for part in asked if part[0] == "gpu"]
    return sum(counts) or int(job.resources.get("gpu", 0))


def gpus_here() -> int:
    """How many GPUs of NVIDIA's a job of this machine may use; asked without torch."""
    try:
        said = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout
    except FileNotFoundError:
        return 0
    count = sum(line.startswith("GPU ") for line in said.splitlines())
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return count if visible is None else min(count, sum(bool(one) for one in visible.split(",")))
