"""Take frames from the videos of one shard, true to their presentation time."""

import argparse
import json
from pathlib import Path

from simhand.settings.frames import FramesSettings
from simhand.settings.frames_source import FramesSource
from simhand.stage import run_stage, stage_parser
from simhand.videos.extract import FramesFiles, extract_shard
from simhand.videos.index_table import videos_of_shard


def extract_frames(args: argparse.Namespace) -> None:
    """Run the stage on one shard."""
    videos = videos_of_shard(args.index, args.source, args.shard)
    settings = FramesSettings.model_validate_json(args.settings)
    given = json.loads(args.source_settings)
    source = None if given is None else FramesSource.model_validate(given)
    files = FramesFiles(args.frames, args.hashes, args.status)
    extract_shard(videos, files, settings, args.threads, source)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--index", type=Path, required=True, help="videos.tsv of the run")
    parser.add_argument("--source", required=True, help="name of the source")
    parser.add_argument("--source-settings", default="null", help="a source of frames as JSON, else null")
    parser.add_argument("--shard", required=True, help="name of the shard, such as 0000")
    parser.add_argument("--frames", type=Path, required=True, help="packed file of frames to write")
    parser.add_argument("--hashes", type=Path, required=True, help="table of perceptual hashes to write")
    parser.add_argument("--status", type=Path, required=True, help="status table to write")
    run_stage(parser, extract_frames)
