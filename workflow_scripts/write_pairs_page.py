"""Write the page of a set on which its pairs can be browsed."""

import argparse
import logging
from pathlib import Path

from simhand.files.atomic import write_text
from simhand.report.pairs_page import build_pairs_page
from simhand.settings.report import ReportSettings
from simhand.stage import run_stage, stage_parser

log = logging.getLogger("simhand")


def main(args: argparse.Namespace) -> None:
    """Write the page."""
    settings = ReportSettings.model_validate_json(args.settings)
    page = build_pairs_page(args.run_dir, args.set, settings)
    write_text(args.out, page)
    log.info("%s: %.1f MB", args.out, len(page) / 1e6)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--run-dir", type=Path, required=True, help="results/<run>")
    parser.add_argument("--set", required=True, help="name of the set")
    parser.add_argument("--out", type=Path, required=True, help="pairs_<set>.html to write")
    run_stage(parser, main)
