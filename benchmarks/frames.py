"""Videos to frames: the stage against the released way, 720p and 1080p, on all cores and on one.

python benchmarks/frames.py [--clips FOLDER]     # from the root; rewrites benchmarks/frames.csv

The released way is that of ``ego4d_process.py``: OpenCV decodes every frame of one video after the other, and
every 30th is written at full resolution with ``cv2.imwrite``. On one core it has one thread, else OpenCV's
default. The stage is ``extract_shard`` with as many workers as cores: probing, decoding, JPEG of the same
quality and resolution, hashes, packed files. Both are timed whole, in processes of their own. A shard holds
hours of video and its workers start once, so the ratios leave out what each side takes for one tiny clip.

The clips are real ones scaled up, with noise in the place of what scaling lost, encoded by x264 (medium,
crf 23, 30 frames per second); they are made on the first run, which takes minutes, and kept in FOLDER.
"""

import argparse
import csv
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import cv2
from process_cost import Cost, measured

from simhand.files.packed import PackedReader
from simhand.settings.frames import FramesSettings
from simhand.videos.extract import FramesFiles, extract_shard
from simhand.videos.ffmpeg_program import ffmpeg_program
from simhand.videos.index_table import IndexedVideo
from simhand.videos.sampling import RELEASED_STEP

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = (
    "what",
    "height_px",
    "keyframes",
    "mbit_per_s",
    "cores",
    "video_s",
    "frames",
    "wall_s",
    "cpu_s",
    "start_wall_s",
    "start_cpu_s",
    "worker_peak_mb",
    "times_faster_wall",
    "times_less_cpu",
    "farthest_from_second_s",
    "machine",
    "date",
)
REALDATA = Path(
    os.environ.get("SIMHAND_REALDATA", Path(__file__).resolve().parents[2] / "shared" / "realdata")
)
REAL_CLIPS = REALDATA / "videos"
SCENES = (
    "top_sam2_letter_blocks",
    "exo_sam2_cups_shell_game",
    "exo_intel_bottles",
    "exo_sam2_football_juggle",
)
SCENE_S, VIDEOS = 7.5, 2
SIZES = {720: 1280, 1080: 1920}
KEYFRAMES = {
    "every second": ("-g", "30", "-keyint_min", "30", "-sc_threshold", "0"),
    "every 5 s": ("-g", "150", "-keyint_min", "150", "-sc_threshold", "0"),
    "x264 default": (),
}
RATES = {
    "23.976": Fraction(24000, 1001),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "60": Fraction(60),
}
RATES_S = 60


def make_clip(path: Path, height_px: int, keyframes: Sequence[str]) -> Path:
    """30 s of several scenes, unless it is there already."""
    if not path.exists():
        size = f"fps=30,scale={SIZES[height_px]}:{height_px}:flags=lanczos,setsar=1"
        scenes = [f"[{n}:v]trim=duration={SCENE_S},{size}[v{n}]" for n in range(len(SCENES))]
        joined = "".join(f"[v{n}]" for n in range(len(SCENES)))
        joined += f"concat=n={len(SCENES)}:v=1,noise=alls=4:allf=t,format=yuv420p[all]"
        sources = [argument for name in SCENES for argument in ("-i", str(REAL_CLIPS / f"{name}.mp4"))]
        encoder = ["-map", "[all]", "-c:v", "libx264", "-preset", "medium", "-crf", "23", *keyframes]
        ffmpeg(*sources, "-filter_complex", ";".join([*scenes, joined]), *encoder, path=path)
    return path


def make_tiny_clip(path: Path, rate: Fraction, seconds: int) -> Path:
    """A clip that costs next to nothing to decode."""
    ffmpeg("-f", "lavfi", "-i", f"testsrc=s=64x48:r={rate}:d={seconds}", "-c:v", "libx264", path=path)
    return path


def ffmpeg(*arguments: str, path: Path) -> None:
    """Run ffmpeg; a file that it did not finish is not left behind."""
    unfinished = path.with_name(f"unfinished_{path.name}")
    subprocess.run([ffmpeg_program(), "-loglevel", "error", "-y", *arguments, str(unfinished)], check=True)
    unfinished.rename(path)


def released(folder: Path, cores: int, clips: list[Path]) -> None:
    """Every frame decoded, every 30th written."""
    if cores == 1:
        cv2.setNumThreads(1)
        os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "threads;1"
    for number, clip in enumerate(clips):
        capture, index = cv2.VideoCapture(str(clip)), 0
        while True:
            there, frame = capture.read()
            if not there:
                break
            if index % RELEASED_STEP == 0:
                cv2.imwrite(str(folder / f"{number}_{index}.jpg"), frame)
            index += 1


def stage(folder: Path, cores: int, clips: list[Path]) -> None:
    """The stage ``frames`` over one shard."""
    videos = [IndexedVideo(f"{number}", "own", str(clip), "0000") for number, clip in enumerate(clips)]
    files = FramesFiles(folder / "frames.arrow", folder / "hashes.parquet", folder / "status.parquet")
    extract_shard(videos, files, FramesSettings(), cores)


