"""Certificates: what they hold, that they are checked against the files, and what `make why` says."""

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from certified_run import SEEDS, START, experiment

from make_tables import make_tables
from simhand.certificates.certificate import (
    ProvenanceRecord,
    certificate_path,
    digest_of_files,
    read_certificate,
)
from simhand.certificates.chain import AS_CERTIFIED, CHANGED, MISSING, Checked, chain
from simhand.errors import ConfigError, DataError
from simhand.files.tables import read_table, write_table
from simhand.report.cells import cells_of
from simhand.report.definitions import TABLES
from simhand.report.differences import Difference, differences, in_words, shared_and_own
from simhand.report.why import explain
from simhand.settings.finetune import FinetuneSettings
from simhand.settings.pca import PcaSettings
from simhand.settings.pretrain import PretrainSettings
from simhand.settings.tables import TablesSettings

SETTINGS = TablesSettings(compare_with={"mine": "ego-50k"}, layouts={"toy": "freihand"})


def metrics_of(run, seed=0):
    return run / "finetune" / experiment(seed) / "metrics.parquet"


def make_table(repository, run, metrics=None, settings=SETTINGS):
    reported = repository / "workflow_scripts/simhand/report/reported/table2.csv"
    make_tables(
        argparse.Namespace(
            settings=settings.model_dump_json(),
            table="table2",
            metrics=metrics or [metrics_of(run, seed) for seed in SEEDS],
            reported=reported,
            out_dir=run / "tables",
        )
    )


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_certificate_tells_what_was_made_from_what_by_what_and_where(run):
    found = read_certificate(run / "sets/mine.parquet")
    assert found["made"] == {"mine.parquet": sha256(run / "sets/mine.parquet")}
    manifest = {"paths": ["../videos/manifest.parquet"], "sha256": sha256(run / "videos/manifest.parquet")}
    assert found["inputs"]["manifest"] == manifest
    assert found["inputs"]["keypoints"]["paths"] == [f"../keypoints/a/000{n}.parquet" for n in (0, 1)]
    assert (found["seed"], found["facts"], found["stage"]) == (7, {"hands": 90}, "mine_pairs")
    assert found["command"].endswith("mine_pairs.py --threads 2") and found["command"].startswith("python ")
    assert len(found["git_commit"]) == 40 and isinstance(found["git_changes"], list)
    assert found["wall_s"] > 0 and found["cores"] >= 1 and found["packages"]["pyarrow"]
    assert len(found["code"]) == len(found["fingerprint"]) == 32


def test_the_fingerprint_follows_recipe_and_inputs_and_nothing_else(run):
    first = read_certificate(run / "pairs/mine.parquet")["fingerprint"]

    def again(recipe):
        inputs = {"set": run / "sets/mine.parquet", "pca": run / "pca/mine.npz"}
        ProvenanceRecord.begin(inputs).certify(
            [run / "pairs/mine.parquet"], recipe=recipe, facts={"pairs": 3}
        )
        return read_certificate(run / "pairs/mine.parquet")["fingerprint"]

    assert again({"settings": {}}) == first
    assert again({"settings": {"a": 1}}) != first
    (run / "pca/mine.npz").write_text("another")
    assert again({"settings": {}}) != first


def test_an_input_replaced_while_a_stage_runs_is_not_certified_as_used(run):
    pca, pairs = run / "pca/mine.npz", run / "pairs/mine.parquet"
    used = sha256(pca)
    record = ProvenanceRecord.begin({"pca": pca})
    pca.write_text("another")
    record.certify([pairs], recipe={"settings": {}})
    assert read_certificate(pairs)["inputs"]["pca"]["sha256"] == used != sha256(pca)
    assert Checked().broken_inputs(chain(pairs)) == [f"pca {pca}: {CHANGED} this was made from it"]


