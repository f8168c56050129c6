"""The DAG: it builds for every shipped config, and a stage can be asked for by name."""

import re

import pytest
import yaml

STAGES = [
    "frames",
    "crops",
    "keypoints",
    "pca",
    "pairs",
    "adjacent_pairs",
    "export",
    "pretrain",
    "finetune",
    "metrics",
    "tables",
    "figures",
    "report",
    "table2",
    "figure2",
    "figure8",
    "submissions",
]


def job_counts(output: str) -> dict[str, int]:
    table = output.split("Job stats:")[-1]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}


def test_the_default_config_builds_the_whole_dag(snakemake, tmp_path):
    done = snakemake(tmp_path, "--dry-run", "--cores", "2")
    assert done.returncode == 0, done.stdout
    counts = job_counts(done.stdout)
    assert counts["render_videos"] == counts["extract_frames"] == counts["estimate_keypoints"] >= 2
    assert (counts["pretrain_encoder"], counts["finetune_detnet"], counts["write_report"]) == (4, 5, 1)


def test_every_stage_is_a_target(snakemake, tmp_path):
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", *STAGES)
    assert done.returncode == 0, done.stdout
    assert set(STAGES) <= set(job_counts(done.stdout))


def test_many_videos_are_few_jobs(repository, snakemake, tmp_path):
    (tmp_path / "clips").mkdir()
    for number in range(300):
        (tmp_path / f"clips/{number:04d}.mp4").touch()
    own = ["--config", "run=own", "videos_dir=clips", "shard_size=128"]
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", "pairs", *own)
    assert done.returncode == 0, done.stdout
    assert job_counts(done.stdout)["extract_frames"] == 3, "300 videos in shards of 128"


def test_tempclr_trains_on_adjacent_frames_and_needs_no_mining(repository, snakemake, tmp_path):
    config = yaml.safe_load((repository / "config.yaml").read_text())
    config["experiments"] = {"table2": [{"method": "tempclr", "set": "all", "dataset": "rendered"}]}
    (tmp_path / "tempclr.yaml").write_text(yaml.safe_dump(config))
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", "pretrain", "--configfile", "tempclr.yaml")
    assert done.returncode == 0, done.stdout
    counts = job_counts(done.stdout)
    assert (counts["pair_adjacent_frames"], counts["pretrain_encoder"]) == (1, 1)
    assert not {"mine_pairs", "fit_pca"} & counts.keys()


def test_mining_with_torch_is_a_rule_of_its_own(repository, snakemake, tmp_path):
    """So only who asks for it installs torch to mine, and a cluster gives a GPU to that rule alone."""
    config = yaml.safe_load((repository / "config.yaml").read_text())
    config["pairs"] |= {"backend": "torch"}
    (tmp_path / "torch.yaml").write_text(yaml.safe_dump(config))
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", "pairs", "--configfile", "torch.yaml")
    assert done.returncode == 0, done.stdout
    counts = job_counts(done.stdout)
    assert counts["mine_pairs_torch"] == 1 and "mine_pairs" not in counts


def test_labels_are_rendered_in_every_layout_asked_for(repository, snakemake, tmp_path):
    config = yaml.safe_load((repository / "config.yaml").read_text())
    config["datasets"] |= {
        layout: {"kind": "rendered", "layout": layout} for layout in ("dexycb", "assemblyhands")
    }
    rows = [{"method": "none", "dataset": ["rendered", "dexycb", "assemblyhands"]}]
    config["experiments"] = {"table2": rows}
    (tmp_path / "layouts.yaml").write_text(yaml.safe_dump(config))
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", "table2", "--configfile", "layouts.yaml")
    assert done.returncode == 0, done.stdout
    counts = job_counts(done.stdout)
    assert (counts["render_labels"], counts["finetune_detnet"]) == (3, 3)


@pytest.mark.parametrize("kind", ["freihand", "dexycb", "assemblyhands"])
def test_a_data_set_that_is_not_there_is_said_plainly(repository, snakemake, tmp_path, kind):
    config = yaml.safe_load((repository / "config.yaml").read_text())
    config["datasets"] = {"mine": {"kind": kind, "root": "nowhere"}}
    config["experiments"] = {"table2": [{"method": "none", "dataset": "mine"}]}
    (tmp_path / "absent.yaml").write_text(yaml.safe_dump(config))
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", "table2", "--configfile", "absent.yaml")
    assert done.returncode != 0
    assert "datasets.mine.root: nowhere is not a folder, so it has no " in done.stdout


