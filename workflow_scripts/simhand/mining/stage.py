"""The stage of mining: from the files of a run to its pairs, by whatever search a script brings."""

import argparse
import json
import logging
from pathlib import Path

from simhand.certificates.certificate import ProvenanceRecord
from simhand.files.atomic import write_text
from simhand.files.tables import write_table
from simhand.mining.embedding import PoseEmbedding
from simhand.mining.pairs import embed_hands, mine_pairs
from simhand.mining.search import Search
from simhand.mining.sets import load_keypoints, load_set
from simhand.settings.pairs import PairsSettings
from simhand.stage import stage_parser

log = logging.getLogger("simhand")


def mining_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line of a script that mines."""
    parser = stage_parser(description, "settings", "threads")
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--set", type=Path, required=True, help="the set to mine in")
    parser.add_argument("--pca", type=Path, required=True, help="the pose embedding (.npz) of fit_pca")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="the pairs to write; how they were mined stands beside as .json",
    )
    return parser


def write_pairs(args: argparse.Namespace, settings: PairsSettings, search: Search) -> None:
    """Mine the set that ``args`` name and write its pairs, and how they were mined."""
    record = ProvenanceRecord.begin({"set": args.set, "pca": args.pca})
    hands = load_set(args.set, ["hand_id", "group_id", "source", "crop_file"])
    embedded = embed_hands(hands, load_keypoints(args.run_dir, hands), PoseEmbedding.load(args.pca))
    del hands
    pairs, description = mine_pairs(embedded, settings, search, args.threads)
    log.info("mined %d pairs of ranks %s for %d hands", pairs.num_rows, settings.ranks, description["hands"])
    write_table(args.out, "pairs", pairs)
    write_text(args.out.with_suffix(".json"), json.dumps(description, indent=2) + "\n")
    record.certify(
        [args.out, args.out.with_suffix(".json")],
        recipe={"settings": settings.model_dump(mode="json")},
        facts={"pairs": pairs.num_rows, "hands": description["hands"]},
    )
