"""How the released scripts name the frames that they take from a video."""

import re

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
FRAME_NAME = re.compile(r"frame_(\d+)\.(?:jpe?g|png)", re.IGNORECASE)


def frame_number(name: str) -> int | None:
    """The number in the original video of the frame in file ``name``; None for another kind of file."""
    match = FRAME_NAME.fullmatch(name)
    return int(match[1]) if match else None
