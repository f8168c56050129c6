"""Pair every hand of a set with the same hand in an adjacent frame: the positives of TempCLR."""

import argparse
from pathlib import Path

from simhand.certificates.certificate import ProvenanceRecord
from simhand.files.tables import write_table
from simhand.mining.adjacent_pairs import pair_adjacent_frames
from simhand.mining.sets import load_set
from simhand.settings.adjacent_pairs import AdjacentPairsSettings
from simhand.stage import run_stage, stage_parser


def main(args: argparse.Namespace) -> None:
    """Write the pairs."""
    record = ProvenanceRecord.begin({"set": args.set})
    settings = AdjacentPairsSettings.model_validate_json(args.settings)
    pairs = pair_adjacent_frames(args.run_dir, load_set(args.set), settings.max_gap_s)
    write_table(args.out, "pairs", pairs)
    record.certify(
        [args.out],
        recipe={"settings": settings.model_dump(mode="json")},
        facts={"pairs": len(pairs)},
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--set", type=Path, required=True, help="the set to pair within")
    parser.add_argument("--out", type=Path, required=True, help="the pairs to write")
    run_stage(parser, main)
