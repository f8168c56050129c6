"""Join the index of videos with what the frames stage found out about each."""

import argparse
from pathlib import Path

from simhand.stage import run_stage, stage_parser
from simhand.videos.index_table import read_index
from simhand.videos.manifest import write_manifest


def build_manifest(args: argparse.Namespace) -> None:
    """Run the stage."""
    write_manifest(read_index(args.index), args.status, args.manifest)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--index", type=Path, required=True, help="videos.tsv of the run")
    parser.add_argument("--status", type=Path, nargs="*", required=True, help="status tables of frames")
    parser.add_argument("--manifest", type=Path, required=True, help="table to write")
    run_stage(parser, build_manifest)
