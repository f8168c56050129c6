"""Preempted jobs go back into the queue; SLURM's programs are played here, and are real in tests/slurm."""

import subprocess
import threading
from pathlib import Path

import pytest

from simhand.preempted_jobs import keep_requeueing, requeue_preempted

SQUEUE = """#!/bin/sh
test "$*" = "--me --states=PREEMPTED --noheader --format=%i|%Z" || exit 2
cat {folder}/queue
"""
SCONTROL = """#!/bin/sh
echo "$*" >> {folder}/told
test "$2" != 13 || {{ echo "Requested operation is presently disabled" >&2; exit 1; }}
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder where ``queue`` holds what squeue prints, and ``told`` what scontrol was asked."""
    for name, text in (("squeue", SQUEUE), ("scontrol", SCONTROL)):
        (tmp_path / name).write_text(text.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def test_only_jobs_of_this_folder_are_queued_again(slurm):
    (slurm / "queue").write_text("7|/here\n8|/elsewhere\n9_2|/here\n")
    assert requeue_preempted(Path("/here")) == ["7", "9_2"]
    assert (slurm / "told").read_text().splitlines() == ["requeue 7", "requeue 9_2"]


def test_nothing_preempted_is_nothing_done(slurm):
    (slurm / "queue").write_text("")
    assert requeue_preempted(slurm) == [] and not (slurm / "told").exists()


def test_a_job_that_slurm_will_not_queue_again_is_told_of(slurm):
    (slurm / "queue").write_text("13|/here\n")
    said, told = [], threading.Event()

    def tell(text):
        said.append(text)
        told.set()

    stopped = keep_requeueing(Path("/here"), tell, every_s=0.01)
    assert told.wait(30)
    stopped.set()
    assert said[0].endswith("scontrol requeue 13: Requested operation is presently disabled")


def test_without_slurm_it_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match="squeue"):
        requeue_preempted(tmp_path)
    (tmp_path / "squeue").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "squeue").chmod(0o755)
    with pytest.raises(subprocess.CalledProcessError):
        requeue_preempted(tmp_path)