def test_mistakes_in_the_config_stop_before_the_dag(repository, snakemake, tmp_path):
    config = yaml.safe_load((repository / "config.yaml").read_text()) | {"shard_sise": 3, "preset": "our"}
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(config))
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", "--configfile", "wrong.yaml")
    assert done.returncode != 0
    assert "shard_sise: unknown key (did you mean 'shard_size'?)" in done.stdout
    assert "preset: " in done.stdout and "did you mean 'ours'?" in done.stdout
    assert "Traceback" not in done.stdout


def test_an_empty_video_folder_is_said_plainly(snakemake, tmp_path):
    (tmp_path / "empty").mkdir()
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", "--config", "run=own", "videos_dir=empty")
    assert done.returncode != 0
    assert "no video" in done.stdout and "empty" in done.stdout


def test_the_configuration_in_the_readme_can_be_used(repository, snakemake, tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", (repository / "README.md").read_text(), re.DOTALL)
    (text,) = [block for block in blocks if block.startswith("run: phones")]
    text = text.replace("~/clips", "clips").replace("/data/FreiHAND_pub_v2", "freihand")
    (tmp_path / "phones.yaml").write_text(text)
    for name in ("clips/one.mp4", "freihand/training_K.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    options = ["--dry-run", "--cores", "2", "--configfile", "phones.yaml"]
    done = snakemake(tmp_path, *options, "--", "pairs", "mine")
    assert done.returncode == 0, done.stdout
    counts = job_counts(done.stdout)
    assert (counts["mine_pairs"], counts["pretrain_encoder"], counts["finetune_detnet"]) == (1, 1, 2)


def test_pairs_of_no_set_are_not_done_in_silence(snakemake, tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips/one.mp4").touch()
    (tmp_path / "run.yaml").write_text("run: mine\nsources: {phone: {kind: folder, path: clips}}\n")
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", "--configfile", "run.yaml", "--", "pairs")
    assert done.returncode == 1
    assert "the configuration names no `sets`; add for example `sets: {all: {sources: all}}`" in done.stdout


def test_a_dry_run_writes_nothing(snakemake, tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips/a.mp4").touch()
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", "--config", "run=own", "videos_dir=clips")
    assert done.returncode == 0, done.stdout
    assert not (tmp_path / "results").exists()


def test_another_folder_needs_another_run(snakemake, tmp_path):
    for folder in ("clips", "others"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.mp4").touch()
    snakemake(tmp_path, "--cores", "1", "index", "--config", "run=own", "videos_dir=clips")
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", "--config", "run=own", "videos_dir=others")
    assert done.returncode != 0
    assert "start another run" in done.stdout


def test_new_videos_fill_new_shards(snakemake, tmp_path):
    videos = tmp_path / "clips"
    videos.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (videos / name).touch()
    own = ["--config", "run=own", "videos_dir=clips", "shard_size=2"]
    snakemake(tmp_path, "--cores", "1", "index", *own)
    before = (tmp_path / "results/own/videos.tsv").read_text()
    (videos / "Zoë's hand.mov").touch()
    done = snakemake(tmp_path, "--cores", "1", "index", *own)
    assert done.returncode == 0, done.stdout
    after = (tmp_path / "results/own/videos.tsv").read_text()
    assert after.startswith(before)
    assert after.removeprefix(before).split("\t") == [
        "Zoë's hand",
        "videos",
        "clips/Zoë's hand.mov",
        "0001\n",
    ]


def rule_names(rules):
    found = re.findall(r"^rule (\w+):|^ *use rule \w+ as (\w+) with:", rules, flags=re.MULTILINE)
    return {plain or derived for plain, derived in found}


def test_rules_scripts_and_environments_share_their_names(repository):
    rules = "\n".join(path.read_text() for path in (repository / "rules").glob("*.smk"))
    named = set(re.findall(r"\.\./envs/(\w+)\.yaml", rules))
    assert named == {path.stem for path in (repository / "envs").glob("*.yaml")}
    for name in named - {"index"}:
        assert name in rule_names(rules), name
        assert (repository / "workflow_scripts" / f"{name}.py").is_file(), name


def test_the_linter_is_content(snakemake, tmp_path):
    done = snakemake(tmp_path, "--lint")
    assert done.returncode == 0, done.stdout
