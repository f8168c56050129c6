"""Which videos of Ego4D are one recording, by its ``ego4d.json``.

The fields are those of the published schema (``docs/data/annotations-schemas.md`` in EGO4D/docs):
``concurrent_video_sets`` lists cameras that recorded the same event, and ``clips`` names the video that
each benchmark clip was cut from. A stereo video needs no link: its file holds both views side by side
(pull request 92 of facebookresearch/Ego4d). ``origin_video_id`` and ``video_components`` say how a
university named and composed one video, and link no two.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from simhand.errors import DataError
from simhand.videos.groups import Link
from simhand.videos.index_table import IndexedVideo

log = logging.getLogger("simhand")


def ego4d_links(metadata: Path, videos: Iterable[IndexedVideo]) -> list[Link]:
    """What ``ego4d.json`` links, and each of the source's videos linked to its uid, the name of its file.

    A set of cameras that is marked as not valid is left out, and told.

    Raises:
        DataError: the file is missing or not of this schema.
    """
    try:
        content = json.loads(metadata.read_bytes())
        concurrent = [*_concurrent(content.get("concurrent_video_sets") or [])]
        clips = [(_uid(clip["clip_uid"]), _uid(clip["video_uid"])) for clip in content.get("clips") or []]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{metadata}: expected Ego4D's metadata with concurrent_video_sets and clips, "
            f"found otherwise ({error!r}); download it again (`ego4d --metadata`), or remove it"
        ) from error
    log.info("%s: %d clips of videos, %d links between cameras", metadata, len(clips), len(concurrent))
    return [*concurrent, *clips, *((video.video_id, _uid(Path(video.path).stem)) for video in videos)]


def _concurrent(sets: list[dict[str, Any]]) -> Iterator[Link]:
    invalid = sum(not one["valid"] for one in sets)
    if invalid:
        log.info("%d sets of concurrent videos are marked as not valid and left out", invalid)
    for one in sets:
        uids = [_uid(video["video_uid"]) for video in one["videos"]] if one["valid"] else []
        yield from ((uids[0], uid) for uid in uids[1:])


def _uid(uid: str) -> tuple[str, str]:
    if not isinstance(uid, str):
        raise TypeError(f"a uid is {uid!r}")
    return "ego4d", uid
