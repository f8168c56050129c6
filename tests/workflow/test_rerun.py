"""What runs again after a change, and what does not: each on a dry run over a finished tiny world."""

import os
import re
import runpy

import pytest
import yaml

from simhand.stage_code import stage_code

pytestmark = pytest.mark.xdist_group("tiny_run")


def planned(snakemake, folder, *arguments):
    """How many jobs of each rule a dry run plans, and the input files that made it plan those of a rule."""
    done = snakemake(folder, "--dry-run", "--quiet", "host", *arguments)
    assert done.returncode == 0, done.stdout
    if "Nothing to be done" in done.stdout:
        return {}, {}
    counts = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout.split("Job stats:")[1], re.MULTILINE))
    counts.pop("total")
    because: dict[str, str] = {}
    for rule, reason in re.findall(
        r"^(?:local)?rule (\w+):$.*?^    reason: (.*?)$", done.stdout, re.M | re.S
    ):
        because[rule] = because.get(rule, "") + reason
    return {rule: int(count) for rule, count in counts.items()}, because


@pytest.fixture
def library(tiny_run):
    """The library of the copied workflow; what a test changes in it is put back."""
    folder = tiny_run / "checkout/workflow_scripts"
    before = {path: (path.read_bytes(), path.stat()) for path in folder.rglob("*") if path.is_file()}
    yield folder
    for path, (content, stat) in before.items():
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("module", ["mining/tree.py", "evaluation/procrustes.py", "pretraining/nt_xent.py"])
def test_an_edited_module_runs_those_stages_again_that_import_it(
    repository, tiny_run, snakemake, tiny, library, module
):
    edited = library / "simhand" / module
    edited.write_text(edited.read_text() + "\n# another comment\n")
    _, because = planned(snakemake, tiny_run, *tiny)
    blamed = {rule for rule, reason in because.items() if module in reason}
    scripts = runpy.run_path(str(repository / "envs/pin_environments.py"))["rules_with_environments"]()
    import_it = {
        rule for rule, script in scripts.items() if any(module in str(p) for p in stage_code(script))
    }
    ran = {path.name.removesuffix(".log") for path in (tiny_run / "results/tiny/logs").iterdir()}
    assert blamed == import_it & ran
    assert blamed


def test_files_that_were_only_checked_out_again_run_nothing(tiny_run, snakemake, tiny, library):
    for path in library.rglob("*.py"):
        os.utime(path)
    assert planned(snakemake, tiny_run, *tiny) == ({}, {})


def test_two_swapped_values_are_noticed(tiny_run, snakemake, tiny, tmp_path):
    (tmp_path / "swapped.yaml").write_text("finetune: {delta_weight: 10.0, location_weight: 1.0}\n")
    counts, _ = planned(snakemake, tiny_run, *tiny, str(tmp_path / "swapped.yaml"))
    assert counts["finetune_detnet"] == 2
    assert not {"pretrain_encoder", "mine_pairs", "render_labels"} & counts.keys()


def test_another_learning_rate_of_pre_training_trains_again_and_mines_nothing(
    tiny_run, snakemake, tiny, tmp_path
):
    (tmp_path / "slow.yaml").write_text("pretrain: {learning_rate: 1.0e-5}\n")
    counts, _ = planned(snakemake, tiny_run, *tiny, str(tmp_path / "slow.yaml"))
    assert (counts["pretrain_encoder"], counts["finetune_detnet"]) == (1, 1)
    assert not {"mine_pairs", "sample_set", "extract_frames", "render_labels"} & counts.keys()


def test_new_videos_run_their_shards_and_what_depends_on_them(repository, tiny_run, snakemake, tmp_path):
    config = yaml.safe_load((repository / "tests/tiny.yaml").read_text())
    config["world"]["recordings"] += 1
    (tmp_path / "more.yaml").write_text(yaml.safe_dump(config))
    counts, _ = planned(snakemake, tiny_run, "--cores", "2", "--configfile", str(tmp_path / "more.yaml"))
    shards = len(list((tiny_run / "results/tiny/frames/rendered").glob("*.arrow")))
    assert shards > 1
    for rule in ("render_videos", "extract_frames", "crop_hands", "estimate_keypoints"):
        assert counts[rule] == 1, rule
    assert {"group_recordings", "sample_set", "mine_pairs", "pretrain_encoder"} <= counts.keys()
    assert "render_labels" not in counts
    assert counts["finetune_detnet"] == 1, "the one without pre-training has not changed"


def test_another_learning_rate_of_one_row_runs_that_experiment_alone(
    repository, tiny_run, snakemake, tmp_path
):
    config = yaml.safe_load((repository / "tests/tiny.yaml").read_text())
    config["experiments"]["table2"].append(
        {**config["experiments"]["table2"][1], "label": "slow", "pretrain": {"learning_rate": 1e-5}}
    )
    (tmp_path / "row.yaml").write_text(yaml.safe_dump(config))
    counts, _ = planned(snakemake, tiny_run, "--cores", "2", "--configfile", str(tmp_path / "row.yaml"))
    assert (counts["pretrain_encoder"], counts["finetune_detnet"]) == (1, 1)
    assert not {"mine_pairs", "sample_set", "extract_frames", "render_labels"} & counts.keys()
