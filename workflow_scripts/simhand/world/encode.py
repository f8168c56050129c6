"""H.264 files from frames, the same bytes every time."""

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np

from simhand.files.atomic import atomic_path

_SAME_EVERYWHERE = "mbtree=0:cpu-independent=1"


def write_h264(
    path: Path | str, frames: Iterable[np.ndarray], width_px: int, height_px: int, fps: int, crf: int
) -> int:
    """Encode ``frames`` (height_px, width_px, 3) uint8 RGB into MP4 file ``path``; returns their number.

    Left alone, x264 writes different bytes from run to run: its macroblock tree reads memory it did not
    set, and its choices follow the number of threads and the processor's instructions.
    """
    count = 0
    with atomic_path(path) as partial, av.open(str(partial), "w", format="mp4") as container:
        options = {"crf": str(crf), "preset": "fast", "threads": "1", "x264-params": _SAME_EVERYWHERE}
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
        stream.codec_context.gop_size = 4 * fps
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            count += 1
        container.mux(stream.encode(None))
    return count
