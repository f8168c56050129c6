"""Render videos of the demo world with their truth: one MP4 file per id and one table for all."""

import argparse
import logging
from functools import partial
from pathlib import Path
from typing import Any

from simhand.files.tables import write_table
from simhand.settings.world import WorldSettings
from simhand.stage import run_stage, stage_parser
from simhand.world.pool import ordered_map
from simhand.world.videos import render_video

log = logging.getLogger("simhand")


def _render(settings: WorldSettings, folder: Path, video_id: str) -> list[dict[str, Any]]:
    return render_video(settings, video_id, folder / f"{video_id}.mp4")


def _main(args: argparse.Namespace) -> None:
    settings = WorldSettings.model_validate_json(args.settings)
    threads = 1 if settings.device == "cuda" else args.threads
    rows: list[dict[str, Any]] = []
    work = partial(_render, settings, args.videos)
    for video_id, truth in zip(args.video_ids, ordered_map(work, args.video_ids, threads), strict=True):
        log.info("%s: %d hands", video_id, len(truth))
        rows += truth
    write_table(args.truth, "truth", rows)


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--video-ids", nargs="+", required=True, help="ids such as rec07_cam0")
    parser.add_argument("--videos", type=Path, required=True, help="folder for <id>.mp4")
    parser.add_argument(
        "--truth", type=Path, required=True, help="Parquet table of every hand in every frame"
    )
    run_stage(parser, _main)
