"""Fine-tuning: images per second, and the share of the time spent waiting for data.

    python benchmarks/finetuning.py                             # ResNet-18 and -50 at 128 px on this machine
    python benchmarks/finetuning.py --batch 128 --steps 40 --precision float32 bfloat16   # for a GPU

Every step is that of a fine-tuning: DetNet with 256-channel heads forward and backward, its losses and Adam.
Three ways to bring the images of 224 px there:

- ours, as fine-tuning does: decoded once, one warp per image, batches made ahead by a thread (on a GPU by
  one process per core), colour for the whole batch on the device;
- a plain DataLoader without workers: every image decoded, warped by Pillow and recoloured by torchvision's
  ColorJitter when it is its turn;
- the same with one worker process per core.

All sides do the same steps in turns. Writes benchmarks/finetuning.csv.
"""

import argparse
import csv
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import numpy as np
import torch
from PIL import Image
from random_hands import machine
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from simhand.datasets.samples import HandSamples, project
from simhand.device import choose_device
from simhand.finetuning.batches import Batch
from simhand.finetuning.crop_geometry import crop_around, jittered_crop, transform_points
from simhand.finetuning.epoch_batches import EpochBatches, Key
from simhand.finetuning.hand_dataset import HandDataset
from simhand.finetuning.images import ImageStore
from simhand.finetuning.loading import load_batches
from simhand.finetuning.step import backpropagate
from simhand.finetuning.training import Training, start_training
from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("encoder", "batch", "precision", "data", "workers", "step_s", "images_per_s", "data_wait")
COLUMNS += ("times_plain", "machine", "date")
IMAGE_PX, CROP_FACTOR, JOINTS = 224, 2.0, 21
EXPERIMENT = FinetuneExperiment(
    name="benchmark", method="none", set=None, weighting="none", top_k=None, init="random", dataset="random",
    label_fraction=1.0, seed=0,
)  # fmt: skip


def random_samples(root: Path, count: int) -> HandSamples:
    """JPEG files with the detail of photographs, and hands of random joints in them."""
    rng = np.random.default_rng(0)
    for row in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (28, 28, 3), dtype=np.uint8))
        coarse.resize((IMAGE_PX, IMAGE_PX), Image.Resampling.BICUBIC).save(
            root / f"{row:08d}.jpg", quality=95
        )
    intrinsics = np.tile(np.array([[480.0, 0, 112], [0, 480, 112], [0, 0, 1]]), (count, 1, 1))
    joints = rng.uniform(-0.08, 0.08, (count, JOINTS, 3)) + [0, 0, 0.6]
    numbers = np.arange(count)
    return HandSamples.filled(
        root,
        np.array([f"{row:08d}.jpg" for row in range(count)]),
        image_ids=numbers,
        unique_ids=numbers,
        joints_3d_m=joints,
        joints_2d_px=project(joints, intrinsics),
        intrinsics=intrinsics,
    )


class PlainDataset(Dataset[dict[str, Any]]):
    """One image after the other with Pillow and torchvision, as most data sets are written."""

    def __init__(self, samples: HandSamples, settings: FinetuneSettings) -> None:
        self._samples, self._settings = samples, settings
        amount = settings.colour_jitter
        self._colour = v2.ColorJitter(amount, amount, amount, settings.hue_jitter)

    def __getitem__(self, key: Key) -> dict[str, Any]:
        """The sample of a row, augmented."""
        _, row = key
        rng, side = np.random.default_rng(key), self._settings.input_px
        crop = crop_around(self._samples.joints_2d_px[row], CROP_FACTOR, truncated=False)
        affine = jittered_crop(crop, rng, 0.1, 0.1, 1.5).affine(side)
        with Image.open(self._samples.root / self._samples.images[row]) as picture:
            backwards = tuple(np.linalg.inv(affine)[:2].ravel())
            kind, kernel = Image.Transform.AFFINE, Image.Resampling.BILINEAR
            image = picture.convert("RGB").transform((side, side), kind, backwards, kernel)
        return {
            "image": np.array(self._colour(image)),
            "joints_2d": transform_points(affine, self._samples.joints_2d_px[row]).astype(np.float32),
            "joints_3d": self._samples.joints_3d_m[row].astype(np.float32),
            "colour": np.array([1, 1, 1, 0], dtype=np.float32),
            "visible": np.ones(JOINTS, dtype=np.float32),
            "has_3d": np.float32(1),
        }


