"""Find the hands in the frames of one shard and cut out a square crop of each."""

import argparse
from pathlib import Path

from simhand.hands.crop_shard import CropsFiles, crop_shard
from simhand.settings.crops import CropsSettings
from simhand.stage import run_stage, stage_parser


def crop_hands(args: argparse.Namespace) -> None:
    """Run the stage on one shard."""
    settings = CropsSettings.model_validate_json(args.settings)
    files = CropsFiles(args.frames, args.frames_status, args.crops, args.status, args.detections)
    crop_shard(files, settings, args.threads)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--frames", type=Path, required=True, help="packed file of frames")
    parser.add_argument("--frames-status", type=Path, required=True, help="status table of the frames")
    parser.add_argument("--detections", type=Path, nargs="?", help="table of what a detector found before")
    parser.add_argument("--crops", type=Path, required=True, help="packed file of crops to write")
    parser.add_argument("--status", type=Path, required=True, help="status table to write")
    run_stage(parser, crop_hands)
