"""Render the demo world's labelled set in the file layout of one of the labelled data sets."""

import argparse
from collections.abc import Callable
from pathlib import Path

from simhand.settings.datasets import Layout
from simhand.settings.world import WorldSettings
from simhand.stage import run_stage, stage_parser
from simhand.world.labelled_assemblyhands import render_assemblyhands
from simhand.world.labelled_dexycb import render_dexycb
from simhand.world.labelled_freihand import render_labelled_set

WRITERS: dict[Layout, Callable[[WorldSettings, Path, int], None]] = {
    "freihand": render_labelled_set,
    "dexycb": render_dexycb,
    "assemblyhands": render_assemblyhands,
}


def _main(args: argparse.Namespace) -> None:
    WRITERS[args.layout](WorldSettings.model_validate_json(args.settings), args.out, args.threads)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--layout", choices=list(WRITERS), required=True, help="whose file layout to write")
    parser.add_argument("--out", type=Path, required=True, help="folder that becomes the labelled set")
    run_stage(parser, _main)
