"""Read Hand100M annotation files into one table of hands."""

import argparse
from pathlib import Path

from simhand.hand100m.read_annotations import read_annotations
from simhand.settings.imported_sets import ImportedSetSettings
from simhand.stage import run_stage, stage_parser


def main(args: argparse.Namespace) -> None:
    """Write the table."""
    settings = ImportedSetSettings.model_validate_json(args.settings)
    files = {source: Path(path).expanduser() for source, path in settings.annotations.items()}
    read_annotations(files, settings.fps, args.out)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings")
    parser.add_argument("--out", type=Path, required=True, help="packed file of annotations to write")
    run_stage(parser, main)
