"""Draw one of the paper's figures from what its stages have written."""

import argparse
from pathlib import Path

from simhand.report.figures.paper import PAPER_FIGURES, FigureParts, write_paper_figure
from simhand.settings.report import ReportSettings
from simhand.stage import run_stage, stage_parser


def draw_paper_figure(args: argparse.Namespace) -> None:
    """Draw it."""
    parts = FigureParts(args.run_dir, args.sets, args.finetune)
    settings = ReportSettings.model_validate_json(args.settings)
    write_paper_figure(args.figure, args.figures_dir, parts, settings)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--figure", choices=PAPER_FIGURES, required=True, help="which figure")
    parser.add_argument("--run-dir", type=Path, required=True, help="results/<run>")
    parser.add_argument("--figures-dir", type=Path, required=True, help="folder of the figures")
    parser.add_argument("--sets", nargs="*", default=[], help="the set that it shows")
    parser.add_argument("--finetune", nargs="*", default=[], help="names of the fine-tunings that it shows")
    run_stage(parser, draw_paper_figure)
