"""Sample the hands of one pre-training set from the hands with valid keypoints."""

import argparse
from pathlib import Path

from simhand.certificates.certificate import ProvenanceRecord
from simhand.files.tables import write_table
from simhand.mining.sampling import sample_set
from simhand.settings.sets import SetSettings
from simhand.stage import run_stage, stage_parser


def main(args: argparse.Namespace) -> None:
    """Write the set."""
    record = ProvenanceRecord.begin(
        {"keypoints": args.keypoints, "groups": args.groups, "manifest": args.manifest}
    )
    settings = SetSettings.model_validate_json(args.settings)
    hands = sample_set(settings, args.seed, args.run_dir, args.keypoints, args.groups)
    write_table(args.out, "set", hands)
    record.certify(
        [args.out],
        recipe={"settings": settings.model_dump(mode="json"), "seed": args.seed},
        seed=args.seed,
        facts={"hands": len(hands)},
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--seed", type=int, required=True, help="seed of the draw")
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--keypoints", type=Path, nargs="+", required=True, help="keypoints files of the run")
    parser.add_argument("--manifest", type=Path, help="the videos of the run, for the certificate")
    parser.add_argument("--groups", type=Path, required=True, help="which videos are one recording")
    parser.add_argument("--out", type=Path, required=True, help="the set to write")
    run_stage(parser, main)
