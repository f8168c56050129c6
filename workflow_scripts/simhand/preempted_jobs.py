"""SLURM jobs that were preempted for good are put back into the queue.

On a partition with PreemptMode=CANCEL a preempted job ends in state PREEMPTED, which Snakemake's SLURM
plugin (2.8) takes neither for success nor for failure: it would wait for ever. Queued again, the job runs.
"""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

EVERY_S = 60.0
"""SLURM forgets jobs that have ended after MinJobAge, five minutes if not configured otherwise."""


def requeue_preempted(folder: Path) -> list[str]:
    """Queue those of the user's preempted jobs again that were submitted from ``folder``; returns their ids.

    Raises:
        OSError: SLURM's programs are not there.
        subprocess.CalledProcessError: SLURM does not answer, or lets no such job be queued again.
    """
    listed = _run("squeue", "--me", "--states=PREEMPTED", "--noheader", "--format=%i|%Z")
    ended = (line.strip().partition("|") for line in listed.splitlines())
    jobs = [job for job, _, submitted_from in ended if Path(submitted_from) == folder]
    for job in jobs:
        _run("scontrol", "requeue", job)
    return jobs


def keep_requeueing(folder: Path, tell: Callable[[str], None], every_s: float = EVERY_S) -> threading.Event:
    """Do so from now on until the program ends, and ``tell`` of each job and of what goes wrong.

    Returns:
        set, it ends this earlier.
    """
    stopped = threading.Event()

    def watch() -> None:
        while not stopped.wait(every_s):
            try:
                for job in requeue_preempted(folder):
                    tell(f"SLURM job {job} was preempted and cancelled: it is queued again")
            except subprocess.CalledProcessError as error:
                tell(f"preempted jobs cannot be queued again: {' '.join(error.cmd)}: {error.stderr.strip()}")
            except OSError as error:
                tell(f"preempted jobs cannot be queued again: {error}")

    threading.Thread(target=watch, name="preempted jobs", daemon=True).start()
    return stopped


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
