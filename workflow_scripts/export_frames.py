"""Write the frames of a set's hands as files, where its exported annotation file names them."""

import argparse
from pathlib import Path

from simhand.hand100m.write_frames import export_frames
from simhand.stage import run_stage, stage_parser


def main(args: argparse.Namespace) -> None:
    """Write the frames."""
    export_frames(args.run_dir, args.set, args.out)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--set", type=Path, required=True, help="the set")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    run_stage(parser, main)
