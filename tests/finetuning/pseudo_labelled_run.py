"""The part of a run folder that weak supervision reads: a set, its packed crops and their keypoints."""

import io
from pathlib import Path

import numpy as np
from drawn_freihand import SIDE_PX, draw_hand, random_hands

from simhand.files.packed import packed_writer
from simhand.files.tables import write_table
from simhand.finetuning.weak_supervision import PseudoLabelledSet

SHARDS = 2


def write_pseudo_labelled(folder: Path, count: int, seed: int = 5) -> PseudoLabelledSet:
    """Crops of drawn hands with known keypoints, in two shards; returns the run folder and its set."""
    joints = random_hands(count, seed)
    pixels = 150 * joints[..., :2] / joints[..., 2:] + SIDE_PX / 2
    rows = []
    for shard in range(SHARDS):
        members, keypoint_rows = range(shard, count, SHARDS), []
        crop_file = f"crops/drawn/{shard:04d}.arrow"
        (folder / crop_file).parent.mkdir(parents=True, exist_ok=True)
        with packed_writer(folder / crop_file, "crops") as writer:
            for row, hand in enumerate(members):
                where = {"hand_id": 11 * hand + 5, "video_id": f"v{hand}", "side": "right"}
                writer.append(_crop(where, pixels[hand]))
                keypoint_rows.append(_keypoints(where, pixels[hand] / SIDE_PX))
                member = {"group_id": f"v{hand}", "source": "drawn", "crop_file": crop_file, "crop_row": row}
                rows.append(where | member)
        (folder / "keypoints/drawn").mkdir(parents=True, exist_ok=True)
        write_table(folder / f"keypoints/drawn/{shard:04d}.parquet", "keypoints", keypoint_rows)
    rows.sort(key=lambda row: row["hand_id"])
    write_table(folder / "sets/all.parquet", "set", rows)
    return PseudoLabelledSet(folder, folder / "sets/all.parquet")


def _crop(where: dict[str, object], pixels: np.ndarray) -> dict[str, object]:
    buffer = io.BytesIO()
    draw_hand(pixels, (20, 60, 30)).save(buffer, "JPEG", quality=100, subsampling=0)
    box = {"x1": 0.0, "y1": 0.0, "x2": 1.0, "y2": 1.0, "score": 1.0, "window": [0.0, 0.0, 1.0, 1.0]}
    frame = {"frame_index": 0, "timestamp_s": 0.0}
    return where | frame | box | {"landmarks": None, "jpeg": buffer.getvalue()}


def _keypoints(where: dict[str, object], keypoints: np.ndarray) -> dict[str, object]:
    found = {"timestamp_s": 0.0, "score": 1.0, "z": [0.0] * 21, "valid": True}
    return where | found | {"keypoints": keypoints.ravel().astype(np.float32)}
