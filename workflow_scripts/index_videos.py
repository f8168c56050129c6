"""Append the videos that are new in a run's sources to its videos.tsv."""

import argparse
import json
from pathlib import Path

from simhand.settings.check import load_config
from simhand.stage import log, run_stage, stage_parser
from simhand.videos.index import update_index


def index_videos(args: argparse.Namespace) -> None:
    """Look through every source of the configuration and extend the index."""
    config = load_config(json.loads(args.settings))
    videos = update_index(args.index, config.all_sources(), config.shard_size, config.world)
    log.info("%s lists %d videos", args.index, len(videos))


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--index", type=Path, required=True, help="videos.tsv of the run")
    run_stage(parser, index_videos)
