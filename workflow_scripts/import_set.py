"""Put annotated hands and their given positives together as a pre-training set and its pairs."""

import argparse
import json
import logging
from dataclasses import asdict
from pathlib import Path

from simhand.certificates.certificate import ProvenanceRecord
from simhand.files.atomic import write_text
from simhand.files.tables import write_table
from simhand.hand100m.import_set import check_left_out, import_set
from simhand.mining.hubness import describe_given_pairs
from simhand.settings.imported_sets import ImportedSetSettings
from simhand.stage import run_stage, stage_parser

log = logging.getLogger("simhand")


def main(args: argparse.Namespace) -> None:
    """Write the set, its pairs, and the counts of what was left out."""
    record = ProvenanceRecord.begin({"annotations": args.annotations})
    settings = ImportedSetSettings.model_validate_json(args.settings)
    hands, pairs, counts = import_set(args.run_dir, args.annotations, args.crops)
    for name, count in asdict(counts).items():
        log.info("%s: %d", name.replace("_", " "), count)
    check_left_out(counts, args.status, settings)
    write_table(args.set, "set", hands)
    write_table(args.pairs, "pairs", pairs)
    description = {"positives": settings.positives, **describe_given_pairs(hands, pairs)}
    write_text(args.pairs.with_suffix(".json"), json.dumps(description, indent=2) + "\n")
    write_text(args.counts, json.dumps(asdict(counts), indent=2) + "\n")
    recipe = {"settings": settings.model_dump(mode="json")}
    record.certify([args.set], recipe=recipe, facts={"hands": len(hands), **asdict(counts)})
    record.reading({"set": args.set}).certify([args.pairs], recipe=recipe, facts={"pairs": len(pairs)})


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--annotations", type=Path, required=True, help="packed file of annotations")
    parser.add_argument("--crops", type=Path, nargs="+", required=True, help="crops of all shards")
    parser.add_argument("--status", type=Path, nargs="+", required=True, help="status of all shards")
    parser.add_argument("--set", type=Path, required=True, help="the set to write")
    parser.add_argument("--pairs", type=Path, required=True, help="its pairs, with a .json beside")
    parser.add_argument("--counts", type=Path, required=True, help="what became of the annotations, to write")
    run_stage(parser, main)
