"""Lets no job that SLURM has preempted for good keep Snakemake waiting."""

from snakemake.logging import logger

from simhand.preempted_jobs import keep_requeueing


def watch_preempted_jobs():
    """Look for such jobs from now on, if jobs go to SLURM."""
    if workflow.executor_plugin.name == "slurm":
        keep_requeueing(Path.cwd(), logger.warning)
