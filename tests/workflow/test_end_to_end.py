"""The whole chain on a tiny rendered world: every file of the contract, nothing twice, and re-runs."""

import hashlib
import json
import math
import re
import subprocess
import sys

import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
import torchvision
from safetensors.torch import load_file

from simhand.files.packed import PackedReader
from simhand.files.tables import read_table

pytestmark = pytest.mark.xdist_group("tiny_run")

RUN = "results/tiny"
PRETRAIN = "simhand_all_none_top1_random_seed0"
FINETUNES = [f"{PRETRAIN}__rendered_100pct", "none_random_seed0__rendered_100pct"]


def jobs_of_dry_run(snakemake, folder, *arguments):
    done = snakemake(folder, "--dry-run", *arguments)
    assert done.returncode == 0, done.stdout
    if "Nothing to be done" in done.stdout:
        return set()
    return set(re.findall(r"^(\w+) +\d+$", done.stdout.split("Job stats:")[1], re.MULTILINE)) - {"total"}


def test_tables_between_the_stages_have_their_columns(tiny_run):
    run = tiny_run / RUN
    for name, pattern in {
        "manifest": "videos/manifest.parquet",
        "groups": "videos/groups.parquet",
        "frames_status": "frames/rendered/*.status.parquet",
        "status": "[ck]*/rendered/*.status.parquet",
        "keypoints": "keypoints/rendered/[0-9][0-9][0-9][0-9].parquet",
        "set": "sets/all.parquet",
        "pairs": "pairs/all.parquet",
        "predictions": "finetune/*/predictions.parquet",
        "metrics": "metrics.parquet",
        "truth": "world/truth/*.parquet",
    }.items():
        paths = sorted(run.glob(pattern))
        assert paths, pattern
        for path in paths:
            assert read_table(path, name).num_rows > 0, path
    for name in ("frames", "crops"):
        for path in sorted((run / name / "rendered").glob("*.arrow")):
            with PackedReader(path, name) as reader:
                assert len(reader) > 0 and reader.image(0)[:2] == b"\xff\xd8"


def test_no_pair_joins_two_videos_of_one_recording(tiny_run):
    run = tiny_run / RUN
    group = pd.read_parquet(run / "sets/all.parquet").set_index("hand_id")["group_id"]
    groups = pd.read_parquet(run / "videos/groups.parquet")
    assert groups["group_id"].nunique() < len(groups), "the tiny world has a recording seen by two cameras"
    pairs = pd.read_parquet(run / "pairs/all.parquet")
    assert (pairs["hand_id"].map(group) != pairs["positive_hand_id"].map(group)).all()


def test_sets_are_balanced(tiny_run):
    sides = pd.read_parquet(tiny_run / RUN / "sets/all.parquet")["side"].value_counts()
    assert sides["left"] == sides["right"]


def test_encoder_loads_into_torchvision_and_was_trained(tiny_run):
    weights = load_file(tiny_run / RUN / "pretrain" / PRETRAIN / "encoder.safetensors")
    network = torchvision.models.resnet18()
    missing, unexpected = network.load_state_dict(weights, strict=False)
    assert set(missing) == {"fc.weight", "fc.bias"} and not unexpected
    assert weights["bn1.num_batches_tracked"] > 0
    assert all(torch.isfinite(tensor.float()).all() for tensor in weights.values())


def test_metrics_name_their_experiment_and_protocol(tiny_run):
    metrics = pd.read_parquet(tiny_run / RUN / "metrics.parquet")
    assert set(metrics["experiment"]) == set(FINETUNES)
    simhand = metrics[(metrics["protocol"] == "simhand") & (metrics["metric"] == "mpjpe")]
    assert len(simhand) == 2 and (simhand["samples"] == 8).all() and (simhand["value"] > 0).all()
    assert {"freihand_absolute", "freihand_procrustes"} <= set(metrics["protocol"])


def test_table_shows_measured_beside_reported(tiny_run):
    table = pd.read_csv(tiny_run / RUN / "tables/table2.csv", dtype=str, keep_default_na=False)
    beside = table[table.eq("35.32").any(axis=1)]
    assert len(beside) == 1, "the paper's SiMHand row on Ego-50K stands once"
    assert not beside.eq("not run").any(axis=None), "and beside what this run has measured"
    assert table.eq("not run").any(axis=None)