def test_several_files_and_folders_are_told_by_names_and_content(tmp_path):
    for name, text in (("a", "1"), ("b", "2")):
        (tmp_path / name).write_text(text)
    both = [tmp_path / "a", tmp_path / "b"]
    before, folder = digest_of_files(both), digest_of_files([tmp_path])
    (tmp_path / "a").write_text("2")
    (tmp_path / "b").write_text("1")
    assert digest_of_files(both) != before and digest_of_files([tmp_path]) != folder
    with pytest.raises(DataError, match="nowhere does not exist"):
        digest_of_files([tmp_path / "nowhere"])


def test_the_chain_leads_from_a_metric_to_the_videos(run):
    link = chain(metrics_of(run))
    results = [str(found.result.relative_to(run)) for found in link.each()]
    assert results == [
        f"finetune/{experiment(0)}/metrics.parquet",
        f"finetune/{experiment(0)}/predictions.parquet",
        f"pretrain/{START}_seed0/encoder.safetensors",
        "sets/mine.parquet",
        "pairs/mine.parquet",
        "pca/mine.npz",
    ]
    assert [role for role, _, _ in link.find("set").leaves] == ["keypoints", "manifest"]
    assert chain(run / "videos/manifest.parquet").certificate is None


def test_a_run_can_be_moved(run):
    moved = run.rename("moved")
    link = chain(metrics_of(moved))
    assert {Checked().state_of(found) for found in link.each()} == {AS_CERTIFIED}


def test_files_are_compared_with_their_certificates(run):
    encoder = run / "pretrain" / f"{START}_seed0/encoder.safetensors"
    encoder.write_text("another")
    link = chain(metrics_of(run))
    checked = Checked()
    assert checked.state_of(link.find("encoder")) == CHANGED
    assert checked.state_of(link.find("predictions")) == AS_CERTIFIED
    assert checked.broken_inputs(link.find("predictions")) == [
        f"encoder {encoder}: {CHANGED} this was made from it"
    ]
    (run / "keypoints/a/0001.parquet").unlink()
    assert Checked().broken_inputs(link.find("set")) == [
        f"keypoints (2 files, {run}/keypoints/a/0000.parquet ...): {MISSING} this was made from it"
    ]
    encoder.unlink()
    assert Checked().state_of(link.find("encoder")) == MISSING


@pytest.mark.parametrize("text", ["{", "[]", '{"certificate": 0}'])
def test_a_damaged_certificate_is_an_error(run, text):
    certificate_path(run / "pca/mine.npz").write_text(text)
    with pytest.raises(DataError, match=r"mine\.certificate\.json is (not JSON|no certificate)"):
        chain(metrics_of(run))


def test_what_differs_from_the_paper_is_told_by_what_was_computed(run):
    found = differences(chain(metrics_of(run)), TABLES["table2"], SETTINGS)
    assert in_words(found) == (
        "labels: rendered hands in the layout of FreiHAND, not FreiHAND itself, 100 % of the labels (10 %); "
        "pre-training set: mine has 90 hands (50,000), though 100 were asked for; "
        "pose embedding: dimensions 10 (14); "
        "pre-training: epochs 10 (100), switches of preset ours; "
        "fine-tuning: switches of preset ours"
    )


def test_a_pose_embedding_that_is_fit_to_a_sample_is_told(run):
    settings = PcaSettings(sample_size=50)
    ProvenanceRecord.begin({}).certify([run / "pca/mine.npz"], recipe={"settings": settings.model_dump()})
    found = differences(chain(metrics_of(run)), TABLES["table2"], SETTINGS)
    assert Difference("pose embedding", "sample_size 50 (none)") in found


@pytest.mark.parametrize("model, role", [(PretrainSettings, "encoder"), (FinetuneSettings, "predictions")])
def test_settings_without_effect_are_no_difference(tmp_path, model, role):
    def told(changed):
        recipe = {"settings": model().model_dump() | dict.fromkeys(changed, "another")}
        ProvenanceRecord.begin({}).certify([tmp_path / role], recipe=recipe)
        return in_words(differences(chain(tmp_path / role, role), TABLES["table2"], SETTINGS))

    (tmp_path / role).touch()
    assert told(model.without_effect) == told([]) != told(["epochs"])


