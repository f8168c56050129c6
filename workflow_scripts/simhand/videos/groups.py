"""``videos/groups.parquet``: which videos are one recording, and so never give a pair.

Videos are one recording if something links them, directly or through others: a recording of the rendered
world, Ego4D's metadata, near-duplicates. The user's CSV wins over that for the videos it names: they are
in the group it gives and no link joins two of them. A video that it leaves out follows its links, to a
video of the CSV too.
"""

import csv
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from simhand.errors import DataError
from simhand.files.tables import write_table
from simhand.videos.index_table import IndexedVideo
from simhand.world.catalogue import recording_of

COLUMNS = ("video_id", "group_id")

Node = str | tuple[str, str]
"""A video id; or, of anything else that links videos, its kind and name."""

Link = tuple[Node, Node]

log = logging.getLogger("simhand")


def write_groups(
    videos: Sequence[IndexedVideo], links: Iterable[Link], groups_csv: Path | None, groups: Path
) -> None:
    """Write the group of every video.

    Args:
        videos: all rows of the index.
        links: what was found to be one recording; the rendered world's recordings need not be among it.
        groups_csv: the user's table with columns video_id and group_id, if there is one.
        groups: table to write.

    Raises:
        DataError: the CSV is missing or broken, or names a video that is not in the index.
    """
    given = read_groups_csv(groups_csv, {video.video_id for video in videos}) if groups_csv else {}
    rendered = [video.video_id for video in videos if video.is_rendered()]
    recordings: list[Link] = [(video_id, ("rendered", recording_of(video_id))) for video_id in rendered]
    merged = group_videos(videos, [*recordings, *links], given)
    write_table(groups, "groups", {"video_id": list(merged), "group_id": list(merged.values())})


def group_videos(
    videos: Sequence[IndexedVideo], links: Sequence[Link], given: dict[str, str]
) -> dict[str, str]:
    """Group by video, in the order of ``videos``.

    A group that the user did not name is called after its first video, so that appending videos to the
    index renames none unless one of them joins two groups.

    Args:
        videos: all rows of the index.
        links: pairs that are one recording.
        given: groups by the user, which win.
    """
    parents: dict[Node, Node] = {}
    for a, b in links:
        if a not in given and b not in given:
            parents[_root(parents, a)] = _root(parents, b)
    order = {video.video_id: number for number, video in enumerate(videos)}
    linked: dict[Node, set[str]] = defaultdict(set)
    for a, b in links:
        if (a in given) != (b in given):
            named, other = (a, b) if a in given else (b, a)
            linked[_root(parents, other)].add(str(named))
    names = {root: given[min(named, key=order.__getitem__)] for root, named in linked.items()}
    groups: dict[str, str] = {}
    for video in videos:
        root = _root(parents, video.video_id)
        groups[video.video_id] = given.get(video.video_id) or names.setdefault(root, _default_name(video))
        if len(choices := {given[named] for named in linked.get(root, ())}) > 1:
            told = (video.video_id, ", ".join(sorted(choices)), groups[video.video_id])
            log.warning("%s is linked to the groups %s of groups.groups_csv; it goes to %s", *told)
    return groups


def _root(parents: dict[Node, Node], node: Node) -> Node:
    """The node that stands for all that ``node`` is linked to (union-find with path halving)."""
    while (parent := parents.get(node, node)) != node:
        parents[node] = parents.get(parent, parent)
        node = parent
    return node


def _default_name(video: IndexedVideo) -> str:
    return recording_of(video.video_id) if video.is_rendered() else video.video_id


def read_groups_csv(path: Path, known: set[str]) -> dict[str, str]:
    """Group by video of the user's CSV, which may have other columns too.

    Raises:
        DataError: it is missing, not UTF-8, lacks a column or a value, or names a video that is not in
            ``known`` or the same video twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header, rows = reader.fieldnames or [], list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"groups.groups_csv: {path} cannot be read ({error})") from error
    if missing := [column for column in COLUMNS if column not in header]:
        raise DataError(
            f"groups.groups_csv: {path} lacks the column(s) {', '.join(missing)}; "
            f"expected a header such as video_id,group_id, found {','.join(header) or 'nothing'}"
        )
    groups: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        video_id, group_id = row["video_id"], row["group_id"]
        if not video_id or not group_id:
            raise DataError(f"groups.groups_csv: {path} row {line} has no video_id or no group_id")
        if groups.setdefault(video_id, group_id) != group_id:
            raise DataError(
                f"groups.groups_csv: {path} row {line} gives '{video_id}' a second group, '{group_id}'"
            )
    if unknown := sorted(groups.keys() - known):
        raise DataError(
            f"groups.groups_csv: {path} names {len(unknown)} video(s) that are not in videos.tsv: "
            f"{', '.join(unknown[:10])}; video ids are paths below the source's folder, without suffix"
        )
    return groups
