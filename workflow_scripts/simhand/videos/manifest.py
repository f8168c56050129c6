"""``videos/manifest.parquet``: every video of the index with what probing it and taking its frames told."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simhand.errors import DataError
from simhand.files.tables import PROBE, read_table, write_table
from simhand.videos.index_table import IndexedVideo


def write_manifest(videos: Sequence[IndexedVideo], status_files: Sequence[Path], manifest: Path) -> None:
    """Join ``videos`` with the status tables of the frames stage and write ``manifest``.

    Its ``status`` is ``ok``, or the reason why a video failed or is not whole.

    Raises:
        DataError: a status table is broken or has videos that the index does not.
    """
    probed: dict[str, dict[str, Any]] = {}
    for file in status_files:
        probed |= {row["video_id"]: row for row in read_table(file, "frames_status").to_pylist()}
    if unknown := sorted(probed.keys() - {video.video_id for video in videos}):
        raise DataError(
            f"the status tables have {len(unknown)} videos that the index does not list, such as "
            f"'{unknown[0]}'; delete the frames of this run, or restore its videos.tsv"
        )
    write_table(manifest, "manifest", [_row(video, probed.get(video.video_id)) for video in videos])


def _row(video: IndexedVideo, status: dict[str, Any] | None) -> dict[str, Any]:
    if status is None:
        return {**asdict(video), "status": "not read yet"}
    return {
        **asdict(video),
        **{name: status[name] for name, _ in PROBE},
        "status": status["reason"] or "ok",
    }