@pytest.mark.parametrize("frames", ["labelled", "mostly_visible"])
def test_the_paper_measures_the_frames_of_dexycb_with_most_of_the_hand(run, frames):
    predictions = run / "finetune" / experiment(0) / "predictions.parquet"
    recipe = {"model": {"name": "theirs"}, "dataset": {"kind": "dexycb", "frames": frames}}
    ProvenanceRecord.begin({}).certify([predictions], recipe=recipe)
    found = in_words(differences(chain(metrics_of(run)), TABLES["table7"], SETTINGS))
    assert ("labels: every labelled frame of DexYCB" in found) == (frames == "labelled")


def test_of_predictions_made_elsewhere_only_the_data_are_known_to_differ(run):
    predictions = run / "finetune" / experiment(0) / "predictions.parquet"
    recipe = {"model": {"name": "theirs"}, "dataset": {"kind": "rendered", "layout": "dexycb"}}
    ProvenanceRecord.begin({"file": run / "videos/manifest.parquet"}).certify([predictions], recipe=recipe)
    found = differences(chain(metrics_of(run)), TABLES["table7"], SETTINGS)
    assert in_words(found) == "labels: rendered hands in the layout of DexYCB, not DexYCB itself"


def test_what_all_rows_with_a_topic_share_is_said_once():
    def row(**topics):
        return [Difference(topic, text) for topic, text in topics.items()]

    rows = [row(labels="rendered"), row(labels="rendered", encoder="a"), row(labels="rendered", encoder="b")]
    shared, own = shared_and_own(rows)
    assert shared == row(labels="rendered") and own == [[], row(encoder="a"), row(encoder="b")]
    shared, own = shared_and_own([rows[0], rows[1], rows[1]])
    assert shared == row(labels="rendered", encoder="a") and own == [[], [], []]


def test_the_table_shows_certificates_and_differences(repository, run):
    make_table(repository, run)
    html, markdown = ((run / f"tables/table2.{suffix}").read_text() for suffix in ("html", "md"))
    fingerprint = read_certificate(metrics_of(run, 1))["fingerprint"][:12]
    assert html.count("<details>") == 2 and fingerprint in html
    assert "1 h 01 min of training, over all attempts" in html
    assert "Otherwise than in the paper (its value in brackets): labels: rendered hands" in markdown


def test_why_tells_a_cell_by_all_its_seeds(repository, run):
    make_table(repository, run)
    text = explain(run, "table2/simhand/mine/mpjpe")
    assert text.startswith(
        "table2/simhand/mine/mpjpe = 20.50 mm, mean of 2 seeds, standard deviation 0.71\nprotocol simhand\n"
    )
    for seed in SEEDS:
        assert f"simhand mpjpe {20 + seed}.00 mm, confidence interval" in text
        assert f"pretrain/{START}_seed{seed}/encoder.safetensors: as certified" in text
    for result in ("sets/mine.parquet", "pairs/mine.parquet", "pca/mine.npz"):
        assert text.count(f"{result}: as certified") == text.count(f"{result}: as above") == 1
    manifest = sha256(run / "videos/manifest.parquet")[:12]
    assert f"from manifest: videos/manifest.parquet, SHA-256 {manifest}" in text
    assert "from keypoints: 2 files, SHA-256" in text and "labels abc" in text
    commit = read_certificate(run / "pca/mine.npz")["git_commit"][:10]
    assert f"commit {commit}" in text and "mine_pairs.py --threads 2" in text
    assert "pck_auc" not in text
    assert len(text.splitlines()) < 80


