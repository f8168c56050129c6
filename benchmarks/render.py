"""What the rendered world costs per frame, per hand and per labelled image, on one core or one GPU.

python benchmarks/render.py [--device cuda]      # from the root; rewrites its rows of benchmarks/render.csv
"""

import argparse
import csv
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import torch

from simhand.settings.world import LabelledSetSettings, WorldSettings
from simhand.world.labelled_freihand import render_labelled_set
from simhand.world.poses import sample_hands
from simhand.world.videos import Scene

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("what", "device", "machine", "count", "seconds", "per_second", "date")


def timed(work: Callable[[], int]) -> tuple[int, float]:
    """How many things ``work`` made, and in how many seconds."""
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def render_frames(width_px: int, height_px: int, device: str) -> int:
    """Frames of a recording with one hand, of one with two, drawn but not encoded."""
    settings = WorldSettings(width_px=width_px, height_px=height_px, device=device)
    return sum(1 for name in ("rec06_cam0", "rec07_cam0") for _ in Scene(settings, name).frames())


def render_labels(device: str) -> int:
    """A small labelled set, written; counts images."""
    labels = LabelledSetSettings(unique_training=16, evaluation=8)
    with tempfile.TemporaryDirectory() as folder:
        render_labelled_set(WorldSettings(labels=labels, device=device), Path(folder) / "labels")
    return 16 * 4 + 8


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    device = parser.parse_args().device
    torch.set_num_threads(1)
    machine = torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()}, 1 thread"
    render_labels(device)
    measured = {
        "frames 480x360": timed(lambda: render_frames(480, 360, device)),
        "frames 640x480": timed(lambda: render_frames(640, 480, device)),
        "labelled images 224x224": timed(lambda: render_labels(device)),
        "hands sampled without pictures": timed(lambda: len(sample_hands(500_000, 0, device=device).left)),
    }
    kept = []
    if TABLE.exists():
        with TABLE.open() as file:
            kept = [row for row in csv.DictReader(file) if row["device"] != device]
    rows = [
        dict(zip(COLUMNS, (what, device, machine, n, f"{s:.2f}", f"{n / s:.1f}", date.today()), strict=True))
        for what, (n, s) in measured.items()
    ]
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(kept + rows)
    print(TABLE.read_text())


if __name__ == "__main__":
    main()
