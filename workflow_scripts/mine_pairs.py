"""Mine the most similar hands of other recordings for every hand of a set."""

import argparse
import logging
from pathlib import Path

from simhand.files.tables import write_table
from simhand.mining.embedding import PoseEmbedding
from simhand.mining.pairs import mine_pairs
from simhand.mining.sets import load_keypoints, load_set
from simhand.settings.pairs import PairsSettings
from simhand.stage import run_stage, stage_parser

log = logging.getLogger("simhand")


def main(args: argparse.Namespace) -> None:
    """Write the pairs."""
    settings = PairsSettings.model_validate_json(args.settings)
    hands = load_set(args.set)
    keypoints = load_keypoints(args.run_dir, hands)
    pairs = mine_pairs(hands, keypoints, PoseEmbedding.load(args.pca), settings.ranks, args.threads)
    log.info("mined %d pairs of ranks %s for %d hands", pairs.num_rows, settings.ranks, hands.num_rows)
    write_table(args.out, "pairs", pairs)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--set", type=Path, required=True, help="the set to mine in")
    parser.add_argument("--pca", type=Path, required=True, help="the pose embedding (.npz) of fit_pca")
    parser.add_argument("--out", type=Path, required=True, help="the pairs to write")
    run_stage(parser, main)
