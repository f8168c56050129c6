"""Reading random hand crops: from the packed files as pre-training does, and as the released loader does.

python benchmarks/crop_reads.py [--clips FOLDER] [--crops 4096]   # from the root; rewrites its table

The released loader decodes a whole frame, a JPEG of quality 95 on disk, for every hand: cv2.imread, cvtColor,
crop by 1.3 times the box, resize to 224 (src/data_loader/utils.py and ego4d_loader.py of ut-vision/SiMHand).
Frames of 1920 x 1080 are put together from unscaled pictures of real clips, so that a pixel costs what it
does in a real one; all are in the page cache for both. The released way runs on all cores as the workers of a
DataLoader do, in processes; carrying the result home is not counted.
"""

import argparse
import csv
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import cv2
import numpy as np
import pyarrow as pa

from simhand.files.packed import packed_writer
from simhand.hands.crop import crop_window, cut_out
from simhand.hands.images import encode_rgb
from simhand.pretraining.crops import Crops

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("what", "cores", "crops", "seconds", "ms_per_crop_and_core", "times", "machine", "date")
REALDATA = Path(
    os.environ.get("SIMHAND_REALDATA", Path(__file__).resolve().parents[2] / "shared" / "realdata")
)
REAL_CLIPS = REALDATA / "videos"
HANDS_PER_FRAME = 8
FRAME_SIZE, CROP_PX, SCALE, QUALITY = (1920, 1080), 224, 1.3, 95
SIDES_PX = (140, 420)
EVERY = 12
"""Every so many pictures of a clip one is used."""

BATCH = 512
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Hand:
    """A hand as the released annotations tell it: its frame and its box."""

    frame: Path
    box: Box
    is_left: bool


def read_as_released(hand: Hand) -> np.ndarray:
    """One hand as the released loader reads it."""
    image = cv2.cvtColor(cv2.imread(str(hand.frame)), cv2.COLOR_BGR2RGB)
    height, width = image.shape[:2]
    window = crop_window(hand.box, SCALE, "clamp", width, height)
    assert window is not None
    return cut_out(image, window, CROP_PX, "clamp", hand.is_left)


def read_batch(hands: list[Hand]) -> int:
    """Read ``hands`` one after the other; in a worker."""
    cv2.setNumThreads(1)
    return sum(len(read_as_released(hand)) > 0 for hand in hands)


def real_frames(clips: Path, frame_size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Frames of ``frame_size`` put together from unscaled pictures of the clips."""
    pictures = shuffled(pictures_of(clips))
    while True:
        rows: list[np.ndarray] = []
        while sum(map(len, rows)) < frame_size[1]:
            tiles = [next(pictures)]
            while sum(tile.shape[1] for tile in tiles) < frame_size[0]:
                tiles.append(next(pictures))
            height = min(map(len, tiles))
            rows.append(np.concatenate([tile[:height] for tile in tiles], axis=1)[:, : frame_size[0]])
        yield np.concatenate(rows)[: frame_size[1]]


def pictures_of(clips: Path) -> list[np.ndarray]:
    """Some pictures of every clip."""
    pictures = []
    for path in sorted(clips.glob("*.mp4")):
        video, index = cv2.VideoCapture(str(path)), 0
        while video.grab():
            if index % EVERY == 0:
                pictures.append(video.retrieve()[1])
            index += 1
    if not pictures:
        sys.exit(f"no clips in {clips}; give a folder of videos with --clips")
    return pictures


def shuffled(pictures: list[np.ndarray]) -> Iterator[np.ndarray]:
    """All of them, again and again in other orders."""
    rng = np.random.default_rng(0)
    while True:
        for place in rng.permutation(len(pictures)):
            yield pictures[place]


def make_hands(
    folder: Path, clips: Path, crops: int, frame_size: tuple[int, int] = FRAME_SIZE
) -> tuple[list[Hand], pa.Table]:
    """Frames on disk with hands in them, and the same hands as packed crops and the table of their set."""
    rng = np.random.default_rng(0)
    hands: list[Hand] = []
    with packed_writer(folder / "crops.arrow", "crops") as writer:
        for number, bgr in zip(range(crops // HANDS_PER_FRAME), real_frames(clips, frame_size), strict=False):
            path = folder / f"frame_{number:06d}.jpg"
            cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
            for _ in range(HANDS_PER_FRAME):
                width, height = rng.uniform(*SIDES_PX, 2)
                x, y = rng.uniform(0, frame_size[0] - width), rng.uniform(0, frame_size[1] - height)
                hand = Hand(path, (x, y, x + width, y + height), bool(rng.random() < 0.5))
                window = crop_window(hand.box, SCALE, "pad", *frame_size)
                assert window is not None
                crop = cut_out(rgb, window, CROP_PX, "pad", hand.is_left)
                row = {
                    "hand_id": len(hands),
                    "video_id": "v",
                    "frame_index": number,
                    "timestamp_s": float(number),
                }
                writer.append({**row, "window": list(window), "jpeg": encode_rgb(crop, QUALITY)})
                hands.append(hand)
    columns = {
        "hand_id": pa.array(range(len(hands)), pa.int64()),
        "crop_file": pa.array(["crops.arrow"] * len(hands)),
        "crop_row": pa.array(range(len(hands)), pa.int64()),
    }
    return hands, pa.table(columns)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall time."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure(hands: list[Hand], table: pa.Table, folder: Path, cores: int) -> tuple[float, float]:
    """Seconds for all hands in a random order: as released, and as pre-training reads them."""
    os.sched_setaffinity(0, range(cores))
    cv2.setNumThreads(1)
    order = np.random.default_rng(1).permutation(len(hands))
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        shuffled = [[hands[row] for row in batch] for batch in batches]
        list(pool.map(read_batch, [hands[:1]] * cores * 4))
        released_s = seconds(lambda: list(pool.map(read_batch, shuffled)), repeats=1)
    crops = Crops(folder, table, CROP_PX, enlarge=False, memory_mb=0, threads=cores)
    ours_s = seconds(lambda: sum(len(crops.take(batch)) for batch in batches), repeats=5)
    return released_s, ours_s


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, default=REAL_CLIPS)
    parser.add_argument("--crops", type=int, default=4096, help="fewer for a first look")
    args = parser.parse_args()
    machine, today = f"{platform.machine()}, {os.cpu_count()} cores", date.today().isoformat()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        hands, table = make_hands(Path(name), args.clips, args.crops)
        jpeg_kb = {
            "frame": np.mean([path.stat().st_size for path in Path(name).glob("*.jpg")]) / 1024,
            "crop": (Path(name) / "crops.arrow").stat().st_size / len(hands) / 1024,
        }
        for cores in sorted({1, os.cpu_count() or 1}):
            both = measure(hands, table, Path(name), cores)
            for what, took_s in zip(("released loader", "packed crops"), both, strict=True):
                per_core = f"{1000 * took_s * cores / len(hands):.3f}"
                times = f"{both[0] / took_s:.1f}"
                rows.append((what, cores, len(hands), f"{took_s:.2f}", per_core, times, machine, today))
    with TABLE.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([COLUMNS, *rows])
    print(TABLE.read_text(), *(f"a {what} has {kb:.1f} KB" for what, kb in jpeg_kb.items()), sep="\n")


if __name__ == "__main__":
    main()
