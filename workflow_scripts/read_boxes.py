"""Bring boxes of hands that the user gives to the sampled frames of one shard."""

import argparse
from pathlib import Path

from simhand.hands.given.boxes_of_shard import DetectionsFiles, Shard, read_boxes_of_shard
from simhand.settings.crops import CropsSettings
from simhand.stage import run_stage, stage_parser
from simhand.videos.index_table import read_index


def read_boxes(args: argparse.Namespace) -> None:
    """Run the stage on one shard."""
    settings = CropsSettings.model_validate_json(args.settings)
    assert settings.boxes is not None  # checked with the config
    shard = Shard(args.source, args.shard, read_index(args.index))
    files = DetectionsFiles(args.frames, args.detections, args.status)
    read_boxes_of_shard(Path(settings.boxes).expanduser(), settings.boxes_tolerance_s, shard, files)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--index", type=Path, required=True, help="videos.tsv of the run")
    parser.add_argument("--source", required=True, help="name of the source")
    parser.add_argument("--shard", required=True, help="name of the shard, such as 0000")
    parser.add_argument("--frames", type=Path, required=True, help="packed file of frames")
    parser.add_argument("--detections", type=Path, required=True, help="table of detections to write")
    parser.add_argument("--status", type=Path, required=True, help="status table to write")
    run_stage(parser, read_boxes)
