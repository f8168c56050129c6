"""How large the report is, and how long its figures and its page take: a finished run, and ever more models.

python benchmarks/report.py [--run results/demo] [--models 5 50 200]   # writes benchmarks/report.csv

The run of many models is the miniature of the tests (8 evaluation hands) with its last model copied under
other seeds and methods; the hands of the other stages stay as they are.
"""

import argparse
import csv
import json
import platform
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "report"))

import miniature_run

from simhand.report.figures.draw import RunParts, write_figures
from simhand.report.page import build_report
from simhand.settings.report import ReportSettings

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("run", "models", "figures_s", "page_s", "page_mb", "figures_in_it", "machine", "date")
MB = 1_000_000


def measure(run: Path, parts: RunParts, name: str) -> dict[str, object]:
    """Draw the figures of a run into a folder of their own and write its page; times and sizes."""
    settings = ReportSettings()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "run"
        shutil.copytree(run, copy, symlinks=True, ignore=shutil.ignore_patterns("figures", "videos", "*.pt"))
        if (run / "videos").exists():
            shutil.copytree(run / "videos", copy / "videos")
        started = time.perf_counter()
        write_figures(copy, copy / "figures", parts, settings)
        drawn = time.perf_counter()
        tables = sorted(path.stem for path in (copy / "tables").glob("*.html"))
        page = build_report(copy, copy / "provenance.json", settings, tables)
        written = time.perf_counter()
        figures = len(json.loads((copy / "figures" / "index.json").read_text())["figures"])
    values = name, len(parts.finetune), f"{drawn - started:.1f}", f"{written - drawn:.1f}"
    machine = f"{platform.machine()}, 1 process"
    sizes = f"{len(page.encode()) / MB:.2f}", figures, machine, date.today()
    return dict(zip(COLUMNS, (*values, *sizes), strict=True))


def miniature(folder: Path, models: int) -> tuple[Path, RunParts]:
    """The miniature run with ``models`` fine-tunings: methods and rows of a table, five seeds of each."""
    run = miniature_run.build_run(folder)
    shards = [f"{source}/{shard}" for source, found in miniature_run.SOURCES.items() for shard in found]
    names = []
    for number in range(models):
        method = ("none_random", "simclr_all_none_random", "simhand_all_both_top1_random")[number // 5 % 3]
        names.append(f"{method}_row{number // 15}_seed{number % 5}__rendered_100pct")
        shutil.copytree(run / "finetune" / miniature_run.FINETUNE[-1], run / "finetune" / names[-1])
    return run, RunParts(shards, shards, [miniature_run.SET], miniature_run.PRETRAIN, names)


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, help="a finished run, such as results/demo")
    parser.add_argument("--models", type=int, nargs="+", default=[5, 50, 200])
    args = parser.parse_args()
    rows = []
    if args.run is not None:
        parts = json.loads((args.run / "figures" / "index.json").read_text())["parts"]
        rows.append(measure(args.run, RunParts(**{**parts, "paper": []}), str(args.run)))
    for models in args.models:
        with tempfile.TemporaryDirectory() as folder:
            run, parts = miniature(Path(folder), models)
            rows.append(measure(run, parts, "miniature"))
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    print(TABLE.read_text())


if __name__ == "__main__":
    main()
