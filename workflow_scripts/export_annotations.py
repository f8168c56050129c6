"""Write a mined set as a Hand100M annotation file, which the released loaders read."""

import argparse
from pathlib import Path

from simhand.hand100m.write_annotations import export_annotations
from simhand.stage import run_stage, stage_parser


def main(args: argparse.Namespace) -> None:
    """Write the annotation file."""
    export_annotations(args.run_dir, args.set, args.pairs, args.rank, args.out)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--set", type=Path, required=True, help="the set")
    parser.add_argument("--pairs", type=Path, required=True, help="its pairs")
    parser.add_argument("--rank", type=int, help="the only rank to write; without it all that were mined")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    run_stage(parser, main)
