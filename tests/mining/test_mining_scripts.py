"""The mining scripts one after the other, as the workflow calls them."""

import json
import os
import subprocess
import sys

import pytest

from simhand.errors import EXIT_BAD_CONFIG, EXIT_BAD_DATA
from simhand.files.tables import read_table, write_table
from simhand.mining.embedding import PoseEmbedding
from simhand.mining.pairs import embed_hands, mine_pairs
from simhand.mining.pca import fit_embedding
from simhand.mining.sets import load_keypoints, load_set
from simhand.mining.tree_search import search_by_tree
from simhand.settings.pairs import PairsSettings
from simhand.settings.pca import PcaSettings


def run_script(repository, name, *arguments, **environment):
    command = [sys.executable, repository / "workflow_scripts" / name, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


THREADS = 2


@pytest.fixture
def scripts(repository, small_run, tmp_path):
    """Runs one of the scripts on ``small_run``; their files lie in ``tmp_path``."""
    groups = small_run.write_groups()
    hands, embedding, pairs = (tmp_path / name for name in ("set.parquet", "pca.npz", "pairs.parquet"))
    files = ["--groups", groups, "--keypoints", *small_run.keypoint_files]
    in_torch, threads = tmp_path / "torch.parquet", ["--threads", THREADS]
    arguments = {
        "sample_set": ["--seed", 1, *files, "--out", hands],
        "fit_pca": ["--set", hands, "--out", embedding],
        "mine_pairs": ["--set", hands, "--pca", embedding, "--out", pairs, *threads],
        "mine_pairs_torch": ["--set", hands, "--pca", embedding, "--out", in_torch, *threads],
    }

    def run(name, settings):
        common = ["--settings", json.dumps(settings), "--run-dir", small_run.folder]
        return run_script(repository, f"{name}.py", *common, *arguments[name], OMP_NUM_THREADS=str(THREADS))

    return run


def test_scripts_one_after_the_other(scripts, small_run, tmp_path):
    """Also: what they write with two threads has the bytes of one thread; a failure leaves files alone."""
    settings = {"sample_set": {"size": 30}, "fit_pca": {"dimensions": 6}, "mine_pairs": {"ranks": [1, 2]}}
    for name, values in settings.items():
        done = scripts(name, values)
        assert done.returncode == 0, done.stderr

    hands, pairs = load_set(tmp_path / "set.parquet"), read_table(tmp_path / "pairs.parquet", "pairs")
    videos = dict(zip(hands["hand_id"].to_pylist(), hands["video_id"].to_pylist(), strict=True))
    assert hands.num_rows == 30 and pairs.num_rows == 60
    assert all(videos[row["hand_id"]] != videos[row["positive_hand_id"]] for row in pairs.to_pylist())
    assert PoseEmbedding.load(tmp_path / "pca.npz").components.shape == (6, 42)
    description = json.loads((tmp_path / "pca.json").read_text())
    assert description["normalisation"] == "box"
    assert (description["dimensions"], description["hands"], description["excluded"]) == (6, 30, 0)

    keypoints = load_keypoints(small_run.folder, hands)
    embedding, _ = fit_embedding(keypoints, PcaSettings(dimensions=6))
    embedding.save(tmp_path / "again.npz")
    embedded = embed_hands(hands, keypoints, embedding)
    again, description = mine_pairs(embedded, PairsSettings(ranks=[1, 2]), search_by_tree, threads=1)
    write_table(tmp_path / "again.parquet", "pairs", again)
    assert json.loads((tmp_path / "pairs.json").read_text()) == description
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "pca.npz").read_bytes()
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "pairs.parquet").read_bytes()

    done = scripts("mine_pairs_torch", {"ranks": [1, 2], "backend": "torch", "device": "cpu"})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "torch.parquet").read_bytes() == (tmp_path / "pairs.parquet").read_bytes()

    done = scripts("mine_pairs", {"ranks": [1, 100]})
    assert done.returncode == EXIT_BAD_CONFIG
    assert "pairs.ranks asks for rank 100" in done.stderr and "Traceback" not in done.stderr
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "pairs.parquet").read_bytes()
    assert not list(tmp_path.glob(".*partial*"))


def test_failed_sampling_leaves_no_file(scripts, tmp_path):
    done = scripts("sample_set", {"size": 1000})
    assert done.returncode == EXIT_BAD_DATA
    assert "500 left and 500 right" in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.parquet")) + list(tmp_path.glob(".*partial*"))
