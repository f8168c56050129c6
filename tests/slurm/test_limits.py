"""Time, memory, nodes: what a job runs out of, it has more of, or again, the next time."""

import pytest
from cluster import NODE, wait_until
from submitted import attempts

pytestmark = [pytest.mark.slurm, pytest.mark.long, pytest.mark.xdist_group("slurm")]


def test_a_training_stops_before_its_time_is_up_and_goes_on(cluster, pretraining):
    """SLURM tells it two minutes before, as the profile asks; here its limit is cut when it is at work."""
    work = pretraining()
    driver = work.train()
    work.wait_for_step(2, driver)
    (job,) = attempts(cluster, driver)
    cluster.run("scontrol", "update", f"JobId={job['JobIDRaw']}", "TimeLimit=2")
    driver.succeed()
    first, second = attempts(cluster, driver)
    assert (first["State"], second["State"]) == ("FAILED", "COMPLETED")
    assert second["Timelimit"] == "1-00:00:00"
    assert "(SIGTERM) and saved" in work.job_log(first["JobIDRaw"])
    work.check_each_step_once()


def test_a_job_that_needs_more_memory_gets_it(cluster, pretraining):
    work = pretraining(epochs=1, step_seconds=0)
    driver = work.train(mem_mb="400*attempt**2")
    driver.succeed()
    rows = [row for row in cluster.jobs("JobName,State,ReqMem") if row["JobName"] in driver.said()]
    assert [(row["State"], row["ReqMem"]) for row in rows] == [
        ("OUT_OF_MEMORY", "400M"),
        ("COMPLETED", "1600M"),
    ]
    work.check_each_step_once()


def test_a_training_outlives_its_node(cluster, pretraining):
    """SLURM loses the node, and starts the job again when it has one."""
    work = pretraining()
    driver = work.train()
    work.wait_for_step(2, driver)
    cluster.run("scontrol", "update", f"NodeName={NODE}", "State=DOWN", "Reason=lost")
    try:
        wait_until(lambda: attempts(cluster, driver)[0]["State"] == "NODE_FAIL", "the node is not lost", 60)
    finally:
        cluster.run("scontrol", "update", f"NodeName={NODE}", "State=RESUME")
    driver.succeed()
    assert attempts(cluster, driver)[-1]["State"] == "COMPLETED"
    assert "continuing after step" in work.rule_log()
    work.check_each_step_once()
