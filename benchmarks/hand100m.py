"""What reading a Hand100M annotation file costs, as a stream and with the standard library at once.

python benchmarks/hand100m.py [--hands 1000000]        # from the root; rewrites benchmarks/hand100m.csv

The file is generated, with as many digits as doubles have. Each side reads it in a process of its own;
peak memory is that process's, Python and packages included. The standard library's turn is left out
where the machine has not 16 times the file's size of memory free.
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("what", "hands", "file_mb", "seconds", "peak_mb", "times_the_stream", "machine", "date")
HANDS_PER_VIDEO = 100
AT_ONCE = "import json, sys; json.load(open(sys.argv[1]))"


def write_annotations(path: Path, hands: int) -> None:
    """An annotation file with one image per hand, and a positive for every hand."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write('{"images": [')
        for number in range(hands):
            name = f"Ego4D/{number // HANDS_PER_VIDEO:08x}-0000-4000-8000-000000000000"
            image = {"id": number, "file_name": f"{name}/frame_{30 * (number % HANDS_PER_VIDEO):06d}.jpg"}
            file.write(("," if number else "") + json.dumps(image))
        file.write('],\n"annotations": [')
        for number in range(hands):
            hand = {
                "hand_id": str(number),
                "image_id": number,
                "boxes": "[512, 384, 640, 500]",
                "keypoint_25d": rng.uniform(size=63).tolist(),
                "left_right": ("Left", "Right")[number % 2],
                "positive_sample": [str((number + HANDS_PER_VIDEO) % hands)],
                "distance": [float(rng.uniform())],
            }
            file.write(("," if number else "") + json.dumps(hand))
        file.write("]}")


def measured(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak memory in MB of a command that must succeed."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, code, usage = os.wait4(process.pid, 0)
    if code:
        raise SystemExit(f"failed: {command}")
    return time.perf_counter() - started, usage.ru_maxrss / 1000


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hands", type=int, default=1_000_000)
    most = parser.parse_args().hands
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    rows = []
    for hands in (most // 20, most // 5, most):
        with tempfile.TemporaryDirectory() as name:
            path, out = Path(name, "annotations.json"), Path(name, "annotations.arrow")
            write_annotations(path, hands)
            size_mb = path.stat().st_size / 1e6
            settings = {"kind": "hand100m", "annotations": {"ego4d": str(path)}, "images": name}
            script = str(ROOT / "workflow_scripts" / "read_annotations.py")
            sides = {
                "read_annotations": [script, "--settings", json.dumps(settings), "--out", str(out)],
                "json.load alone": ["-c", AT_ONCE, str(path)],
            }
            if 16e6 * size_mb > os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
                del sides["json.load alone"]
            costs = {what: measured([sys.executable, *command]) for what, command in sides.items()}
            for what, (seconds, peak_mb) in costs.items():
                ratio = peak_mb / costs["read_annotations"][1]
                counts = (what, hands, f"{size_mb:.0f}", f"{seconds:.1f}", f"{peak_mb:.0f}", f"{ratio:.1f}")
                rows.append((*counts, machine, date.today()))
                print(*rows[-1])
    with TABLE.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