def test_why_says_when_a_file_is_not_the_certified_one(repository, run):
    make_table(repository, run)
    (run / "sets/mine.parquet").write_text("another set")
    text = explain(run, "table2/simhand/mpjpe")
    assert "sets/mine.parquet: CHANGED SINCE" in text
    assert "the file at hand is not the one that this tells of; run its stage again" in text
    assert f"set {run}/sets/mine.parquet: CHANGED SINCE this was made from it" in text


def test_why_takes_an_experiment_and_a_file(run):
    text = explain(run, "pairs/mine.parquet")
    assert "pairs/mine.parquet: as certified" in text and "sets/mine.parquet: as certified" in text
    write_metrics(run)
    text = explain(run, experiment(1))
    assert "simhand mpjpe 21.00 mm" in text and "simhand pck_auc 60.00 %" in text
    assert "pck_auc" not in explain(run, f"{experiment(1)}/simhand/mpjpe")
    with pytest.raises(DataError, match="has no metric mpjpe of protocol nonsense"):
        explain(run, f"{experiment(1)}/nonsense/mpjpe")


def write_metrics(run: Path) -> None:
    """Only its first seed is looked for by name; `collect_metrics` is tested elsewhere."""
    (run / "metrics.parquet").write_bytes(metrics_of(run, 1).read_bytes())


def test_an_unknown_cell_lists_what_there_is(repository, run):
    make_table(repository, run)
    write_metrics(run)
    with pytest.raises(ConfigError) as caught:
        explain(run, "table2/peclr/mpjpe")
    assert "no number is called 'table2/peclr/mpjpe'" in str(caught.value)
    assert "  table2/simhand/mine/mpjpe\n" in str(caught.value) and f"  {experiment(1)}/" in str(caught.value)
    with pytest.raises(ConfigError, match=r"may be any of\n  table2/simhand/mine/mpjpe\n  table2/.*pck_auc"):
        explain(run, "table2/simhand")


def test_every_cell_is_found_by_its_name(repository, run):
    make_table(repository, run)
    cells = cells_of(run)
    assert len(cells) == 2
    for cell in cells:
        assert explain(run, cell.name).startswith(f"{cell.name} = {cell.text}")


def with_another_row(run, old, new, **columns):
    """The metrics of two experiments: that of a seed, and a copy of another name and other columns."""
    rows = read_table(metrics_of(run), "metrics").to_pylist()
    name = experiment(0).replace(old, new)
    copy = run / "finetune" / name / "metrics.parquet"
    write_table(copy, "metrics", [row | columns | {"experiment": name} for row in rows])
    return [metrics_of(run), copy]


@pytest.mark.parametrize(
    ("init", "name"),
    [
        ("weights/foo.pt", "table2/simhand/mine/weights/foo.pt/mpjpe"),
        ("/data/foo.pt", "table2/simhand/mine//data/foo.pt/mpjpe"),
    ],
)
def test_a_cell_of_a_weights_file_is_found_by_its_name(repository, run, init, name):
    make_table(repository, run, with_another_row(run, "_random_", "_foo_", init=init))
    assert name in [cell.name for cell in cells_of(run)]
    assert explain(run, name).startswith(f"{name} = ")
    assert explain(run, "foo.pt/mpjpe").startswith(f"{name} = ")


@pytest.mark.parametrize("encoders", [{}, {START + "_seed0__toy_100pct": "resnet50"}])
def test_rows_that_differ_in_their_label_or_encoder_have_names_of_their_own(repository, run, encoders):
    metrics = with_another_row(run, "100pct", "100pct_long")
    settings = SETTINGS.model_copy(update={"encoders": encoders})
    make_table(repository, run, metrics, settings)
    found = {cell.name: cell.experiments for cell in cells_of(run) if cell.metric == "mpjpe"}
    assert found == {
        f"table2/simhand/mine/{START}__toy_100pct/mpjpe": (experiment(0),),
        f"table2/simhand/mine/{START}__toy_100pct_long/mpjpe": (f"{experiment(0)}_long",),
    }
    for name in found:
        assert explain(run, name).startswith(f"{name} = ")


