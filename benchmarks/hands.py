"""Frames to keypoints: the two stages of the workflow against one plain pass of MediaPipe.

python benchmarks/hands.py [--repeats 3] [--clips FOLDER ...]   # from the root; rewrites its table there

The plain pass is what a user would write: ``mp.solutions.hands`` in static mode, one process, frame by frame;
only its calls are timed, not the decoding. The stages are timed whole, as the rules run them: start, import,
reading, detection, cutting out, writing. On one core a run is pinned to it, threads of MediaPipe and all.
Frames: the rendered world and, where they lie beside the repository, the real clips, at one per second; every
video twice, about 1,800 frames. A real shard has a hundred times as many and starts its processes once, so
what the start takes is measured too.
"""

import argparse
import csv
import json
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import numpy as np
import torch
from process_cost import Cost, measured

from simhand.files.packed import PackedReader
from simhand.hands.images import decode_rgb
from simhand.settings.frames import FramesSettings
from simhand.settings.sources import FolderSource
from simhand.settings.world import WorldSettings
from simhand.videos.extract import FramesFiles, extract_shard
from simhand.videos.index import update_index
from simhand.world.catalogue import video_ids
from simhand.world.videos import render_video

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "workflow_scripts"
TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = (
    "what",
    "cores",
    "frames",
    "hands",
    "wall_s",
    "cpu_s",
    "worker_peak_mb",
    "value",
    "machine",
    "date",
)
START = "both stages: their start, for a shard of one frame"
REAL_CLIPS = Path(os.environ.get("SIMHAND_REALDATA", ROOT.parent / "shared" / "realdata"))
TIMES = 2
SAME_OVERLAP = 0.9
Box = tuple[float, float, float, float]


def make_frames(folder: Path, recordings: int, clips: list[Path]) -> Path:
    """Packed frames of a rendered world and of ``clips``, one per second."""
    torch.set_num_threads(1)
    world = WorldSettings(recordings=recordings, duration_s=10 if clips else 1, fps=1)
    (folder / "rendered").mkdir(parents=True)
    for name in video_ids(world):
        render_video(world, name, folder / "rendered" / f"{name}.mp4")
    folders = [folder / "rendered", *clips] * TIMES
    sources = {
        f"{path.name}{number}": FolderSource(kind="folder", path=str(path))
        for number, path in enumerate(folders)
    }
    videos = update_index(folder / "videos.tsv", sources, 1000)
    frames = folder / "frames.arrow"
    files = FramesFiles(frames, folder / "hashes.parquet", folder / "frames.status.parquet")
    extract_shard(videos, files, FramesSettings(), threads=2)
    return frames


def plain_pass(frames_file: Path, out: Path) -> None:
    """One pass of ``mp.solutions.hands`` as a user writes it; the time of the calls and the hands' boxes."""
    import mediapipe

    hands = mediapipe.solutions.hands.Hands(
        static_image_mode=True, max_num_hands=4, model_complexity=1, min_detection_confidence=0.5
    )
    hands.process(np.zeros((64, 64, 3), np.uint8))
    wall_s = cpu_s = 0.0
    boxes = []
    with PackedReader(frames_file, "frames") as reader:
        for row in different_frames(reader):
            image = decode_rgb(reader.image(row))
            started, cpu_before = time.perf_counter(), own_cpu_s()
            found = hands.process(image).multi_hand_landmarks or []
            wall_s, cpu_s = wall_s + time.perf_counter() - started, cpu_s + own_cpu_s() - cpu_before
            boxes.append([box_around(hand, image.shape[1], image.shape[0]) for hand in found])
    out.write_text(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s, "boxes": boxes}))


def different_frames(reader: PackedReader) -> list[int]:
    """One row of each frame: one that stands for several seconds is packed several times."""
    table = reader.table(["video_id", "frame_index"])
    keys = zip(table["video_id"].to_pylist(), table["frame_index"].to_pylist(), strict=True)
    return list({key: row for row, key in enumerate(keys)}.values())


def own_cpu_s() -> float:
    """Time that all threads of this process have worked."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def box_around(hand: Any, width: int, height: int) -> Box:
    """The tight box around MediaPipe's landmarks, in pixels."""
    x, y = [point.x * width for point in hand.landmark], [point.y * height for point in hand.landmark]
    return min(x), min(y), max(x), max(y)


def both_stages(frames: Path, folder: Path, cores: int) -> tuple[Cost, Cost]:
    """Run crop_hands and estimate_keypoints as their rules do."""
    crops, keypoints = folder / "crops.arrow", folder / "keypoints.parquet"
    for old in (crops, keypoints):
        old.unlink(missing_ok=True)
    status = [folder / f"{name}.status.parquet" for name in ("frames", "crops", "keypoints")]
    stages = [
        ["crop_hands.py", "--frames", frames, "--frames-status", status[0], "--crops", crops],
        ["estimate_keypoints.py", "--crops", crops, "--crops-status", status[1], "--keypoints", keypoints],
    ]
    costs = []
    for (script, *files), stage_status in zip(stages, status[1:], strict=True):
        arguments = [*files, "--status", stage_status, "--threads", cores]
        costs.append(measured([sys.executable, str(SCRIPTS / script), *map(str, arguments)], cores))
    return costs[0], costs[1]


