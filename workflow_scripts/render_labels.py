"""Render the demo world's labelled set: right hands in FreiHAND's file layout, metres."""

import argparse
from pathlib import Path

from simhand.settings.world import WorldSettings
from simhand.stage import run_stage, stage_parser
from simhand.world.labels import render_labelled_set


def _main(args: argparse.Namespace) -> None:
    render_labelled_set(WorldSettings.model_validate_json(args.settings), args.out, args.threads)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder that becomes the labelled set")
    run_stage(parser, _main)
