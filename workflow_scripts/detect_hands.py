"""Find hands and the objects that they touch in the frames of one shard, with the 100DOH detector."""

import argparse
from pathlib import Path

from simhand.hands.detection_shard import detect_shard
from simhand.hands.frame_search import SearchFiles
from simhand.settings.hand_object_detector import HandObjectDetectorSettings
from simhand.stage import run_stage, stage_parser


def detect_hands(args: argparse.Namespace) -> None:
    """Run the stage on one shard."""
    settings = HandObjectDetectorSettings.model_validate_json(args.settings)
    files = SearchFiles(args.frames, args.frames_status, args.detections, args.status)
    detect_shard(files, settings, args.threads)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--frames", type=Path, required=True, help="packed file of frames")
    parser.add_argument("--frames-status", type=Path, required=True, help="their status table")
    parser.add_argument("--detections", type=Path, required=True, help="table of detections to write")
    parser.add_argument("--status", type=Path, required=True, help="status table to write")
    run_stage(parser, detect_hands)