def same_hands(frames: Path, crops: Path, plain: list[list[Box]]) -> tuple[int, float]:
    """How many hands the crops are of, and the share of the plain pass's hands among them, by their boxes."""
    with PackedReader(crops, "crops") as reader:
        table = reader.table(["video_id", "frame_index", "x1", "y1", "x2", "y2"]).to_pylist()
    ours: dict[tuple[str, int], list[Box]] = {}
    for row in table:
        box = (row["x1"], row["y1"], row["x2"], row["y2"])
        ours.setdefault((row["video_id"], row["frame_index"]), []).append(box)
    with PackedReader(frames, "frames") as reader:
        keys = reader.table(["video_id", "frame_index"]).take(different_frames(reader)).to_pylist()
    found = 0
    for key, boxes in zip(keys, plain, strict=True):
        others = ours.get((key["video_id"], key["frame_index"]), [])
        found += sum(any(overlap(box, other) > SAME_OVERLAP for other in others) for box in boxes)
    return len(table), found / max(1, sum(map(len, plain)))


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def run_plain(frames: Path, out: Path, cores: int) -> tuple[Cost, list[list[Box]]]:
    """The plain pass in a process of its own; time of the calls, memory of the process."""
    peak_mb = measured([sys.executable, __file__, "--plain", str(frames), str(out)], cores).peak_mb
    result = json.loads(out.read_text())
    return Cost(result["wall_s"], result["cpu_s"], peak_mb), result["boxes"]


def median(costs: list[Cost]) -> Cost:
    """The median of each number."""
    numbers = zip(*((cost.wall_s, cost.cpu_s, cost.peak_mb) for cost in costs), strict=True)
    return Cost(*map(statistics.median, numbers))


def added(first: Cost, second: Cost) -> Cost:
    """Of two stages, one after the other."""
    return Cost(first.wall_s + second.wall_s, first.cpu_s + second.cpu_s, max(first.peak_mb, second.peak_mb))


def compare(folder: Path, clips: list[Path], repeats: int) -> list[dict[str, Any]]:
    """Every way of working in turn, ``repeats`` times; rows of the table."""
    frames = make_frames(folder / "all", 6, clips)
    one_frame = make_frames(folder / "start", 1, [])
    costs: dict[tuple[str, int], list[Cost]] = {}
    for _ in range(repeats):
        for cores in (1, 2):
            start = both_stages(one_frame, one_frame.parent, cores)
            plain, boxes = run_plain(frames, frames.parent / "plain.json", cores)
            crops, keypoints = both_stages(frames, frames.parent, cores)
            both = added(crops, keypoints)
            named = {
                "plain pass": plain,
                "crop_hands": crops,
                "estimate_keypoints": keypoints,
                "both stages": both,
                START: added(*start),
            }
            for what, cost in named.items():
                costs.setdefault((what, cores), []).append(cost)
    hands, share = same_hands(frames, frames.parent / "crops.arrow", boxes)
    of = {key: median(found) for key, found in costs.items()}
    rows: list[dict[str, Any]] = [
        {
            "what": what,
            "cores": cores,
            "frames": "" if what == START else len(boxes),
            "hands": {START: "", "plain pass": sum(map(len, boxes))}.get(what, hands),
            "wall_s": f"{cost.wall_s:.1f}",
            "cpu_s": f"{cost.cpu_s:.1f}",
            "worker_peak_mb": f"{cost.peak_mb:.0f}",
        }
        for (what, cores), cost in of.items()
    ]
    both_1, both_2 = of["both stages", 1], of["both stages", 2]
    start_1, start_2 = (of[START, cores] for cores in (1, 2))
    ratios = {
        "both stages: wall time on 1 core over 2 cores": both_1.wall_s / both_2.wall_s,
        "the same without their start": (both_1.wall_s - start_1.wall_s) / (both_2.wall_s - start_2.wall_s),
        "both stages over the plain pass: CPU time on 1 core": both_1.cpu_s / of["plain pass", 1].cpu_s,
        "both stages over the plain pass: CPU time on 2 cores": both_2.cpu_s / of["plain pass", 2].cpu_s,
        "share of the plain pass's hands that the stages find too": share,
        "bytes per stored crop": (frames.parent / "crops.arrow").stat().st_size / max(1, hands),
    }
    return rows + [{"what": what, "value": f"{value:.4g}"} for what, value in ratios.items()]


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clips", type=Path, nargs="*", help="folders of videos instead of the real clips")
    parser.add_argument("--plain", type=Path, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.plain:
        plain_pass(*args.plain)
        return
    found = [path for path in (REAL_CLIPS / "videos", REAL_CLIPS / "gesture_pairs") if path.is_dir()]
    with tempfile.TemporaryDirectory() as folder:
        rows = compare(Path(folder), found if args.clips is None else args.clips, args.repeats)
    machine, today = f"{platform.machine()}, {os.cpu_count()} cores", date.today().isoformat()
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "machine": machine, "date": today} for row in rows)
    print(TABLE.read_text())


if __name__ == "__main__":
    main()
