"""The three mining scripts one after the other, as the workflow calls them."""

import json
import os
import subprocess
import sys

import pytest

from simhand.errors import EXIT_BAD_CONFIG, EXIT_BAD_DATA
from simhand.files.tables import read_table
from simhand.mining.embedding import PoseEmbedding


def run_script(repository, name, *arguments, **environment):
    command = [sys.executable, repository / "workflow_scripts" / name, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


@pytest.fixture
def scripts(repository, small_run):
    """Runs one of the three scripts on ``small_run`` with its files in a folder."""
    groups = small_run.write_groups()

    def run(name, folder, settings, threads=1):
        hands, embedding = folder / "set.parquet", folder / "pca.npz"
        arguments = {
            "sample_set": ["--seed", 1, "--groups", groups, "--keypoints", *small_run.keypoint_files, "--out", hands],
            "fit_pca": ["--set", hands, "--out", embedding],
            "mine_pairs": ["--set", hands, "--pca", embedding, "--out", folder / "pairs.parquet"],
        }[name]
        common = ["--settings", json.dumps(settings), "--run-dir", small_run.folder, "--threads", threads]
        return run_script(repository, f"{name}.py", *common, *arguments, OMP_NUM_THREADS=str(threads))

    return run


def test_scripts_one_after_the_other(scripts, tmp_path):
    """Also: the same bytes for any number of threads, and a failure that leaves no file."""
    folders = [tmp_path / "one", tmp_path / "two"]
    settings = {"sample_set": {"size": 30}, "fit_pca": {"dimensions": 6}, "mine_pairs": {"ranks": [1, 2]}}
    for threads, folder in enumerate(folders, 1):
        for name, values in settings.items():
            done = scripts(name, folder, values, threads)
            assert done.returncode == 0, done.stderr
    names = {"set.parquet", "pca.npz", "pca.json", "pairs.parquet"}
    assert {path.name for path in folders[0].iterdir()} == names
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name

    hands, pairs = read_table(folders[0] / "set.parquet", "set"), read_table(folders[0] / "pairs.parquet", "pairs")
    videos = dict(zip(hands["hand_id"].to_pylist(), hands["video_id"].to_pylist(), strict=True))
    assert hands.num_rows == 30 and pairs.num_rows == 60
    assert all(videos[row["hand_id"]] != videos[row["positive_hand_id"]] for row in pairs.to_pylist())
    assert PoseEmbedding.load(folders[0] / "pca.npz").components.shape == (6, 42)
    description = json.loads((folders[0] / "pca.json").read_text())
    assert description["normalisation"] == "wrist_scale"
    assert (description["dimensions"], description["hands"], description["excluded"]) == (6, 30, 0)

    before = (folders[0] / "pairs.parquet").read_bytes()
    done = scripts("mine_pairs", folders[0], {"ranks": [1, 100]})
    assert done.returncode == EXIT_BAD_CONFIG
    assert "pairs.ranks asks for rank 100" in done.stderr and "Traceback" not in done.stderr
    assert (folders[0] / "pairs.parquet").read_bytes() == before


def test_failed_sampling_leaves_no_file(scripts, tmp_path):
    done = scripts("sample_set", tmp_path, {"size": 1000})
    assert done.returncode == EXIT_BAD_DATA
    assert "500 left and 500 right" in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.parquet")) + list(tmp_path.glob(".*partial*"))
