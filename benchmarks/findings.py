"""What pre-training is worth on a rendered world: methods, seeds, label fractions, confidence intervals.

python benchmarks/findings.py [--cores 2] [--config benchmarks/findings.yaml]   # from the root

Runs the workflow up to the metrics, which goes on where it was if interrupted, and writes findings.csv beside
this file. Each score is the mean over seeds with its 95 % interval by Student's t; a method is compared with
no pre-training, and with PeCLR, seed by seed. Beside them stand the error of the mean pose of the labels,
which looks at no image, and the retrieval error of the encoders before fine-tuning (0 is best, 1 is chance;
that of `none` is of the random weights).
"""

import argparse
import csv
import json
import math
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_suffix(".csv")
PROTOCOL, METRIC = "simhand", "mpjpe"
COLUMNS = (
    "label_fraction",
    "method",
    "seeds",
    "mpjpe_mm",
    "interval_mm",
    "over_none_mm",
    "over_none_interval_mm",
)
COLUMNS += ("over_peclr_mm", "over_peclr_interval_mm", "retrieval_error", "retrieval_interval")
COLUMNS += ("samples", "machine", "date")
T_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
"""Two-sided 95 % quantiles of Student's t by degrees of freedom."""

Scores = Mapping[int, float]


def read_scores(run_dir: Path) -> tuple[dict[tuple[float, str], dict[int, float]], int]:
    """MPJPE by (label fraction, method) and seed, and how many hands were evaluated."""
    table = pq.read_table(run_dir / "metrics.parquet")
    table = table.filter((pc.field("protocol") == PROTOCOL) & (pc.field("metric") == METRIC))
    scores: dict[tuple[float, str], dict[int, float]] = {}
    for row in table.to_pylist():
        weighted = f" + {row['weighting']}" if row["weighting"] != "none" else ""
        scores.setdefault((row["label_fraction"], row["method"] + weighted), {})[row["seed"]] = row["value"]
    return scores, table["samples"][0].as_py()


def read_retrieval_errors(run_dir: Path) -> dict[str, dict[int, float]]:
    """Retrieval error of the encoders by method and seed after the last epoch, of `none` before the first."""
    errors: dict[str, dict[int, float]] = {}
    for path in sorted(run_dir.glob("pretrain/*/metrics.json")):
        metrics = json.loads(path.read_text())
        experiment, found = metrics["experiment"], metrics["retrieval_errors"]
        weighted = f" + {experiment['weighting']}" if experiment["weighting"] != "none" else ""
        errors.setdefault(experiment["method"] + weighted, {})[experiment["seed"]] = found[-1]
        errors.setdefault("none", {})[experiment["seed"]] = found[0]
    return errors


def mean_pose_error_mm(labels: Path) -> float:
    """Root-relative error, mm, of taking the mean hand of the training labels for every evaluated hand."""
    training, evaluation = (
        np.array(json.loads((labels / f"{part}_xyz.json").read_text())) for part in ("training", "evaluation")
    )
    mean = (training - training[:, :1]).mean(axis=0)
    return 1000 * float(np.linalg.norm(evaluation - evaluation[:, :1] - mean, axis=-1).mean())


def interval(values: list[float]) -> float:
    """Half the width of the mean's 95 % interval."""
    if len(values) < 2:
        return math.nan
    return T_95[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))


def gain(scores: Scores, other: Scores | None) -> tuple[str, str]:
    """How much lower the error is than the other's, seed by seed, and half its interval."""
    if other is None or other is scores:
        return "", ""
    differences = [other[seed] - scores[seed] for seed in scores.keys() & other.keys()]
    return f"{statistics.mean(differences):.2f}", f"{interval(differences):.2f}"


def main() -> None:
    """Run what is missing, then write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cores", default=str(os.cpu_count()))
    parser.add_argument("--config", type=Path, default=Path(__file__).with_suffix(".yaml"))
    args = parser.parse_args()
    command = ["snakemake", "--cores", args.cores, "--configfile", str(args.config), "--", "metrics"]
    subprocess.run(command, cwd=ROOT, check=True)
    run_dir = ROOT / "results" / yaml.safe_load(args.config.read_text())["run"]
    scores, samples = read_scores(run_dir)
    retrieval = read_retrieval_errors(run_dir)
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    with TABLE.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        mean_pose = f"{mean_pose_error_mm(run_dir / 'world/labels'):.2f}"
        writer.writerow(
            ("", "mean pose", "", mean_pose, *[""] * 7, samples, machine, date.today().isoformat())
        )
        for (fraction, method), by_seed in sorted(scores.items()):
            values = list(by_seed.values())
            over_none = gain(by_seed, scores.get((fraction, "none")))
            over_peclr = gain(by_seed, scores.get((fraction, "peclr")))
            mean = (f"{statistics.mean(values):.2f}", f"{interval(values):.2f}")
            errors = list(retrieval[method].values())
            found = (f"{statistics.mean(errors):.3f}", f"{interval(errors):.3f}")
            row = (fraction, method, len(values), *mean, *over_none, *over_peclr, *found, samples)
            writer.writerow((*row, machine, date.today().isoformat()))
    print(TABLE.read_text())


if __name__ == "__main__":
    main()
