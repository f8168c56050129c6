"""Predictions made elsewhere and submissions in the DAG."""

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


def test_submissions_are_written_of_every_model(repository, snakemake, tmp_path):
    done = snakemake(tmp_path, "submissions", *with_imported(repository, tmp_path))
    assert done.returncode == 0, done.stdout
    assert job_counts(done.stdout)["write_submission"] == 3


def test_imported_predictions_of_an_unknown_data_set_are_told(repository, snakemake, tmp_path):
    done = snakemake(tmp_path, "metrics", *with_imported(repository, tmp_path, dataset="renderd"))
    assert done.returncode != 0
    assert (
        "imported_predictions.theirs.dataset: no data set 'renderd' (did you mean 'rendered'?)" in done.stdout
    )
