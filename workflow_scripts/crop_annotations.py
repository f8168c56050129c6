"""Cut the annotated hands of one shard out of their images."""

import argparse
from pathlib import Path

from simhand.hand100m.crop_annotations import CropFiles, crop_annotations
from simhand.settings.imported_sets import ImportedSetSettings
from simhand.stage import run_stage, stage_parser


def main(args: argparse.Namespace) -> None:
    """Write the crops, their keypoints and a status table."""
    settings = ImportedSetSettings.model_validate_json(args.settings)
    files = CropFiles(args.crops, args.keypoints, args.status)
    crop_annotations(args.annotations, files, args.shard, settings, args.threads)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--annotations", type=Path, required=True, help="packed file of annotations")
    parser.add_argument("--shard", type=int, required=True, help="number of the shard, from 0")
    parser.add_argument("--crops", type=Path, required=True, help="packed file of crops to write")
    parser.add_argument("--keypoints", type=Path, required=True, help="keypoints to write")
    parser.add_argument("--status", type=Path, required=True, help="status table to write")
    run_stage(parser, main)
