"""Near-duplicates: videos that are one recording by what they show, such as a re-upload.

Every two videos that share a frame within ``max_hamming_bits`` are compared second by second at the time
offset that fits best; there a second may differ in twice as many bits, as a chance match at a given offset
is rarer than one anywhere among all frames. Enough matching seconds make the two one recording.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from simhand.errors import DataError
from simhand.files.tables import read_table, write_table
from simhand.settings.groups import GroupsSettings
from simhand.videos.hash_bits import NOTHING_SEEN
from simhand.videos.hash_index import FrameHashes, shared_frames
from simhand.videos.hash_sequences import compare_videos

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class NearDuplicate:
    """Two videos of one recording; a row of table ``near_duplicates``.

    Attributes:
        video_a: the one that comes first in the index.
        video_b: the other one.
        matching_seconds: seconds of the shorter video found in the other one.
        share: of the seconds of the shorter video that show something.
        offset_s: second t of ``video_a`` is about second t + ``offset_s`` of ``video_b``.
        mirrored: whether one is the other one mirrored left to right.
    """

    video_a: str
    video_b: str
    matching_seconds: int
    share: float
    offset_s: int
    mirrored: bool


def read_hashes(files: Sequence[Path], video_ids: Sequence[str]) -> FrameHashes:
    """The hashes of the videos in the order of ``video_ids``; those that gave no frame have none.

    Raises:
        DataError: a file is missing or no table of hashes, or has a video that is not in ``video_ids``.
    """
    numbers = {video_id: number for number, video_id in enumerate(video_ids)}
    per_video = [np.empty(0, np.int64)] * len(video_ids)
    for file in files:
        table = read_table(file, "hashes", ["video_id", "hash"])
        ids = table["video_id"].combine_chunks().dictionary_encode()
        owner = ids.indices.to_numpy()
        in_order = table["hash"].to_numpy()[np.argsort(owner, kind="stable")]
        ends = np.cumsum([0, *np.bincount(owner, minlength=len(ids.dictionary))])
        for place, video_id in enumerate(ids.dictionary.to_pylist()):
            if video_id not in numbers:
                raise DataError(f"{file} has video '{video_id}', which is not in videos.tsv; delete the file")
            per_video[numbers[video_id]] = in_order[ends[place] : ends[place + 1]]
    starts = np.cumsum([0, *map(len, per_video)])
    return FrameHashes(np.concatenate([np.empty(0, np.int64), *per_video]), starts)


def find_near_duplicates(
    hashes: FrameHashes, video_ids: Sequence[str], settings: GroupsSettings, threads: int
) -> list[NearDuplicate]:
    """Every two videos that are one recording, in index order.

    The result does not depend on ``threads``.
    """
    shared = shared_frames(hashes, settings.max_hamming_bits, threads)
    telling = FrameHashes(np.where(shared.common, NOTHING_SEEN, hashes.hashes), hashes.starts)
    seconds, share, offset = compare_videos(telling, shared.pairs, 2 * settings.max_hamming_bits, threads)
    enough = (seconds >= settings.min_matching_seconds) & (share >= settings.min_matching_share)
    found: dict[tuple[int, int], NearDuplicate] = {}
    for i in np.flatnonzero(enough):
        a, b, mirrored = shared.pairs[i].tolist()
        duplicate = NearDuplicate(
            *(video_ids[a], video_ids[b]), int(seconds[i]), float(share[i]), int(offset[i]), bool(mirrored)
        )
        # a symmetric scene is found both ways round
        if (a, b) not in found or duplicate.matching_seconds > found[a, b].matching_seconds:
            found[a, b] = duplicate
    log.info(
        "%d frames of %d videos: %d show nothing, %d are in too many videos to tell; "
        "%d comparisons of videos that share a frame found %d near-duplicates",
        *(len(hashes.hashes), len(video_ids), (hashes.hashes == NOTHING_SEEN).sum(), shared.common.sum()),
        *(len(enough), len(found)),
    )
    return list(found.values())


def write_near_duplicates(path: Path, found: Sequence[NearDuplicate]) -> None:
    """Write table ``near_duplicates`` for the user to look at."""
    write_table(path, "near_duplicates", [asdict(duplicate) for duplicate in found])
