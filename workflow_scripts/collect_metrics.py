"""Put the metrics of all experiments into one table."""

import argparse
from pathlib import Path

from simhand.files.tables import write_table
from simhand.report.metrics import concatenate_metrics
from simhand.stage import run_stage, stage_parser


def collect_metrics(args: argparse.Namespace) -> None:
    """Concatenate the tables in the order given."""
    write_table(args.out, "metrics", concatenate_metrics(args.metrics))


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--metrics", type=Path, nargs="*", default=[], help="the metrics of each experiment")
    parser.add_argument("--out", type=Path, required=True, help="metrics.parquet to write")
    run_stage(parser, collect_metrics)
