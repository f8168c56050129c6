"""What is said of given boxes that are not used."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from simhand.errors import DataError
from simhand.hands.given.box_rows import BoxFile
from simhand.hands.given.file_names import BOXES, names_in_folder
from simhand.hands.given.match import NO_FRAME, SampledFrames

SHOWN = 3

log = logging.getLogger("simhand")


def tell_other_videos(files: Sequence[BoxFile], run_videos: set[str]) -> None:
    """Log how many boxes are of videos that are not in the run.

    Raises:
        DataError: a file has no others.
    """
    for file in files:
        unknown = {name: count for name, count in file.elsewhere.items() if name not in run_videos}
        if not unknown:
            continue
        boxes, names = sum(unknown.values()), ", ".join(list(unknown)[:SHOWN])
        if len(unknown) == len(file.elsewhere) and not len(file.boxes):
            raise DataError(
                f"{file.path}: all {boxes} boxes are of videos that are not in the run, such as {names}; the "
                f"run has {', '.join(sorted(run_videos)[:SHOWN])}; make the names agree"
            )
        told = (file.path, boxes, len(unknown), names)
        log.warning("%s: %d boxes of %d videos that are not in the run are not used: %s ...", *told)


def tell_unused_files(given: Path, used: set[str]) -> None:
    """Log which files of a folder are named after nothing in the run."""
    unused = sorted(set(names_in_folder(given, BOXES)) - used)
    if unused:
        some = ", ".join(unused[:SHOWN])
        log.warning("%s: %d files belong to no video of the run: %s ...", given, len(unused), some)


def notes_of_video(frame: np.ndarray, problems: np.ndarray, corners: np.ndarray) -> Iterator[str]:
    """What is worth knowing of the boxes of a video that are left out.

    Args:
        frame: (M,) number of the frame of each box, or NO_FRAME.
        problems: (M,) why a box cannot be used, or an empty text.
        corners: (M, 4) the boxes.
    """
    unmatched = int((frame == NO_FRAME).sum())
    if unmatched:
        yield f"{unmatched} boxes at frames that are not sampled"
    bad = np.flatnonzero((frame != NO_FRAME) & (problems != ""))
    if len(bad):
        counts = ", ".join(f"{count} {problem}" for problem, count in Counter(problems[bad]).items())
        first = ", ".join(f"{value:g}" for value in corners[bad[0]])
        yield f"{len(bad)} unusable boxes: {counts} (the first: {first})"


def no_match(files: Sequence[BoxFile], boxes: pa.Table, frames_of: Mapping[str, SampledFrames]) -> str:
    """The message when there are boxes of the shard's videos and none of them can be used."""
    first = boxes.slice(0, 1).to_pylist()[0]
    frames = frames_of.get(first["video_id"]) or next(iter(frames_of.values()))
    some = zip(frames.index[:SHOWN], frames.time_s[:SHOWN], strict=True)
    sampled = ", ".join(f"{index} ({time_s:.3f} s)" for index, time_s in some)
    return (
        f"{files[0].path}: none of the {len(boxes)} boxes of this shard can be used. Expected boxes at "
        f"sampled frames, such as {sampled}; the first is of video '{first['video_id']}', frame_index "
        f"{first['frame_index']}, timestamp_s {first['timestamp_s']}. frame_index counts the video's frames "
        "from 0, timestamp_s is a frame's PTS, and crops.boxes_tolerance_s says how far from it a box may be"
    )
