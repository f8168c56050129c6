"""Time, memory, nodes: what a job runs out of, it has more of, or again, the next time."""

import pytest
from cluster import NODE, wait_until
from submitted import TIMEOUT_S, attempts

pytestmark = [pytest.mark.slurm, pytest.mark.long, pytest.mark.xdist_group("slurm")]


def test_a_training_stops_before_its_time_is_up_and_goes_on(cluster, pretraining):
    """SLURM tells it two minutes before, as the profile asks; here its limit is cut when it is at work."""
    work = pretraining()
    driver = work.train()
    work.wait_until_held(driver)
    (job,) = attempts(cluster, driver)
    cluster.run("scontrol", "update", f"JobId={job['JobIDRaw']}", "TimeLimit=2")
    driver.succeed()
    first, second = attempts(cluster, driver)
    assert (first["State"], second["State"]) == ("FAILED", "COMPLETED")
    assert second["Timelimit"] == "1-00:00:00"
    assert "(SIGTERM) and saved" in work.job_log(first["JobIDRaw"])
    work.check_each_step_once()


def test_a_job_that_needs_more_memory_gets_it(cluster, pretraining):
    """Here SLURM sees by looking now and then; where it has cgroups the first would be OUT_OF_MEMORY."""
    work = pretraining(hold=False)
    driver = work.train(mem_mb="400*attempt**3")
    driver.succeed()
    first, second = attempts(cluster, driver)
    assert (first["State"], second["State"]) == ("FAILED", "COMPLETED")
    assert "mem=400M" in first["ReqTRES"] and "mem=3200M" in second["ReqTRES"]
    assert "exceeded memory limit" in work.job_log(first["JobIDRaw"])
    work.check_each_step_once()


def test_a_training_outlives_its_node(cluster, pretraining):
    """SLURM loses the node, and starts the job again when it has one."""
    work = pretraining()
    driver = work.train()
    work.wait_until_held(driver)
    cluster.run("scontrol", "update", f"NodeName={NODE}", "State=DOWN", "Reason=lost")
    try:
        wait_until(lambda: "NODE_FAIL" in driver.said(), "the driver does not see it", TIMEOUT_S)
        # SLURM drains a node that is given a job again which it has not ended yet
        wait_until(lambda: not (work.out / "run/lock.json").exists(), "the trainer lives on", TIMEOUT_S)
    finally:
        if cluster.run("sinfo", "-h", "-o", "%T").startswith(("down", "drain")):  # else it is back by itself
            cluster.run("scontrol", "update", f"NodeName={NODE}", "State=RESUME")
    said = driver.succeed()
    assert "Leaving it to SLURM to requeue the job" in said and "Trying to restart" not in said
    assert attempts(cluster, driver)[-1]["State"] == "COMPLETED"
    assert "continuing after step" in work.rule_log()
    work.check_each_step_once()
