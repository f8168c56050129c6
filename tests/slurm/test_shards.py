"""A stage in shards: what SLURM is asked for, and a shard that fails alone is done again alone."""

import re
import subprocess

import imageio_ffmpeg
import pytest
from submitted import attempts

pytestmark = [pytest.mark.slurm, pytest.mark.long, pytest.mark.xdist_group("slurm")]

CONFIG = {
    "run": "own",
    "shard_size": 3,
    "sources": {"own": {"kind": "folder", "path": "videos"}},
    "frames": {"keep": True},
    "sets": {"all": {"sources": "all"}},
    "datasets": {"rendered": {"kind": "rendered"}},
    "experiments": {"table2": [{"method": "none", "dataset": "rendered"}]},
}
SHARDS = [f"results/own/frames/own/{number:04d}.arrow" for number in range(3)]


def encode(path):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-f", "lavfi"]
    source = "testsrc=size=64x48:rate=5:duration=2"
    subprocess.run([*command, "-i", source, "-pix_fmt", "yuv420p", str(path)], check=True)


def planned(driver):
    """The jobs that a dry run names, by rule."""
    table = driver.succeed().split("Job stats:")[-1]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}


def test_a_shard_of_broken_videos_fails_alone(cluster, workplace):
    work = workplace(CONFIG)
    videos = [work.folder / "videos" / f"{name}.mp4" for name in "abcdefghi"]
    videos[0].parent.mkdir()
    encode(videos[0])
    for number, video in enumerate(videos):
        video.write_bytes(b"no video" if 3 <= number < 6 else videos[0].read_bytes())
    options = ["--set-threads", "extract_frames=2", "--", *SHARDS]

    driver = work.start("--retries", "1", *options)
    said = driver.fail()
    assert "3 of 3 videos" in said, "the log of what failed is shown"
    rows = attempts(cluster, driver)
    assert sorted(row["State"] for row in rows) == ["COMPLETED"] * 2 + ["FAILED"] * 2
    assert [(work.folder / shard).exists() for shard in SHARDS] == [True, False, True]
    assert {row["Partition"] for row in rows} == {"cpu"}
    assert not any("gres" in row["ReqTRES"] for row in rows)
    # twice the time and memory for the second attempt at the shard that failed
    asked = [(row["Timelimit"], re.findall(r"cpu=2|mem=\w+", row["ReqTRES"])) for row in rows]
    assert len(set(map(str, asked[:3]))) == 1 and asked[3] != asked[0]

    for video in videos:
        video.write_bytes(videos[0].read_bytes())
    driver = work.start(*options)
    driver.succeed()
    assert len(attempts(cluster, driver)) == 1
    assert all((work.folder / shard).exists() for shard in SHARDS)
    assert planned(work.start("--dry-run", *options)) == {}
    again = work.start("--dry-run", "--forcerun", "extract_frames", "--until", "extract_frames", *options)
    assert planned(again) == {"extract_frames": 3, "total": 3}
