"""The hand-object detector is in the DAG exactly when it is chosen, and not without its weights."""

import re

import pytest

CHOSEN = ["--config", "run=own", "videos_dir=clips", "crops={detector: hand_object_detector}"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips/a.mp4").touch()
    (tmp_path / "weights.pth").touch()
    return tmp_path


def jobs(snakemake, folder, *options):
    done = snakemake(folder, "--dry-run", "--cores", "2", "crops", *options)
    assert done.returncode == 0, done.stdout
    return dict(re.findall(r"^(\w+) +(\d+)$", done.stdout.split("Job stats:")[-1], flags=re.MULTILINE))


def test_it_runs_before_the_crops_of_a_shard_where_it_is_chosen(snakemake, folder):
    found = jobs(snakemake, folder, *CHOSEN, "hand_object_detector={weights: weights.pth}")
    assert found["detect_hands"] == found["crop_hands"] == found["extract_frames"] == "1"


def test_it_does_not_run_elsewhere(snakemake, folder):
    found = jobs(snakemake, folder, *CHOSEN[:-1], "hand_object_detector={weights: weights.pth}")
    assert "detect_hands" not in found and found["crop_hands"] == "1"


def test_without_weights_the_error_says_where_they_are(snakemake, folder):
    done = snakemake(folder, "--dry-run", "--cores", "2", "crops", *CHOSEN)
    assert done.returncode != 0
    assert "hand_object_detector.weights: names no file" in done.stdout
    assert "github.com/ddshan/hand_object_detector" in done.stdout and "issue 38" in done.stdout
    assert "Traceback" not in done.stdout