def test_every_number_can_be_asked_where_it_comes_from(tiny_run, repository):
    command = [sys.executable, repository / "workflow_scripts/explain_number.py", "--run-dir", RUN, "--cell"]
    done = subprocess.run([*command, "table2/simhand/mpjpe"], cwd=tiny_run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = [f"finetune/{FINETUNES[0]}/metrics.parquet", f"finetune/{FINETUNES[0]}/predictions.parquet"]
    results += [f"pretrain/{PRETRAIN}/encoder.safetensors", "pairs/all.parquet", "pca/all.npz"]
    for result in [*results, "sets/all.parquet"]:
        assert f"{result}: as certified\n" in done.stdout
    assert not re.search("CHANGED|MISSING", done.stdout)
    digest = hashlib.sha256((tiny_run / RUN / "videos/manifest.parquet").read_bytes()).hexdigest()
    assert f"from manifest: videos/manifest.parquet, SHA-256 {digest[:12]}" in done.stdout
    table = (tiny_run / RUN / "tables/table2.md").read_text()
    assert "rendered hands in the layout of FreiHAND" in table and "epochs 1 (120)" in table
    assert r"\bottomrule" in (tiny_run / RUN / "tables/table2.tex").read_text()


def test_report_and_provenance_are_there(tiny_run):
    report = (tiny_run / RUN / "report.html").read_text()
    assert "prove nothing" in report and "A tiny world for the tests." in report
    assert not re.search(r'(src|href)="https?://[^"]*\.(js|css|png|jpg)"', report)
    assert 'href="pairs_all.html"' in report and (tiny_run / RUN / "pairs_all.html").exists()
    found_with = json.loads((tiny_run / RUN / "pca/all.json").read_text())["found_with"]
    assert (found_with["crops"]["box_scale"], found_with["keypoints"]["estimator"]) == (1.3, "detector")
    facts = json.loads((tiny_run / RUN / "provenance.json").read_text())
    assert facts["config"]["run"] == "tiny" and facts["packages"]["torch"]


def test_a_second_run_has_nothing_to_do(tiny_run, snakemake, tiny):
    assert jobs_of_dry_run(snakemake, tiny_run, *tiny) == set()


def test_one_stage_again_is_that_stage_alone(tiny_run, snakemake, tiny):
    jobs = jobs_of_dry_run(snakemake, tiny_run, *tiny, "-R", "mine_pairs", "--until", "mine_pairs")
    assert jobs == {"mine_pairs"}


def test_another_dimension_runs_again_from_the_embedding_on(tiny_run, snakemake, tiny, tmp_path):
    (tmp_path / "d.yaml").write_text("pca: {dimensions: 10}\n")
    jobs = jobs_of_dry_run(snakemake, tiny_run, *tiny, str(tmp_path / "d.yaml"))
    assert {"fit_pca", "mine_pairs", "pretrain_encoder", "finetune_detnet"} <= jobs
    assert not {"sample_set", "estimate_keypoints", "crop_hands", "extract_frames", "render_labels"} & jobs


def test_another_learning_rate_runs_only_its_training_again(tiny_run, snakemake, tiny, tmp_path):
    (tmp_path / "rate.yaml").write_text("finetune: {learning_rate: 0.002}\n")
    jobs = jobs_of_dry_run(snakemake, tiny_run, *tiny, str(tmp_path / "rate.yaml"))
    assert "finetune_detnet" in jobs
    assert not {"pretrain_encoder", "mine_pairs", "render_labels"} & jobs


def test_adjacent_frames_and_several_positives_train(tiny_run, snakemake, tiny, tmp_path):
    """Each is only another row: TempCLR, and SiMHand with the positives of two ranks at once."""
    rows = [
        {"method": "tempclr", "set": "all", "weighting": "both", "dataset": "rendered"},
        {"method": "simhand", "set": "all", "weighting": "both", "top_k": "1+2", "dataset": "rendered"},
    ]
    (tmp_path / "rows.yaml").write_text(json.dumps({"experiments": {"table2": rows}}))
    done = snakemake(tiny_run, *tiny, str(tmp_path / "rows.yaml"), "--", "pretrain")
    assert done.returncode == 0, done.stdout[-5000:]
    pretrains = tiny_run / RUN / "pretrain"
    pairs = pd.read_parquet(tiny_run / RUN / "adjacent_pairs/all.parquet")
    for name, positives, anchors in (
        ("tempclr_all_both_random_seed0", "the same hand in an adjacent frame", len(pairs)),
        ("simhand_all_both_top1+2_random_seed0", "mined, rank 1+2", None),
    ):
        metrics = json.loads((pretrains / name / "metrics.json").read_text())
        assert anchors in (None, metrics["anchors"]) and math.isfinite(metrics["final_loss"])
        assert metrics["steps"] == metrics["anchors"] // 4 > 0
        assert f"| positives | {positives} |" in (pretrains / name / "README.md").read_text()


def test_every_job_left_a_log_and_its_cost(tiny_run):
    run = tiny_run / RUN
    assert (run / "logs/mine_pairs/all.log").read_text()
    cost = pd.read_csv(run / f"benchmarks/pretrain_encoder/{PRETRAIN}.tsv", sep="\t")
    assert cost["s"][0] > 0


def test_files_carry_their_version(tiny_run):
    metadata = pq.read_schema(tiny_run / RUN / "pairs/all.parquet").metadata
    assert metadata[b"simhand_table"] == b"pairs" and metadata[b"simhand_version"] == b"1"
