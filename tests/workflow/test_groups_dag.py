"""What grouping the recordings waits for."""

import re

import pytest
import yaml

GROUPS = "results/grouped/videos/groups.parquet"


@pytest.fixture
def disk(repository, tmp_path):
    """Three clips and an Ego4D of one video with its metadata."""
    for path in ("clips/a.mp4", "clips/b.mp4", "clips/c.mp4", "ego 4d/v1/full_scale/uid.mp4"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "ego 4d/ego4d.json").write_text('{"videos": [{"video_uid": "uid"}]}')
    sources = {"own": {"kind": "folder", "path": "clips"}, "ego": {"kind": "ego4d", "path": "ego 4d"}}
    config = yaml.safe_load((repository / "tests/tiny.yaml").read_text())
    config |= {"run": "grouped", "sources": sources}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return tmp_path


def planned(snakemake, disk, *options):
    """The jobs of a dry run, and the command of the grouping."""
    arguments = ["--dry-run", GROUPS, "--cores", "2", "--configfile", "own.yaml"]
    arguments += ["--printshellcmds", "--quiet", "reason"]
    done = snakemake(disk, *arguments, *options)
    assert done.returncode == 0, done.stdout
    jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)}
    (command,) = re.findall(r"^Shell command: python \S*group_recordings.py.*$", done.stdout, re.MULTILINE)
    return jobs, command


def test_near_duplicates_are_looked_for_in_the_hashes_of_all_shards(snakemake, disk):
    jobs, command = planned(snakemake, disk)
    assert jobs == {"extract_frames": 3, "group_recordings": 1, "total": 4}
    hashes = "results/grouped/frames/{}.hashes.parquet"
    listed = " ".join(hashes.format(shard) for shard in ("ego/0000", "own/0000", "own/0001"))
    assert f"--hashes {listed} --near-duplicates results/grouped/videos/near_duplicates.parquet" in command
    assert "'--ego4d=ego=ego 4d/ego4d.json'" in command


def test_without_them_grouping_waits_for_no_frame(snakemake, disk):
    (disk / "ego 4d/ego4d.json").unlink()
    jobs, command = planned(snakemake, disk, "--config", "groups={near_duplicates: false}")
    assert jobs == {"group_recordings": 1, "total": 1}
    assert "--hashes  --near-duplicates" in command
    assert "--ego4d" not in command
