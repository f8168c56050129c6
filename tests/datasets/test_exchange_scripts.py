"""From predictions to DexYCB's result file and back, over the rendered set in its layout."""

import json
import subprocess
import sys

import numpy as np
import pytest

from simhand.datasets.label_cache import LabelCache
from simhand.datasets.loaders import LOADERS
from simhand.datasets.sample_columns import flat, sample_columns
from simhand.datasets.samples import project
from simhand.evaluation.predictions import load_predictions
from simhand.files.tables import read_table, write_table
from simhand.settings.datasets import RenderedSettings

pytestmark = pytest.mark.xdist_group("layouts")

DATASET = RenderedSettings(kind="rendered", layout="dexycb", scale_source="predicted")


def run(repository, script, **arguments):
    options = [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, str(repository / "workflow_scripts" / script), *options]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_choice_of_frames_is_not_submitted(repository, tmp_path):
    """DexYCB's tool wants every labelled frame, and some of them were not predicted."""
    dataset = {"kind": "dexycb", "root": str(tmp_path), "frames": "mostly_visible"}
    options = {"predictions": tmp_path / "ours.parquet", "root": tmp_path, "out": tmp_path / "submission.txt"}
    done = run(repository, "write_submission.py", dataset=json.dumps(dataset), **options)
    assert done.returncode == 2
    assert "ours.parquet cannot be submitted: `frames: mostly_visible` leaves out frames" in done.stderr
    assert "set `frames: labelled` of this data set and train and predict anew" in done.stderr


def test_predictions_come_back_from_the_result_file(repository, dexycb, tmp_path):
    samples = LOADERS["rendered"](dexycb, DATASET, "evaluation", LabelCache(None, 1))
    columns = sample_columns(samples)
    truth = np.reshape(columns["ground_truth"], (-1, 21, 3))
    predicted = truth + np.random.default_rng(0).normal(0, 0.01, truth.shape)
    pixels = project(predicted, samples.unmirrored().intrinsics)
    columns |= {"prediction": flat(predicted), "prediction_2d": flat(pixels)}
    sources = dict.fromkeys(("root_source", "scale_source"), ["predicted"] * len(samples))
    write_table(tmp_path / "ours.parquet", "predictions", {**columns, **sources})
    common = {"dataset": DATASET.model_dump_json(), "root": dexycb}
    done = run(
        repository,
        "write_submission.py",
        predictions=tmp_path / "ours.parquet",
        out=tmp_path / "submission.txt",
        **common,
    )
    assert done.returncode == 0, done.stderr
    ids = [int(line.split(",")[0]) for line in (tmp_path / "submission.txt").read_text().splitlines()]
    assert ids == sorted(samples.image_ids.tolist())
    settings = {"name": "theirs", "dataset": "rendered", "file": "submission.txt"}
    done = run(
        repository,
        "import_predictions.py",
        settings=json.dumps(settings),
        file=tmp_path / "submission.txt",
        out=tmp_path / "theirs.parquet",
        **common,
    )
    assert done.returncode == 0, done.stderr
    ours, theirs = (load_predictions(tmp_path / f"{name}.parquet") for name in ("ours", "theirs"))
    assert ours.ids == theirs.ids and ours.left.any() and not ours.left.all()
    np.testing.assert_allclose(theirs.prediction_m, ours.prediction_m, rtol=1e-14)
    np.testing.assert_allclose(theirs.prediction_px, ours.prediction_px, rtol=1e-9)
    others = ["ground_truth", "side", "sequence", "frame", "occluded_share", "visible", "intrinsics"]
    for column in others:
        found = [
            read_table(tmp_path / f"{name}.parquet", "predictions")[column] for name in ("ours", "theirs")
        ]
        assert found[0].equals(found[1]), column
    assert (tmp_path / "theirs.certificate.json").exists()