SIDES: dict[str, Callable[[Path, int, list[Path]], None]] = {"released": released, "stage": stage}


def cost_of(side: str, cores: int, clips: list[Path], folder: Path) -> tuple[Cost, int, float | None]:
    """What a side costs in a process of its own; its frames, and how far from a second they are at most."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    arguments = [side, str(folder), str(cores), *map(str, clips)]
    cost = measured([sys.executable, __file__, "--side", *arguments], cores)
    if side == "released":
        return cost, len(list(folder.glob("*.jpg"))), None
    with PackedReader(folder / "frames.arrow", "frames") as reader:
        rows = reader.table(["video_id", "timestamp_s"]).to_pylist()
    times_s: dict[str, list[float]] = {}
    for row in rows:
        times_s.setdefault(row["video_id"], []).append(row["timestamp_s"])
    late = [time_s - shown[0] - n for shown in times_s.values() for n, time_s in enumerate(shown)]
    return cost, len(rows), max(map(abs, late))


def compare(clips_folder: Path, folder: Path) -> list[dict[str, Any]]:
    """Both sides on every kind of clip, on one core and on all; rows of the table."""
    tiny = make_tiny_clip(folder / "tiny.mp4", Fraction(30), 1)
    clips = {
        (height_px, keyframes): make_clip(
            clips_folder / f"{height_px}_{keyframes.replace(' ', '_')}.mp4", height_px, options
        )
        for height_px in SIZES
        for keyframes, options in KEYFRAMES.items()
    }
    rows: list[dict[str, Any]] = []
    all_cores = len(os.sched_getaffinity(0))
    for cores in (1, all_cores):
        start = {side: cost_of(side, cores, [tiny] * cores, folder / "out")[0] for side in SIDES}
        for (height_px, keyframes), clip in clips.items():
            kind = {"height_px": height_px, "keyframes": keyframes, "cores": cores}
            kind["mbit_per_s"] = f"{clip.stat().st_size * 8e-6 / (SCENE_S * len(SCENES)):.1f}"
            rows += compared([clip] * VIDEOS, kind, start, folder / "out")
    return rows


def compared(
    clips: list[Path], kind: dict[str, Any], start: dict[str, Cost], folder: Path
) -> list[dict[str, Any]]:
    """The rows of both sides, the second with how many times better it is than the first."""
    rows, net = [], {}
    for side in SIDES:
        cost, frames, off_s = cost_of(side, kind["cores"], clips, folder)
        net[side] = (cost.wall_s - start[side].wall_s, cost.cpu_s - start[side].cpu_s)
        row = kind | {"what": side, "video_s": f"{len(clips) * SCENE_S * len(SCENES):.0f}", "frames": frames}
        row |= {"wall_s": f"{cost.wall_s:.2f}", "cpu_s": f"{cost.cpu_s:.2f}"}
        row |= {"start_wall_s": f"{start[side].wall_s:.2f}", "start_cpu_s": f"{start[side].cpu_s:.2f}"}
        row |= {"worker_peak_mb": f"{cost.peak_mb:.0f}"}
        if off_s is not None:
            row["farthest_from_second_s"] = f"{off_s:.3f}"
        rows.append(row)
    rows[-1]["times_faster_wall"] = f"{net['released'][0] / net['stage'][0]:.2f}"
    rows[-1]["times_less_cpu"] = f"{net['released'][1] / net['stage'][1]:.2f}"
    return rows


def truth(folder: Path) -> list[dict[str, Any]]:
    """How far frames are from their second in a minute at other rates: every 30th, and the stage's."""
    rows = []
    for name, rate in RATES.items():
        clip = make_tiny_clip(folder / f"rate_{name}.mp4", rate, RATES_S)
        capture = cv2.VideoCapture(str(clip))
        frames = -(-int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) // RELEASED_STEP)
        off_s = abs((frames - 1) * (RELEASED_STEP / rate - 1))
        _, ours, ours_off_s = cost_of("stage", 1, [clip], folder / "out")
        common = {"keyframes": f"{name} frames per second", "video_s": RATES_S}
        rows += [
            common | {"what": "released", "frames": frames, "farthest_from_second_s": f"{float(off_s):.3f}"},
            common | {"what": "stage", "frames": ours, "farthest_from_second_s": f"{ours_off_s:.3f}"},
        ]
    return rows


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kept = Path(tempfile.gettempdir()) / "simhand_benchmark_clips"
    parser.add_argument("--clips", type=Path, default=kept, help=f"where the clips are kept ({kept})")
    parser.add_argument("--side", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        side, folder, cores, *clips = args.side
        SIDES[side](Path(folder), int(cores), [Path(clip) for clip in clips])
        return
    args.clips.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = compare(args.clips, Path(folder)) + truth(Path(folder))
    machine, today = f"{platform.machine()}, {os.cpu_count()} cores", date.today().isoformat()
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "machine": machine, "date": today} for row in rows)
    print(TABLE.read_text())


if __name__ == "__main__":
    main()
