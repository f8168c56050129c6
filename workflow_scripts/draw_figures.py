"""Draw the figures of a run from what its stages have written."""

import argparse
from pathlib import Path

from simhand.report.figures.draw import RunParts, write_figures
from simhand.settings.report import ReportSettings
from simhand.stage import run_stage, stage_parser


def draw_figures(args: argparse.Namespace) -> None:
    """Draw them all."""
    parts = RunParts(args.sources, args.frames, args.sets, args.pretrain, args.finetune, args.paper)
    write_figures(args.run_dir, args.figures_dir, parts, ReportSettings.model_validate_json(args.settings))


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--run-dir", type=Path, required=True, help="results/<run>")
    parser.add_argument("--figures-dir", type=Path, required=True, help="folder of the figures")
    parser.add_argument("--sources", nargs="*", default=[], help="<source>/<shard> of every shard")
    parser.add_argument("--frames", nargs="*", default=[], help="those of them whose frames are kept")
    parser.add_argument("--sets", nargs="*", default=[], help="names of the pre-training sets")
    parser.add_argument("--pretrain", nargs="*", default=[], help="names of the pre-trainings")
    parser.add_argument("--finetune", nargs="*", default=[], help="names of the fine-tunings")
    parser.add_argument("--paper", nargs="*", default=[], help="the paper's figures that are drawn already")
    run_stage(parser, draw_figures)
