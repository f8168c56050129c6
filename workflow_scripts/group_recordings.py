"""Say which videos are one recording and must not be paired."""

import argparse
from pathlib import Path

from simhand.settings.groups import GroupsSettings
from simhand.stage import run_stage, stage_parser
from simhand.videos.ego4d_groups import ego4d_links
from simhand.videos.groups import Link, write_groups
from simhand.videos.index_table import read_index
from simhand.videos.near_duplicates import (
    NearDuplicate,
    find_near_duplicates,
    read_hashes,
    write_near_duplicates,
)


def group_recordings(args: argparse.Namespace) -> None:
    """Run the stage."""
    settings = GroupsSettings.model_validate_json(args.settings)
    groups_csv = Path(settings.groups_csv).expanduser() if settings.groups_csv else None
    videos = read_index(args.index)
    links: list[Link] = []
    for source, _, metadata in (given.partition("=") for given in args.ego4d):
        links += ego4d_links(Path(metadata), [video for video in videos if video.source == source])
    found: list[NearDuplicate] = []
    if settings.near_duplicates:
        video_ids = [video.video_id for video in videos]
        hashes = read_hashes(args.hashes, video_ids)
        found = find_near_duplicates(hashes, video_ids, settings, args.threads)
    write_near_duplicates(args.near_duplicates, found)
    links += [(duplicate.video_a, duplicate.video_b) for duplicate in found]
    write_groups(videos, links, groups_csv, args.groups)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--index", type=Path, required=True, help="videos.tsv of the run")
    parser.add_argument("--hashes", type=Path, nargs="*", default=[], help="hashes of the frames, all shards")
    parser.add_argument(
        "--ego4d", action="append", default=[], metavar="SOURCE=JSON", help="the ego4d.json of a source"
    )
    parser.add_argument("--near-duplicates", type=Path, required=True, help="table to write")
    parser.add_argument("--groups", type=Path, required=True, help="table to write")
    run_stage(parser, group_recordings)
