"""The workflow inside somebody else's: its rules beside theirs, its files as inputs of their rules."""

import re

import pytest
import yaml

OWN = """
configfile: "own.yaml"

module simhand:
    snakefile: "{repository}/Snakefile"
    config: config["simhand"]

use rule * from simhand {names}

onstart:
    simhand.onstart()

rule count_pairs:
    input: "results/tiny/pairs/all.parquet"
    output: "pairs.txt"
    shell: "wc -c {{input}} > {{output}}"
"""
PLAIN = "exclude all"
PREFIXED = "as simhand_*"


@pytest.fixture
def own_workflow(repository, tmp_path):
    """Writes a workflow with a key of its own that takes the rules by these names; returns its options."""

    def write(names):
        config = yaml.safe_load((repository / "tests/tiny.yaml").read_text())
        (tmp_path / "own.yaml").write_text(yaml.safe_dump({"cameras": 3, "simhand": config}))
        (tmp_path / "Snakefile").write_text(OWN.format(repository=repository, names=names))
        return ["--snakefile", "Snakefile", "--cores", "2"]

    return write


@pytest.mark.parametrize(("names", "rule"), [(PLAIN, "mine_pairs"), (PREFIXED, "simhand_mine_pairs")])
def test_the_rules_serve_another_workflow(snakemake, tmp_path, own_workflow, names, rule):
    planned = snakemake(tmp_path, *own_workflow(names), "--dry-run", "count_pairs")
    assert planned.returncode == 0, planned.stdout
    assert f"rule {rule}:" in planned.stdout and "rule count_pairs:" in planned.stdout
    assert "localrules" not in planned.stdout
    assert not (tmp_path / "results").exists()


def test_a_job_runs_and_the_index_is_kept(snakemake, tmp_path, own_workflow):
    done = snakemake(tmp_path, *own_workflow(PLAIN), "results/tiny/world/labels")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "results/tiny/world/labels/training_K.json").exists()
    listed = (tmp_path / "results/tiny/videos.tsv").read_text().splitlines()
    assert len(listed) > 3, "what the index holds must not change when videos are added"


def test_the_profile_holds_for_rules_by_their_own_names(snakemake, repository, tmp_path, own_workflow):
    asked = ["--profile", str(repository / "slurm"), "--dry-run", "finetune"]
    planned = snakemake(tmp_path, *own_workflow(PLAIN), *asked)
    assert planned.returncode == 0, planned.stdout
    (job,) = re.findall(r"rule finetune_detnet:.*?resources: ([^\n]*)", planned.stdout, flags=re.DOTALL)[:1]
    assert "gpu=1" in job and "slurm_partition=gpu" in job
