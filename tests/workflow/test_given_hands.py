"""Frames, boxes and keypoints that the user has: the stages from them to keypoints, and what runs again."""

import json
import os
import re

import cv2
import numpy as np
import pytest

from simhand.errors import ConfigError
from simhand.files.packed import PackedReader
from simhand.files.tables import read_table
from simhand.settings.check import load_config

pytestmark = pytest.mark.xdist_group("given_hands")

CONFIG = """
run: own
sources: {own: {kind: frames, path: frames}}
crops: {detector: boxes, boxes: hands.json}
keypoints: {estimator: given, given: joints.json}
"""
BOX = {"x1": 20, "y1": 30, "x2": 80, "y2": 90}
POINTS = [[20 + 3 * joint, 90 - 2 * joint] for joint in range(21)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three frames of two videos, a left hand in the first of each."""
    folder = tmp_path_factory.mktemp("given")
    rng = np.random.default_rng(0)
    for video_id, numbers in {"a": (0, 30), "b/c": (0,)}.items():
        (folder / "frames" / video_id).mkdir(parents=True)
        for number in numbers:
            image = cv2.resize(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8), (160, 120))
            cv2.imwrite(str(folder / "frames" / video_id / f"frame_{number:06d}.jpg"), image)
    hands = [{"video_id": video_id, "frame_index": 0, **BOX, "side": "left"} for video_id in ("a", "b/c")]
    (folder / "hands.json").write_text(json.dumps(hands))
    joints = [{"video_id": "a", "frame_index": 0, "number": 0, "keypoints": POINTS}]
    (folder / "joints.json").write_text(json.dumps(joints))
    (folder / "config.yaml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def done(snakemake, folder):
    """The folder in which the stages have run."""
    run = snakemake(folder, "--configfile", "config.yaml", "--cores", "2", "keypoints")
    assert run.returncode == 0, run.stdout[-5000:]
    return folder


def jobs(snakemake, folder, *options):
    run = snakemake(folder, "--configfile", "config.yaml", "--dry-run", "--cores", "2", "keypoints", *options)
    assert run.returncode == 0, run.stdout
    return dict(re.findall(r"^(\w+) +(\d+)$", run.stdout.split("Job stats:")[-1], flags=re.MULTILINE))


def test_given_hands_become_crops_and_keypoints(done):
    with PackedReader(done / "results/own/crops/own/0000.arrow", "crops") as crops:
        rows = [crops.row(row) for row in range(len(crops))]
    assert [(row["video_id"], row["side"], row["window"]) for row in rows] == [
        ("a", "left", [11.0, 21.0, 89.0, 99.0]),
        ("b/c", "left", [11.0, 21.0, 89.0, 99.0]),
    ]
    found = read_table(done / "results/own/keypoints/own/0000.parquet", "keypoints").to_pylist()
    assert [row["valid"] for row in found] == [True, False]
    x, y = np.array(found[0]["keypoints"]).reshape(21, 2).T
    np.testing.assert_allclose(x, 1 - (np.array(POINTS)[:, 0] - 11) / 78, atol=1e-6)
    np.testing.assert_allclose(y, (np.array(POINTS)[:, 1] - 21) / 78, atol=1e-6)


def test_only_what_depends_on_a_changed_file_runs_again(snakemake, done):
    assert jobs(snakemake, done) == {}
    os.utime(done / "joints.json")
    (done / "joints.json").write_text((done / "joints.json").read_text() + "\n")
    assert jobs(snakemake, done).keys() == {"estimate_keypoints", "keypoints", "total"}
    (done / "hands.json").write_text((done / "hands.json").read_text() + "\n")
    assert jobs(snakemake, done).keys() == {
        "read_boxes",
        "crop_hands",
        "estimate_keypoints",
        "keypoints",
        "total",
    }


def test_without_the_file_there_is_nothing_to_read():
    with pytest.raises(ConfigError, match="crops: detector: boxes needs the file: add `boxes: "):
        load_config({"crops": {"detector": "boxes"}})
    with pytest.raises(ConfigError, match="keypoints: estimator: given needs the file: add `given: "):
        load_config({"keypoints": {"estimator": "given"}})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["crops={detector: boxes, boxes: none.csv}"], r"crops.boxes: .*none.csv does not exist"),
        (
            ["crops={detector: boxes, boxes: config.yaml}"],
            r"expected a file .parquet, .csv, .json, found '.yaml'",
        ),
        (["crops={detector: mediapipe}"], "boxes are given, but the detector is mediapipe"),
        (["keypoints={given: none.json}"], r"keypoints.given: .*none.json does not exist"),
        (["keypoints={estimator: detector}"], "keypoints are given, but the estimator is detector"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_runs(snakemake, folder, options, message):
    run = snakemake(
        folder,
        "--configfile",
        "config.yaml",
        "--dry-run",
        "--cores",
        "1",
        "keypoints",
        "--config",
        "run=other",
        *options,
    )
    assert run.returncode != 0
    assert re.search(message, run.stdout), run.stdout
