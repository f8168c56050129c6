"""Jobs that SLURM takes away: the training goes on where it was, no step twice, and the driver ends."""

import re

import pytest
from cluster import wait_until
from submitted import TIMEOUT_S, attempts, more_important_job

pytestmark = [pytest.mark.slurm, pytest.mark.long, pytest.mark.xdist_group("slurm")]


def check_preempted(cluster, work, partition):
    driver = work.train(slurm_partition=partition)
    work.wait_until_held(driver)
    with more_important_job(cluster):
        driver.succeed()
    first, second = attempts(cluster, driver)
    assert (first["State"], second["State"]) == ("FAILED", "COMPLETED")
    stopped = re.findall(r"stopped after step (\d+) \(SIGTERM\) and saved", work.job_log(first["JobIDRaw"]))
    assert len(stopped) == 1 and f"continuing after step {stopped[0]} of {work.steps}" in work.rule_log()
    work.check_each_step_once()


@pytest.mark.parametrize("partition", ["scav", "scavcancel"])
def test_a_preempted_training_is_submitted_again_and_goes_on(cluster, pretraining, partition):
    """Whether SLURM would queue it again or cancel it: it ends by itself before, and counts as failed."""
    check_preempted(cluster, pretraining(), partition)


def test_a_preempted_finetuning_goes_on_as_well(cluster, finetuning):
    check_preempted(cluster, finetuning, "scavcancel")


def test_a_requeued_job_goes_on(cluster, pretraining):
    """The same job starts again; the driver has nothing to do."""
    work = pretraining()
    driver = work.train()
    work.wait_until_held(driver)
    (job,) = {row["JobIDRaw"] for row in attempts(cluster, driver)}
    cluster.run("scontrol", "requeue", job)
    said = driver.succeed()
    assert "Trying to restart" not in said
    found = attempts(cluster, driver)
    assert [(row["JobIDRaw"], row["State"]) for row in found] == [(job, "REQUEUED"), (job, "COMPLETED")]
    assert "continuing after step" in work.rule_log()
    work.check_each_step_once()


# beside what the workflow does about it, asked for more often than once a minute
STUBBORN = """
import sys
from pathlib import Path

sys.path.insert(0, "{repository}/workflow_scripts")

include: "{repository}/rules/preempted.smk"

onstart:
    keep_requeueing(Path.cwd(), logger.warning, every_s=2)

rule stubborn:
    output: "out.txt"
    resources: slurm_partition="abrupt", mem_mb=500, runtime=5
    shell: "python stubborn.py {{output}}"
"""

IGNORES_SIGTERM = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
started = pathlib.Path("started")
if not started.exists():
    started.touch()
    time.sleep(600)
pathlib.Path(sys.argv[1]).touch()
"""


def test_a_job_that_is_preempted_for_good_is_queued_again(cluster, workplace, repository):
    """The plugin (2.8.0) would wait for ever: to it PREEMPTED is neither success nor failure."""
    work = workplace({})
    (work.folder / "stubborn.py").write_text(IGNORES_SIGTERM)
    (work.folder / "Snakefile").write_text(STUBBORN.format(repository=repository))
    driver = work.start(snakefile=work.folder / "Snakefile")
    wait_until((work.folder / "started").exists, "the job does not start", TIMEOUT_S)
    with more_important_job(cluster):
        wait_until(lambda: "it is queued again" in driver.said(), "it is not queued again", TIMEOUT_S)
    driver.succeed()
    states = [row["State"] for row in attempts(cluster, driver)]
    assert states == ["REQUEUED", "COMPLETED"] and (work.folder / "out.txt").exists()
