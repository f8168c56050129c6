"""Trainings in several processes: by torchrun on a node with its GPUs, by srun over tasks."""

import re
import socket
import subprocess

import pytest
from submitted import attempts

pytestmark = [pytest.mark.slurm, pytest.mark.long, pytest.mark.xdist_group("slurm")]


def test_two_processes_with_a_gpu_each_stop_together_and_go_on(cluster, pretraining):
    """The GPUs are no real ones: torch finds none and computes on processors."""
    work = pretraining(processes=2, bn_group=8, device="auto")
    driver = work.train(slurm_partition="gpu", threads=2)
    work.wait_until_held(driver)
    (job,) = attempts(cluster, driver)
    assert "gres/gpu=2" in job["ReqTRES"] and "cpu=2" in job["ReqTRES"]
    assert job["Partition"] == "gpu"
    assert set((work.folder / "gpus_seen.txt").read_text().split()) == {"0,1"}
    cluster.run("scancel", "--signal=TERM", job["JobIDRaw"])
    driver.succeed()
    assert [row["State"] for row in attempts(cluster, driver)] == ["FAILED", "COMPLETED"]
    stopped = re.findall(r"stopped after step (\d+)", work.job_log(job["JobIDRaw"]))
    assert len(set(stopped)) == 1 and f"continuing after step {stopped[0]} of" in work.rule_log()
    work.check_each_step_once()
    assert '"processes": 2' in (work.out / "metrics.json").read_text()


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def test_tasks_of_srun_train_together(cluster, pretraining):
    """As the README tells for several nodes; here both tasks are on one, whose name leads nowhere."""
    work = pretraining(hold=False, bn_group=8)
    command = command_of_the_stage(work)
    script = work.folder / "job.sh"
    script.write_text(
        "#!/bin/bash\n"
        f"export MASTER_ADDR=127.0.0.1 MASTER_PORT={free_port()} WORLD_SIZE=$SLURM_NTASKS\n"
        f"srun {command}\n"
    )
    options = ["--account=lab", "--partition=cpu", "--ntasks=2", "--mem=4000", "--time=10", "--wait"]
    done = subprocess.run(
        ["sbatch", *options, "--output=job.txt", str(script)],
        cwd=work.folder,
        env=work.environment,
        capture_output=True,
        text=True,
    )
    said = (work.folder / "job.txt").read_text()
    assert done.returncode == 0, said
    assert said.count("continuing") == 0 and said.count("80 anchors") <= 1
    work.check_each_step_once()
    assert '"processes": 2' in (work.out / "metrics.json").read_text()


def command_of_the_stage(work):
    """The command of the stage as a dry run prints it, without the choice of a launcher."""
    said = work.train("--dry-run", "--printshellcmds", "--quiet", "reason").succeed()
    return "python " + re.search(r"exec python \$\(\[ .*?\) (.*pretrain_encoder.py .*)", said)[1]
