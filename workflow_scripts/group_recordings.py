"""Say which videos are one recording and must not be paired."""

import argparse
from pathlib import Path

from simhand.settings.groups import GroupsSettings
from simhand.stage import run_stage, stage_parser
from simhand.videos.groups import write_groups
from simhand.videos.index_table import read_index


def group_recordings(args: argparse.Namespace) -> None:
    """Run the stage."""
    settings = GroupsSettings.model_validate_json(args.settings)
    groups_csv = Path(settings.groups_csv).expanduser() if settings.groups_csv else None
    write_groups(read_index(args.index), groups_csv, args.groups)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--index", type=Path, required=True, help="videos.tsv of the run")
    parser.add_argument("--groups", type=Path, required=True, help="table to write")
    run_stage(parser, group_recordings)
