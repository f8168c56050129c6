"""Acceleration error of predictions in recordings: how much they shake.

As in Kanazawa et al., "Learning 3D Human Dynamics from Video" (CVPR 2019), section 5, and the metric
code of its successors: the length of the difference between predicted and true acceleration of a joint,
where acceleration is x(t-1) - 2 x(t) + x(t+1) in mm per squared frame, counted where all three are seen.
"""

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


def neighbouring_frames(tracks: IntArray, frames: IntArray) -> IntArray:
    """Rows (M, 3) of every three consecutive frames of one hand, in order of track and time.

    Consecutive frames are one step apart; the step is the commonest distance between successive frames
    (labels may be of every second frame of a video). A gap breaks the track.

    Args:
        tracks: (N,) number of the hand in its recording; negative for single pictures.
        frames: (N,) place in the recording.
    """
    order = np.lexsort((frames, tracks))
    order = order[tracks[order] >= 0]
    track, frame = tracks[order], frames[order]
    distances = np.where(np.diff(track) == 0, np.diff(frame), 0)
    if not (distances > 0).any():
        return np.empty((0, 3), dtype=np.int64)
    values, counts = np.unique(distances[distances > 0], return_counts=True)
    consecutive = distances == values[np.argmax(counts)]
    middle = np.flatnonzero(consecutive[:-1] & consecutive[1:]) + 1
    return np.stack([order[middle - 1], order[middle], order[middle + 1]], axis=1)


def acceleration_errors(
    residuals: Float64Array, counted: BoolArray, triples: IntArray
) -> tuple[Float64Array, BoolArray]:
    """Errors (M, 21) of the middle frames of ``triples`` (M, 3), and which of them count.

    Accelerations are linear, so the error is the acceleration of prediction minus truth.

    Args:
        residuals: (N, 21, 3) prediction minus truth, as a protocol lays one over the other.
        counted: (N, 21) joints that count.
        triples: rows of consecutive frames.
    """
    before, middle, after = triples.T
    difference = residuals[before] - 2 * residuals[middle] + residuals[after]
    return np.linalg.norm(difference, axis=-1), counted[triples].all(axis=1)
