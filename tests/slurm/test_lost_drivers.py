"""Drivers that die, and two at once: one trainer at a time works, whatever they submit."""

import os
import signal

import pytest
from cluster import wait_until
from submitted import TIMEOUT_S, attempts

pytestmark = [pytest.mark.slurm, pytest.mark.long, pytest.mark.xdist_group("slurm")]


def test_a_second_driver_waits_for_the_job_that_the_first_one_left(cluster, pretraining):
    """Its trainer refuses to work beside the other one, and takes over when that has ended."""
    work = pretraining()
    first = work.train()
    work.wait_until_held(first)
    (left,) = attempts(cluster, first)

    beside = work.train()
    assert "cannot be locked" in beside.finish()
    assert beside.process.returncode == 1 and not cluster_knows(cluster, beside)

    os.killpg(first.process.pid, signal.SIGKILL)
    first.process.wait()
    work.start("--unlock").succeed()
    second = work.train()
    wait_until(
        lambda: "Trying to restart job" in second.said(), "the second trainer does not refuse", TIMEOUT_S
    )
    refused = attempts(cluster, second)[0]["JobIDRaw"]
    assert f"SLURM job {left['JobIDRaw']} works in" in work.job_log(refused)
    assert "Let it finish and run the same command again" in work.job_log(refused)
    cluster.run("scancel", "--signal=TERM", left["JobIDRaw"])
    second.succeed()
    assert "continuing after step" in work.rule_log()
    work.check_each_step_once()


def cluster_knows(cluster, driver):
    """Whether a driver has come so far as to have jobs."""
    return "SLURM run ID" in driver.said() and attempts(cluster, driver)
