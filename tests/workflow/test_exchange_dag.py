"""Predictions made elsewhere and submissions in the DAG."""

import pytest
import yaml
from test_dag import job_counts


def with_imported(repository, tmp_path, **changes):
    config = yaml.safe_load((repository / "tests" / "tiny.yaml").read_text())
    (tmp_path / "theirs.zip").touch()
    config["imported_predictions"] = {
        "theirs": {"file": "theirs.zip", "dataset": "rendered", "title": "Their model"} | changes
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return ["--dry-run", "--cores", "2", "--configfile", "config.yaml"]


def test_imported_predictions_are_measured_beside_ours(repository, snakemake, tmp_path):
    options = with_imported(repository, tmp_path)
    done = snakemake(tmp_path, "metrics", *options)
    assert done.returncode == 0, done.stdout
    counts = job_counts(done.stdout)
    assert (counts["import_predictions"], counts["finetune_detnet"]) == (1, 2)
    assert counts["evaluate_predictions"] == 3


def test_submissions_are_written_of_our_models_alone(repository, snakemake, tmp_path):
    """What was made elsewhere may not predict all, and its authors have it in such a form already."""
    done = snakemake(tmp_path, "submissions", *with_imported(repository, tmp_path))
    assert done.returncode == 0, done.stdout
    counts = job_counts(done.stdout)
    assert counts["write_submission"] == counts["finetune_detnet"] == 2
    assert "import_predictions" not in counts


@pytest.mark.parametrize("datasets", [["rendered", "dexycb"], ["dexycb"]])
def test_a_data_set_with_a_choice_of_frames_has_no_submission(repository, snakemake, tmp_path, datasets):
    """As config.paper.yaml has it: the others are submitted, and the log says what is not."""
    intrinsics = tmp_path / "dexycb/calibration/intrinsics/836212060125_640x480.yml"
    intrinsics.parent.mkdir(parents=True)
    intrinsics.touch()
    config = yaml.safe_load((repository / "tests" / "tiny.yaml").read_text())
    config["datasets"]["dexycb"] = {"kind": "dexycb", "root": "dexycb", "frames": "mostly_visible"}
    config["experiments"]["table2"] = [{"method": "none", "dataset": datasets}]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    options = ["--dry-run", "--cores", "2", "--configfile", "config.yaml"]
    done = snakemake(tmp_path, "submissions", *options)
    assert "datasets.dexycb: no submission is written. `frames: mostly_visible` leaves out" in done.stdout
    assert (done.returncode == 0) == ("rendered" in datasets)
    if done.returncode == 0:
        assert job_counts(done.stdout)["write_submission"] == 1
    assert "no submission is written" not in snakemake(tmp_path, "metrics", *options).stdout


def test_imported_predictions_of_an_unknown_data_set_are_told(repository, snakemake, tmp_path):
    done = snakemake(tmp_path, "metrics", *with_imported(repository, tmp_path, dataset="renderd"))
    assert done.returncode != 0
    assert (
        "imported_predictions.theirs.dataset: no data set 'renderd' (did you mean 'rendered'?)" in done.stdout
    )
