"""Hands looked up in a table of detections, whoever made it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simhand.files.tables import read_table
from simhand.hands.detector import DetectedHand, FrameKey, Side

PLACE = ["video_id", "frame_index"]
HAND = ["x1", "y1", "x2", "y2", "side", "score"]


class StoredDetections:
    """Gives the hands that table ``detections`` has of a frame, in its order; it has no landmarks.

    Raises:
        DataError: the table is missing or another one.
    """

    def __init__(self, detections: Path) -> None:
        table = read_table(detections, "detections", ["kind", *PLACE, *HAND])
        table = table.filter(pc.field("kind") == "hand")
        # Arrow sorts stably: the hands of a frame stay in their order
        table = table.sort_by([(name, "ascending") for name in PLACE]).combine_chunks()
        videos = pc.run_end_encode(pa.chunked_array(table["video_id"]).combine_chunks())
        ends = videos.run_ends.to_pylist()
        self._rows = dict(zip(videos.values.to_pylist(), zip([0, *ends], ends, strict=False), strict=True))
        self._frame_index = table["frame_index"].to_numpy()
        self._hands = table.select(HAND)

    def detect(self, rgb: np.ndarray, key: FrameKey) -> list[DetectedHand]:
        """The hands of frame ``key`` in the order of the table; ``rgb`` is not looked at."""
        start, end = self._rows.get(key.video_id, (0, 0))
        of_video = self._frame_index[start:end]
        first, last = (int(np.searchsorted(of_video, key.frame_index, side)) for side in ("left", "right"))
        rows = self._hands.slice(start + first, last - first).to_pylist()
        return [_hand(**row) for row in rows]


def _hand(x1: float, y1: float, x2: float, y2: float, side: Side, score: float) -> DetectedHand:
    return DetectedHand((x1, y1, x2, y2), side, score, landmarks=None)
