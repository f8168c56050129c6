"""Tell where a measured number comes from: experiment, commit, data, seeds, machine, time and command.

Every file on the way is compared with the certificate that its stage wrote when it made it.
"""

import argparse
from pathlib import Path

from simhand.report.why import explain
from simhand.stage import run_stage, stage_parser


def main(args: argparse.Namespace) -> None:
    """Print the answer."""
    print(explain(args.run_dir, args.cell))


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--run-dir", type=Path, required=True, help="results/<run>")
    parser.add_argument(
        "--cell",
        default="",
        help="a cell such as table2/simhand/ego-100k/mpjpe, an experiment, or a file of the run; without it"
        " all cells are listed",
    )
    run_stage(parser, main)
