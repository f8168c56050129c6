"""Reading and writing ``videos.tsv``: the videos of a run, and the shard that each belongs to.

Apart from :mod:`simhand.videos.index` so that stages which read it do not import what lists videos.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from simhand.errors import DataError
from simhand.files.atomic import write_text


@dataclass(frozen=True)
class IndexedVideo:
    """One row of ``videos.tsv``; ``shard`` is a name such as ``0000``, counted per source."""

    video_id: str
    source: str
    path: str
    shard: str

    def is_rendered(self) -> bool:
        """Whether its file is one of the demo world, as :func:`rendered_path` places it."""
        return Path(self.path).parts[-4:] == rendered_path(Path(), self.shard, self.video_id).parts


HEADER = tuple(field.name for field in fields(IndexedVideo))
WHAT_TO_DO = "restore it, or delete it and run everything again"


def rendered_path(run_dir: Path, shard: str, video_id: str) -> Path:
    """Where the demo world renders a video of a run to."""
    return run_dir / "world" / "videos" / shard / f"{video_id}.mp4"


def write_index(path: Path | str, videos: Iterable[IndexedVideo]) -> None:
    """Write ``videos.tsv``, atomically."""
    lines = ["\t".join(row) for row in (HEADER, *map(astuple, videos))]
    write_text(path, "\n".join(lines) + "\n")


def read_index(path: Path | str) -> list[IndexedVideo]:
    """The rows of ``videos.tsv`` in their order.

    Raises:
        DataError: it is missing or not such a table.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; Snakemake writes it when it builds the DAG") from error
    rows = [tuple(line.split("\t")) for line in lines if line]
    bad = [row for row in rows[1:] if len(row) != len(HEADER) or not row[3].isdigit()]
    bad += [row for row in rows[:1] if row != HEADER]
    if bad or not rows:
        raise DataError(
            f"{path}: expected {', '.join(HEADER)} separated by tabs, "
            f"found {bad[0] if bad else 'an empty file'}; {WHAT_TO_DO}"
        )
    videos = [IndexedVideo(*row) for row in rows[1:]]
    if len({video.video_id for video in videos}) < len(videos):
        raise DataError(f"{path} lists a video_id twice; {WHAT_TO_DO}")
    return videos


def videos_of_shard(path: Path | str, source: str, shard: str) -> list[IndexedVideo]:
    """The videos of one shard, in index order.

    Raises:
        DataError: the index is damaged or has no such shard.
    """
    found = [row for row in read_index(path) if (row.source, row.shard) == (source, shard)]
    if not found:
        raise DataError(f"{path} has no shard {shard} of source '{source}'")
    return found
