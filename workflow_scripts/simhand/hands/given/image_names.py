"""Which frame of which video an image shows, from its path.

Two ways of naming are known, both from the data sets' own tools:

- ``<video id>/frame_000030.jpg``, as the released scripts write frames: number 30 counts the frames of the
  video from 0.
- ``<genre>_v_<YouTube id>_frame000071.jpg``, as 100DOH names its annotated images: these were taken with
  ``ffmpeg -vf fps=0.5`` and count from 1, so image k shows the last frame before 2 k - 1 seconds (ffmpeg's
  ``fps`` filter rounds to the nearest multiple of 2 s; JudyYe/hoi_vid finds the frames again this way).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from simhand.errors import DataError
from simhand.videos.frame_names import frame_number

DOH_NAME = re.compile(r"(?P<video>.+_v_(?P<youtube>[\w-]{11}))_frame(?P<number>\d+)\.(?:jpe?g|png)", re.I)
DOH_INTERVAL_S = 2


@dataclass(frozen=True)
class ImagePlace:
    """A frame of a video: the ids that the video may have, and the frame's index or its time."""

    video_ids: tuple[str, ...]
    frame_index: int | None
    timestamp_s: float | None

    def video_in(self, known: Collection[str]) -> str:
        """The first of the possible ids that is ``known``, else the shortest."""
        return next((name for name in self.video_ids if name in known), self.video_ids[-1])


def place_of_image(image: str, where: str) -> ImagePlace:
    """What the path of an image tells; ``where`` it stands is for the message.

    A video id may hold slashes, so the folder of ``a/b/frame_000030.jpg`` may be video ``a/b`` or ``b``.

    Raises:
        DataError: it is named in neither of the two ways.
    """
    path = PurePosixPath(image.replace("\\", "/"))
    if match := DOH_NAME.fullmatch(path.name):
        time_s = float(DOH_INTERVAL_S * int(match["number"]) - 1)
        return ImagePlace((match["video"], match["youtube"]), None, time_s)
    number = frame_number(path.name)
    folders = [part for part in path.parent.parts if part != "/"]
    if number is None or not folders:
        raise DataError(
            f"{where} does not tell which frame it is: expected <video id>/frame_000030.jpg or 100DOH's "
            "<genre>_v_<YouTube id>_frame000071.jpg; rename it, or give a table with video_id and frame_index"
        )
    ends = tuple("/".join(folders[start:]) for start in range(len(folders)))
    return ImagePlace(ends, number, None)