def test_a_table_older_than_its_metrics_is_told(repository, run):
    make_table(repository, run)
    assert "older than its metrics" not in explain(run, "table2/simhand/mpjpe")
    rows = read_table(metrics_of(run), "metrics").to_pylist()
    changed = [row | {"value": row["value"] + (row["metric"] == "mpjpe")} for row in rows]
    write_table(metrics_of(run), "metrics", changed)
    said = "the table is older than its metrics, of which the mean is 21.00 now: make it again with"
    text = explain(run, "table2/simhand/mpjpe")
    assert "mpjpe = 20.50 mm" in text and f"{said} `snakemake table2`" in text
    assert "older than its metrics" not in explain(run, "table2/simhand/pck_auc")
    make_table(repository, run)
    assert "older than its metrics" not in explain(run, "table2/simhand/mpjpe")


def test_a_table_with_an_older_interval_is_told(repository, run):
    """The mean may be the same where the confidence interval is not."""
    make_table(repository, run, [metrics_of(run)])
    rows = read_table(metrics_of(run), "metrics").to_pylist()
    write_table(metrics_of(run), "metrics", [row | {"high": row["high"] + 1} for row in rows])
    assert "the table is older than its metrics" in explain(run, "table2/simhand/mpjpe")


def test_a_table_of_another_configuration_is_told(repository, run):
    make_table(repository, run)
    old = run / "tables/old.csv"
    old.write_bytes((run / "tables/table2.csv").read_bytes())
    with pytest.raises(ConfigError, match="may be any of\n  old/simhand/mine/mpjpe\n"):
        explain(run, "simhand/mpjpe")
    config = {"experiments": {"table2": [], "figure4": []}}
    (run / "provenance.json").write_text(json.dumps({"config": config}))
    text = explain(run, "simhand/mpjpe")
    assert text.startswith("table2/simhand/mine/mpjpe = ") and "another one made it" not in text
    said = "old is no table of the configuration in provenance.json: another one made it"
    assert said in explain(run, "old/simhand/mine/mpjpe") and said in explain(run, "old/mpjpe")
    assert "  old/simhand/mine/mpjpe (of another configuration)\n" in explain(run, "")
    assert "  table2/simhand/mine/mpjpe\n" in explain(run, "")
    (run / "provenance.json").write_text("[]")
    with pytest.raises(DataError, match=r"provenance\.json is not what record_provenance writes"):
        explain(run, "simhand/mpjpe")


def test_without_a_cell_all_are_listed(repository, run):
    make_table(repository, run)
    write_metrics(run)
    assert explain(run, "") == (
        "Cells of its tables:\n  table2/simhand/mine/mpjpe\n  table2/simhand/mine/pck_auc\n"
        f"Experiments:\n  {experiment(1)}/<protocol>/<metric>"
    )
    with pytest.raises(ConfigError, match="nowhere is no folder"):
        explain(Path("nowhere"), "")


def test_the_command_prints_it_and_fails_plainly(repository, run):
    make_table(repository, run)
    command = [sys.executable, repository / "workflow_scripts/explain_number.py", "--run-dir", run, "--cell"]
    done = subprocess.run([*command, "table2/simhand/mpjpe"], capture_output=True, text=True)
    assert done.returncode == 0 and "as certified" in done.stdout
    done = subprocess.run([*command, ""], capture_output=True, text=True)
    assert done.returncode == 0 and "  table2/simhand/mine/mpjpe\n" in done.stdout
    done = subprocess.run([*command, "nothing"], capture_output=True, text=True)
    assert done.returncode == 2 and "no number is called 'nothing'" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(certificate_path(metrics_of(run)).read_text())["certificate"] == 1
