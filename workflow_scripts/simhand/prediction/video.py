"""H.264 video of drawings that have the time stamps of the video they were made from."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from simhand.files.atomic import atomic_path
from simhand.videos.sampling import TimedFrame

CRF = 20


def write_overlay_video(
    path: Path, frames: Iterable[TimedFrame[NDArray[np.uint8]]], rate: Fraction, time_base: Fraction
) -> int:
    """Write MP4 file ``path`` (yuv420p, index in front) as the frames come; it appears when all are written.

    An MP4 cannot hold two frames of one time: of those the first is written.

    Args:
        path: the file.
        frames: (height, width, 3) uint8 RGB, even and all of one size, with their times in ascending order.
        rate: frames per second, as the player is told; the times count.
        time_base: the times are multiples of it.

    Returns:
        How many frames were left out because they have the time of the frame before.
    """
    left_out, last = 0, None
    # faststart: the index of the file comes first, so that a browser can play it while it loads
    options = {"movflags": "+faststart"}
    with atomic_path(path) as partial, av.open(str(partial), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": str(CRF), "preset": "veryfast"})
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = stream.time_base = time_base
        for frame in frames:
            pts = round(frame.time_s / time_base)
            if last is None:
                stream.height, stream.width = frame.image.shape[:2]
            elif pts <= last:
                left_out += 1
                continue
            picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
            picture.pts, picture.time_base, last = pts, time_base, pts
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return left_out
