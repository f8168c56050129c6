"""What building the DAG costs: a dry run over tens of thousands of videos, in shards and video by video.

python benchmarks/dag.py [--videos 30000]        # from the root; rewrites benchmarks/dag.csv
"""

import argparse
import csv
import os
import platform
import re
import subprocess
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("what", "videos", "shard_size", "jobs", "seconds", "peak_mb", "machine", "date")
SNAKEMAKE = ROOT / ".venv" / "work" / "bin" / "snakemake"


def dry_run(folder: Path, videos: int, shard_size: int) -> tuple[int, float, float]:
    """Jobs, wall seconds and peak memory in MB of a dry run up to the pairs."""
    command = [str(SNAKEMAKE), "--snakefile", str(ROOT / "Snakefile"), "--cores", "2", "--dry-run"]
    command += ["--quiet", "rules", "--config", "run=dag", f"videos_dir={folder / f'videos{videos}'}"]
    command += [f"shard_size={shard_size}", "--", "pairs"]
    started = time.perf_counter()
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        _, code, usage = os.wait4(process.pid, 0)
        said.seek(0)
        text = said.read()
    if code or not (total := re.search(r"^total +(\d+)", text, re.MULTILINE)):
        raise SystemExit(f"the dry run failed:\n{text}")
    return int(total[1]), time.perf_counter() - started, usage.ru_maxrss / 1000


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=30_000)
    videos = parser.parse_args().videos
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in (videos, videos // 15):
            (folder / f"videos{count}").mkdir()
            for number in range(count):
                (folder / f"videos{count}" / f"clip{number:05d}.mp4").touch()
        cases = [
            ("a job per shard", videos, 128),
            ("a job per shard", videos // 15, 128),
            ("the alternative: a job per video", videos // 15, 1),
        ]
        for what, count, shard_size in cases:
            jobs, seconds, peak_mb = dry_run(folder, count, shard_size)
            row = (what, count, shard_size, jobs, f"{seconds:.1f}", f"{peak_mb:.0f}", machine, date.today())
            rows.append(dict(zip(COLUMNS, row, strict=True)))
            print(rows[-1])
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