def plain_batches(
    samples: HandSamples, settings: FinetuneSettings, keys: EpochBatches, device: torch.device, workers: int
) -> Iterator[Batch]:
    """Batches of a plain DataLoader on ``device``."""
    pinned = device.type == "cuda"
    loader = DataLoader(
        PlainDataset(samples, settings), batch_sampler=keys, num_workers=workers, pin_memory=pinned
    )
    for batch in loader:
        yield cast(Batch, {name: part.to(device, non_blocking=True) for name, part in batch.items()})


class Side:
    """Steps with the batches of one side; remembers how long they took and waited."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self.step_s: list[float] = []
        self.waited_s: list[float] = []

    def step(self, training: Training) -> None:
        """Take one step."""
        started = time.perf_counter()
        batch = next(self._batches)
        self.waited_s.append(time.perf_counter() - started)
        backpropagate(training, batch)
        training.optimiser.step()
        if training.device.type == "cuda":
            torch.cuda.synchronize()
        training.step += 1
        self.step_s.append(time.perf_counter() - started)


def measure(
    samples: HandSamples, settings: FinetuneSettings, steps: int, turns: int
) -> list[tuple[object, ...]]:
    """The rows of all sides; a turn of each is ``steps`` steps in a row, the first turn does not count."""
    cores = os.cpu_count() or 1
    training = start_training(EXPERIMENT, settings, None)
    device = training.device
    own_workers = cores if device.type == "cuda" else 0
    keys = EpochBatches(np.arange(len(samples)), settings.batch_size, settings.epochs, seed=0)
    ours = HandDataset(samples, ImageStore(samples, 4096, False, cores), settings, CROP_FACTOR, seed=0)
    sides = {
        ("ours", own_workers): Side(load_batches(ours, keys, device, own_workers)),
        ("plain DataLoader", 0): Side(plain_batches(samples, settings, keys, device, 0)),
        ("plain DataLoader", cores): Side(plain_batches(samples, settings, keys, device, cores)),
    }
    for turn in range(turns + 1):
        for side in sides.values():
            if turn == 1:
                side.step_s.clear()
                side.waited_s.clear()
            for _ in range(steps):
                side.step(training)
    mean_s = {name: statistics.mean(side.step_s) for name, side in sides.items()}
    plain_s = mean_s["plain DataLoader", 0]
    return [
        (
            *(settings.encoder, settings.batch_size, settings.precision, *name, f"{mean_s[name]:.4f}"),
            *(f"{settings.batch_size / mean_s[name]:.1f}", f"{sum(side.waited_s) / sum(side.step_s):.4f}"),
            f"{plain_s / mean_s[name]:.2f}",
        )
        for name, side in sides.items()
    ]


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoders", nargs="+", default=["resnet18", "resnet50"])
    parser.add_argument("--precision", nargs="+", default=["float32"], choices=["float32", "bfloat16"])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=4, help="in a turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--out", type=Path, default=TABLE)
    args = parser.parse_args()
    where = machine(choose_device(args.device, "--device"))
    with tempfile.TemporaryDirectory() as folder, args.out.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        samples = random_samples(Path(folder), args.images)
        for encoder in args.encoders:
            for precision in args.precision:
                settings = FinetuneSettings(
                    encoder=encoder, precision=precision, batch_size=args.batch, device=args.device
                )
                for row in measure(samples, settings, args.steps, args.turns):
                    print(*row, flush=True)
                    table.writerow([*row, where, date.today().isoformat()])


if __name__ == "__main__":
    main()
