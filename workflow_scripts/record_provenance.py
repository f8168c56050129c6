"""Write down where a run's numbers come from: commit, versions, hardware and configuration."""

import argparse
import json
from pathlib import Path

from simhand.files.atomic import write_text
from simhand.provenance import provenance
from simhand.stage import run_stage, stage_parser


def record_provenance(args: argparse.Namespace) -> None:
    """Gather the facts and write them as JSON."""
    facts = provenance(json.loads(args.settings), repository=Path(__file__).parents[1])
    write_text(args.out, json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--out", type=Path, required=True, help="provenance.json to write")
    run_stage(parser, record_provenance)
