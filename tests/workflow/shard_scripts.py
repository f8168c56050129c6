"""The scripts of the stages that work video by video, run on one shard as their rules do, and disturbed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from simhand.settings.world import WorldSettings
from simhand.videos.index_table import IndexedVideo, write_index
from simhand.world.catalogue import video_ids
from simhand.world.videos import render_video

SCRIPTS = Path(__file__).parents[2] / "workflow_scripts"
STAGES = {"frames": "extract_frames.py", "crops": "crop_hands.py", "keypoints": "estimate_keypoints.py"}
OUTPUTS = {
    "frames": ["0000.arrow", "0000.hashes.parquet", "0000.status.parquet"],
    "crops": ["0000.arrow", "0000.status.parquet"],
    "keypoints": ["0000.parquet", "0000.status.parquet"],
}

# Python runs this module in every process that finds it on its path. What is opened or decoded is noted;
# names and numbers from the environment make a decoder crash or hang as broken files make it.
HOOKS = """
import os

if "HOOKS" in os.environ:
    import time

    import av
    import cv2

    open_video, decode_image = av.open, cv2.imdecode
    images = 0

    def note(line):
        with open(os.environ["HOOKS"], "a") as file:
            file.write(line + "\\n")

    def open_or_break(file, *arguments, **options):
        name = os.path.basename(str(file))
        note(name)
        if "crashes" in name:
            os.kill(os.getpid(), 11)
        if "hangs" in name and "HANG" in os.environ:
            time.sleep(3600)
        return open_video(file, *arguments, **options)

    def decode_or_hang(*arguments):
        global images
        images += 1
        note("image")
        if images == int(os.environ.get("HANG_AT_IMAGE", 0)):
            time.sleep(3600)
        return decode_image(*arguments)

    av.open, cv2.imdecode = open_or_break, decode_or_hang
"""


@dataclass(frozen=True)
class Shard:
    """A shard of videos whose files go to a folder of its own."""

    folder: Path
    videos: list[IndexedVideo]
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, stage: str, threads: int = 1, **settings: Any) -> list[str]:
        """The command line of a stage."""
        place = {name: self.folder / name / "own" for name in STAGES}
        index = self.folder / "videos.tsv"
        if not index.exists():
            write_index(index, self.videos)
        files = {
            "frames": {"index": index, "source": "own", "shard": "0000"}
            | {"frames": place["frames"] / "0000.arrow", "hashes": place["frames"] / "0000.hashes.parquet"},
            "crops": {"frames": place["frames"] / "0000.arrow"}
            | {"frames-status": place["frames"] / "0000.status.parquet"}
            | {"crops": place["crops"] / "0000.arrow"},
            "keypoints": {"crops": place["crops"] / "0000.arrow"}
            | {"crops-status": place["crops"] / "0000.status.parquet"}
            | {"keypoints": place["keypoints"] / "0000.parquet"},
        }[stage]
        files |= {"status": place[stage] / "0000.status.parquet", "log": self.folder / f"{stage}.log"}
        options = [text for name, value in files.items() for text in (f"--{name}", str(value))]
        others = ["--settings", json.dumps(settings), "--threads", str(threads)]
        return [sys.executable, str(SCRIPTS / STAGES[stage]), *options, *others]

    def run(self, stage: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a stage to its end, good or bad."""
        environment = os.environ | self.environment
        return subprocess.run(self.command(stage, **options), capture_output=True, text=True, env=environment)

    def start(self, stage: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a stage as the head of a process group."""
        environment = os.environ | self.environment
        return subprocess.Popen(
            self.command(stage, **options), stderr=subprocess.DEVNULL, env=environment, start_new_session=True
        )

    def parts(self, stage: str) -> list[Path]:
        """The finished videos of a stage that is not complete."""
        return [path for path in self.folder.glob(f"{stage}/own/.0000.parts/*") if path.name[0] not in ".l"]

    def kill_after_parts(self, stage: str, count: int, **options: Any) -> None:
        """Start a stage and kill its first process as soon as it has so many parts."""
        process = self.start(stage, **options)
        wait_for(lambda: len(self.parts(stage)) >= count, process)
        process.kill()
        process.wait()

    def outputs(self, *stages: str) -> dict[str, bytes]:
        """The bytes of the files that stages have written; none is missing, none is too many."""
        found = {}
        for stage in stages:
            folder = self.folder / stage / "own"
            assert sorted(os.listdir(folder)) == OUTPUTS[stage], stage
            found |= {f"{stage}/{name}": (folder / name).read_bytes() for name in OUTPUTS[stage]}
        return found

    def remove_outputs(self, stage: str) -> None:
        """As Snakemake does before it starts a job and after one failed."""
        for name in OUTPUTS[stage]:
            (self.folder / stage / "own" / name).unlink(missing_ok=True)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Until ``condition`` holds; fails if ``process`` ends before, or nothing happens any more."""
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline, "it hangs"
        time.sleep(0.01)


def kill_group(process: subprocess.Popen[Any]) -> None:
    """Kill a process and all that it has started in its group, and wait for it."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def hooks(folder: Path) -> tuple[dict[str, str], Path]:
    """The environment in which Python runs :data:`HOOKS`, and the file in which they note what they see."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOOKS)
    notes = folder / "notes"
    return {"PYTHONPATH": str(folder), "HOOKS": str(notes)}, notes


def in_one_shard(paths: Iterable[Path]) -> list[IndexedVideo]:
    """Rows of the index for files."""
    return [IndexedVideo(path.stem, "own", str(path), "0000") for path in paths]


def encode(path: Path, picture: str = "testsrc", seconds: float = 2, *options: str) -> Path:
    """A clip of one of ffmpeg's test pictures, 64 x 48 at 5 frames per second."""
    source = f"{picture}=size=64x48:rate=5:duration={seconds}"
    ffmpeg("-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", *options, str(path))
    return path


def ffmpeg(*arguments: str) -> None:
    """Run ffmpeg."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *arguments]
    subprocess.run(command, check=True)


def render_hands(folder: Path, recordings: int, seconds: int) -> list[Path]:
    """Clips of rendered hands, one frame per second."""
    world = WorldSettings(recordings=recordings, stereo_every=0, duration_s=seconds, fps=1)
    paths = [folder / f"{name}.mp4" for name in video_ids(world)]
    for path in paths:
        render_video(world, path.stem, path)
    return paths
