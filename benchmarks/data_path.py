"""From stored hands to augmented views: as released, with torchvision, and as pre-training does it here.

python benchmarks/data_path.py [--clips FOLDER] [--crops 2048]   # from the root; rewrites its table there

Released: for each of the two views of a pair a whole frame of 1440 x 1080 is decoded, the hand cut out and
resized to 224, then rotated, cut, resized and coloured, with the operations of the released loader.
torchvision: the packed crops, and v2's transforms one by one: decode, affine, crop and resize, colour,
normalise. Ours: one warp and one colour matrix for all views of the batch; crops decoded once, as it is
where the set fits in memory, and decoded at every view, as it is where it does not. Views of 128 px; frames
and crops are in the page cache. Each side has its cores by affinity; torchvision and the released way use
processes, as a DataLoader does, without the cost of carrying their results home.
"""

import argparse
import csv
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import torch
from crop_reads import REAL_CLIPS, Hand, make_hands, read_as_released
from torchvision.transforms import v2

from simhand.files.packed import PackedReader
from simhand.pretraining.augment import augment, draws_for
from simhand.pretraining.colour import IMAGENET_DEVIATION, IMAGENET_MEAN
from simhand.pretraining.crops import Crops
from simhand.pretraining.geometry import geometry_ranges
from simhand.pretraining.released_augment import augment_as_released
from simhand.settings.pretrain import PretrainSettings

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("what", "cores", "views", "seconds", "views_per_s_and_core", "times_released", "machine", "date")
FRAME_SIZE, VIEW_PX, BATCH, OVERSAMPLING = (1440, 1080), 128, 256, 1.5
SETTINGS = PretrainSettings(image_size_px=VIEW_PX)
RANGES = geometry_ranges(SETTINGS, rotation=True, scale=True, translation=True)
KEYPOINTS = np.random.default_rng(0).uniform(0.25, 0.75, (BATCH, 21, 2)).astype(np.float32)
"""Hands have random joints: what they are costs nothing, where they lie decides only the window's size."""


def released_views(hands: list[Hand]) -> int:
    """Views of ``hands``, one view each, as released; in a worker."""
    one_thread()
    crops = np.stack([read_as_released(hand) for hand in hands])
    return len(augment_as_released(crops, KEYPOINTS[: len(hands)], draws(len(hands)), RANGES, VIEW_PX).images)


def torchvision_views(jpegs: list[bytes]) -> int:
    """Views of packed crops with torchvision's transforms; in a worker."""
    one_thread()
    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.RandomAffine(45, translate=(15 / 224, 15 / 224), interpolation=v2.InterpolationMode.BILINEAR),
            v2.RandomResizedCrop(VIEW_PX, scale=(0.3, 0.9), antialias=True),
            v2.ColorJitter(brightness=(0.5, 1.0), saturation=(0.01, 1.0), hue=0.1),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(IMAGENET_MEAN, IMAGENET_DEVIATION),
        ]
    )
    images = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB) for jpeg in jpegs]
    return len(torch.stack([transform(image) for image in images]))


def our_views(crops: Crops, rows: np.ndarray) -> int:
    """Views of the crops at ``rows`` as one batch."""
    images = torch.from_numpy(crops.take(rows))
    keypoints, uniform = torch.from_numpy(KEYPOINTS[: len(rows)]), torch.from_numpy(draws(len(rows))).float()
    return len(augment(images, keypoints, uniform, RANGES, SETTINGS.hue_turns, VIEW_PX).images)


def draws(count: int) -> np.ndarray:
    """Uniform numbers for ``count`` views."""
    return draws_for(0, 0, np.arange(-(-count // 2)))[:count]


def one_thread() -> None:
    """A worker of a DataLoader has one."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall time after one run that does not count."""
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def measure(
    folder: Path, hands: list[Hand], table: pa.Table, jpegs: list[bytes], cores: int
) -> list[tuple[object, ...]]:
    """The rows of all sides, the first being what the others are compared to."""
    os.sched_setaffinity(0, range(cores))
    torch.set_num_threads(cores)
    order = np.random.default_rng(1).permutation(len(hands))
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    chosen = [[hands[row] for row in batch] for batch in batches]
    encoded = [[jpegs[row] for row in batch] for batch in batches]
    at_once, kept = (
        Crops(folder, table, int(OVERSAMPLING * VIEW_PX), False, memory_mb, cores) for memory_mb in (0, 2**20)
    )
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        sides: dict[str, Callable[[], object]] = {
            "released loader": lambda: list(pool.map(released_views, chosen)),
            "torchvision v2 on packed crops": lambda: list(pool.map(torchvision_views, encoded)),
            "decoded at every view": lambda: [our_views(at_once, batch) for batch in batches],
            "decoded once": lambda: [our_views(kept, batch) for batch in batches],
        }
        took = {what: seconds(work, repeats=3) for what, work in sides.items()}
    released_s = took["released loader"]
    return [
        (what, cores, len(hands), f"{s:.2f}", f"{len(hands) / s / cores:.0f}", f"{released_s / s:.1f}")
        for what, s in took.items()
    ]


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, default=REAL_CLIPS)
    parser.add_argument("--crops", type=int, default=2048, help="fewer for a first look")
    args = parser.parse_args()
    machine, today = f"{platform.machine()}, {os.cpu_count()} cores", date.today().isoformat()
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as name:
        hands, table = make_hands(Path(name), args.clips, args.crops, FRAME_SIZE)
        with PackedReader(Path(name, "crops.arrow"), "crops") as reader:
            jpegs = [reader.image(row) for row in range(len(hands))]
        for cores in sorted({1, os.cpu_count() or 1}):
            rows += measure(Path(name), hands, table, jpegs, cores)
    with TABLE.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *((*row, machine, today) for row in rows)])
    print(TABLE.read_text())


if __name__ == "__main__":
    main()
