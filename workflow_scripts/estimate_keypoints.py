"""Give every hand crop of one shard its 21 keypoints."""

import argparse
from pathlib import Path

from simhand.hands.keypoint_shard import KeypointsFiles, estimate_shard
from simhand.settings.keypoints import KeypointsSettings
from simhand.stage import run_stage, stage_parser


def estimate_keypoints(args: argparse.Namespace) -> None:
    """Run the stage on one shard."""
    settings = KeypointsSettings.model_validate_json(args.settings)
    files = KeypointsFiles(args.crops, args.crops_status, args.keypoints, args.status, args.given)
    estimate_shard(files, settings, args.threads)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--crops", type=Path, required=True, help="packed file of crops")
    parser.add_argument("--crops-status", type=Path, required=True, help="status table of the crops")
    parser.add_argument("--given", type=Path, nargs="*", default=[], help="files of the user's keypoints")
    parser.add_argument("--keypoints", type=Path, required=True, help="table of keypoints to write")
    parser.add_argument("--status", type=Path, required=True, help="status table to write")
    run_stage(parser, estimate_keypoints)
