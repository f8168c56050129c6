"""Write the report of a run, one self-contained page, and what each rule took as a table of its own."""

import argparse
from pathlib import Path

from simhand.files.atomic import write_text
from simhand.report.page import build_report
from simhand.report.run_statistics import stage_times, times_table
from simhand.settings.report import ReportSettings
from simhand.stage import run_stage, stage_parser


def write_report(args: argparse.Namespace) -> None:
    """Gather what the run has and write both."""
    settings = ReportSettings.model_validate_json(args.settings)
    write_text(args.times, times_table(stage_times(args.run_dir / "benchmarks")))
    write_text(args.out, build_report(args.run_dir, args.provenance, settings, args.tables))


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--run-dir", type=Path, required=True, help="results/<run>")
    parser.add_argument("--out", type=Path, required=True, help="report.html to write")
    parser.add_argument("--times", type=Path, required=True, help="run_times.csv to write")
    parser.add_argument("--provenance", type=Path, required=True, help="provenance.json of the run")
    parser.add_argument("--tables", nargs="*", default=[], help="names of the tables that it shows")
    run_stage(parser, write_report)
