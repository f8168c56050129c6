"""A run over every kind of source on disk."""

import re

import pytest
import yaml

UID = "0b0c7c26-8f38-4a22-8a9e-b99e4ae334fc"
YOUTUBE = "-_z7k80JfRq"
SOURCES = {
    "own": {"kind": "folder", "path": "clips"},
    "ego4d": {"kind": "ego4d", "path": "ego4d"},
    "100doh": {"kind": "100doh", "path": "100DOH"},
    "frames": {"kind": "frames", "path": "frames", "video_list": "rates.txt"},
}


@pytest.fixture
def disk(repository, tmp_path):
    """A folder with a little of every kind, and `own.yaml`, which names it all."""
    for path in (
        "clips/Zoë's hand.mp4",
        f"ego4d/v1/full_scale/{UID}.mp4",
        f"100DOH/videos/{YOUTUBE}.mp4",
        f"frames/{UID}/frame_000000.jpg",
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    (tmp_path / "ego4d/v1/full_scale/manifest.csv").write_text(
        f"video_uid,s3_path\n{UID},s3://a/b\ngone,s3://a/c\n"
    )
    (tmp_path / "rates.txt").write_text(f"{UID} diy x 1280x720 25/1\n")
    config = yaml.safe_load((repository / "tests/tiny.yaml").read_text()) | {"run": "own", "sources": SOURCES}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return tmp_path


def test_every_kind_is_planned_and_nothing_is_written(snakemake, disk):
    options = ["--cores", "2", "--configfile", "own.yaml"]
    done = snakemake(disk, "--dry-run", *options)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^extract_frames +4$", done.stdout, flags=re.MULTILINE)
    assert "1 of 2 videos that ego4d/v1/full_scale/manifest.csv names are not on disk: gone" in done.stdout
    assert not (disk / "results").exists()


def test_frames_know_their_source_and_others_do_not(snakemake, disk):
    options = ["--cores", "2", "--configfile", "own.yaml"]
    assert snakemake(disk, "index", *options).returncode == 0
    assert (disk / "results/own/videos.tsv").read_text().splitlines()[1:] == [
        "Zoë's hand\town\tclips/Zoë's hand.mp4\t0000",
        f"{UID}\tego4d\tego4d/v1/full_scale/{UID}.mp4\t0000",
        f"{YOUTUBE}\t100doh\t100DOH/videos/{YOUTUBE}.mp4\t0000",
        f"frames/{UID}\tframes\tframes/{UID}\t0000",
    ]
    (disk / "ego4d/v1/full_scale/manifest.csv").write_text("broken")
    told = snakemake(disk, "--dry-run", "frames", *options, "--printshellcmds", "--quiet", "reason").stdout
    given = re.findall(r"--source (\S+) --source-settings (.*?) --shard", told)
    assert {name: text for name, text in given} == {
        "own": "null",
        "ego4d": "null",
        "100doh": "null",
        "frames": """'{"kind":"frames","path":"frames","fps":30.0,"video_list":"rates.txt"}'""",
    }, "what is indexed is not listed again"
