"""Fit the pose embedding (PCA of normalised keypoints) to the hands of a set."""

import argparse
import json
import logging
from pathlib import Path

from simhand.certificates.certificate import ProvenanceRecord
from simhand.files.atomic import write_text
from simhand.mining.pca import draw_hands, fit_embedding
from simhand.mining.sets import load_keypoints, load_set
from simhand.settings.pca import PcaSettings
from simhand.stage import run_stage, stage_parser

log = logging.getLogger("simhand")


def main(args: argparse.Namespace) -> None:
    """Write the embedding as .npz and its description as .json beside it."""
    record = ProvenanceRecord.begin({"set": args.set})
    settings = PcaSettings.model_validate_json(args.settings)
    hands = draw_hands(load_set(args.set), settings.sample_size)
    embedding, description = fit_embedding(load_keypoints(args.run_dir, hands), settings)
    shares = description["explained_variance_ratio"]
    hands, explained = description["hands"], 100 * sum(shares)
    log.info("%d dimensions explain %.2f %% of the variance of %d hands", len(shares), explained, hands)
    description["found_with"] = json.loads(args.found_with)
    if description["excluded"]:
        log.warning("%d hands left out: too small to scale", description["excluded"])
    embedding.save(args.out)
    write_text(args.out.with_suffix(".json"), json.dumps(description, indent=2) + "\n")
    record.certify(
        [args.out, args.out.with_suffix(".json")],
        recipe={"settings": settings.model_dump(mode="json"), "found_with": description["found_with"]},
        facts={"hands": description["hands"]},
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--set", type=Path, required=True, help="the set whose hands are used")
    parser.add_argument(
        "--out", type=Path, required=True, help="the .npz to write; its .json is put beside it"
    )
    parser.add_argument(
        "--found-with",
        default="null",
        help="JSON of the config sections that its hands were found with, for queries with photos; null for "
        "hands that were imported",
    )
    run_stage(parser, main)
