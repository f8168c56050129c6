"""The workflow inside somebody else's: its rules under another name, its files as inputs of their rules."""

SNAKEFILE = """
configfile: "{repository}/tests/tiny.yaml"

module simhand:
    snakefile: "{repository}/Snakefile"
    config: config

use rule * from simhand as simhand_*

onstart:
    simhand.onstart()

rule count_pairs:
    input: "results/tiny/pairs/all.parquet"
    output: "pairs.txt"
    shell: "wc -c {{input}} > {{output}}"
"""


def test_the_rules_serve_another_workflow(repository, snakemake, tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(repository=repository))
    own = ["--snakefile", "Snakefile", "--cores", "2"]
    planned = snakemake(tmp_path, *own, "--dry-run", "count_pairs")
    assert planned.returncode == 0, planned.stdout
    assert "simhand_mine_pairs" in planned.stdout and "rule count_pairs" in planned.stdout
    assert not (tmp_path / "results").exists()
    done = snakemake(tmp_path, *own, "results/tiny/world/labels")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "results/tiny/world/labels/training_K.json").exists()
    listed = (tmp_path / "results/tiny/videos.tsv").read_text().splitlines()
    assert len(listed) > 3, "what the index holds must not change when videos are added"
