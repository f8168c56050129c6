"""Which sampled frame each given box belongs to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64Array = npt.NDArray[np.int64]
Float64Array = npt.NDArray[np.float64]

NO_FRAME = -1
NO_INDEX = -1


@dataclass(frozen=True)
class SampledFrames:
    """The frames of one video in their order.

    Attributes:
        index: (N,) number in the video.
        time_s: (N,) presentation time in seconds.
        size: (N, 2) width and height in pixels.
    """

    index: Int64Array
    time_s: Float64Array
    size: Int64Array


def frames_of_boxes(
    frames: SampledFrames, index: Int64Array, time_s: Float64Array, tolerance_s: float
) -> Int64Array:
    """The number in ``frames`` of the frame that each of M boxes lies in, NO_FRAME for none of them.

    A box belongs to the frame with its index. One without index, or whose index is of no sampled frame,
    belongs to the nearest frame by time; of the times within ``tolerance_s`` of a frame only the nearest
    counts, for boxes of the frames before and after show the same hands again.

    Args:
        frames: of the video.
        index: (M,) index in the video, NO_INDEX where it is not given.
        time_s: (M,) seconds as in the frames, NaN where not given.
        tolerance_s: largest difference in time.
    """
    place = np.searchsorted(frames.index, index).clip(max=len(frames.index) - 1)
    by_index = np.where(frames.index[place] == index, place, NO_FRAME)
    open_boxes = (by_index == NO_FRAME) & np.isfinite(time_s)
    times, time_of_box = np.unique(time_s[open_boxes], return_inverse=True)
    frame_of_time = _nearest_frames(frames, times, tolerance_s)
    frame_of_time[np.isin(frame_of_time, by_index)] = NO_FRAME
    found = by_index.copy()
    found[open_boxes] = frame_of_time[time_of_box]
    return found


def _nearest_frames(frames: SampledFrames, times: Float64Array, tolerance_s: float) -> Int64Array:
    """For sorted ``times`` the nearest frame, and NO_FRAME for those that are not the nearest to theirs."""
    after = np.searchsorted(frames.time_s, times).clip(min=1)
    candidates = np.stack([after - 1, np.minimum(after, len(frames.time_s) - 1)])
    gaps = np.abs(frames.time_s[candidates] - times)
    nearest = candidates[gaps.argmin(axis=0), np.arange(len(times))]
    gap = gaps.min(axis=0)
    order = np.lexsort((gap, nearest))
    is_best = np.ones(len(times), bool)
    is_best[order[1:]] = nearest[order[1:]] != nearest[order[:-1]]
    return np.where(is_best & (gap <= tolerance_s), nearest, NO_FRAME)
