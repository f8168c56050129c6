"""A small run folder of drawn hands: crops, keypoints, a set and its pairs; and experiments on it."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from simhand.files.packed import packed_writer
from simhand.files.tables import write_table
from simhand.settings.experiments import PretrainExperiment

SIZE_PX = 96
SHARDS = 2
BONES = [(0, 1), *((joint, joint + 1) for joint in range(1, 20) if joint % 4)] + [
    (0, base) for base in (5, 9, 13, 17)
]


@dataclass(frozen=True)
class Run:
    """Where the files of the drawn run are."""

    folder: Path
    set_file: Path
    pairs_file: Path
    hands: int


def draw_hand(pose: np.random.Generator, look: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A stick hand (SIZE_PX, SIZE_PX, 3) with fingers of any length, turned, and its keypoints (21, 2)."""
    keypoints = np.zeros((21, 2))
    turn = pose.uniform(-180, 180)
    for finger in range(5):
        direction = np.deg2rad(turn - 50 + 25 * finger)
        along = np.array([np.cos(direction), np.sin(direction)])
        reach = pose.uniform(0.01, 0.14)
        for joint in range(4):
            keypoints[1 + 4 * finger + joint] = (0.25 + joint * reach) * along
    keypoints += 0.5 - (keypoints.min(axis=0) + keypoints.max(axis=0)) / 2
    image = np.full((SIZE_PX, SIZE_PX, 3), look.integers(0, 256, 3), np.uint8)
    skin = tuple(int(value) for value in look.integers(0, 256, 3))
    for start, end in BONES:
        from_px, to_px = (tuple(int(v) for v in keypoints[joint] * SIZE_PX) for joint in (start, end))
        cv2.line(image, from_px, to_px, skin, 5)
    return image, keypoints


def write_run(folder: Path, hands: int, without_partner: int = 0) -> Run:
    """Write ``hands`` drawn hands in pairs of one pose, in two shards, the last few without a partner."""
    ids = np.arange(hands) * 1000 + 7
    drawn = [draw_hand(np.random.default_rng(i // 2), np.random.default_rng(100 + i)) for i in range(hands)]
    rows = []
    for shard in range(SHARDS):
        members = range(shard, hands, SHARDS)
        crop_file = f"crops/drawn/{shard:03d}.arrow"
        (folder / crop_file).parent.mkdir(parents=True, exist_ok=True)
        keypoint_rows = []
        with packed_writer(folder / crop_file, "crops") as writer:
            for row, hand in enumerate(members):
                image, keypoints = drawn[hand]
                writer.append(_crop(int(ids[hand]), image))
                keypoint_rows.append(_keypoints(int(ids[hand]), keypoints))
                rows.append(_member(int(ids[hand]), crop_file, row))
        (folder / "keypoints/drawn").mkdir(parents=True, exist_ok=True)
        write_table(folder / f"keypoints/drawn/{shard:03d}.parquet", "keypoints", keypoint_rows)
    rows.sort(key=lambda row: row["hand_id"])
    write_table(folder / "sets/all.parquet", "set", rows)
    pairs = [
        {"hand_id": ids[i], "rank": 1, "positive_hand_id": ids[i ^ 1], "distance": 0.0}
        for i in range(hands - without_partner)
    ]
    write_table(folder / "pairs/all.parquet", "pairs", pairs)
    return Run(folder, folder / "sets/all.parquet", folder / "pairs/all.parquet", hands)


def _crop(hand_id: int, image: np.ndarray) -> dict[str, object]:
    jpeg = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    box = {"x1": 0.0, "y1": 0.0, "x2": 1.0, "y2": 1.0, "score": 1.0, "window": [0.0, 0.0, 1.0, 1.0]}
    where = {"video_id": f"v{hand_id}", "frame_index": 0, "timestamp_s": 0.0, "side": "right"}
    return {"hand_id": hand_id, **where, **box, "landmarks": None, "jpeg": jpeg}


def _keypoints(hand_id: int, keypoints: np.ndarray) -> dict[str, object]:
    where = {"video_id": f"v{hand_id}", "timestamp_s": 0.0, "side": "right", "score": 1.0}
    return {"hand_id": hand_id, **where, "keypoints": keypoints.ravel(), "z": [0.0] * 21, "valid": True}


def _member(hand_id: int, crop_file: str, row: int) -> dict[str, object]:
    where = {"video_id": f"v{hand_id}", "group_id": f"v{hand_id}", "source": "drawn", "side": "right"}
    return {"hand_id": hand_id, **where, "crop_file": crop_file, "crop_row": row}


def experiment(method: str, **changes: object) -> PretrainExperiment:
    """An experiment on the drawn run."""
    plain = {
        "name": f"{method}-test",
        "set": "all",
        "weighting": "none",
        "top_k": 1,
        "init": "random",
        "seed": 0,
    }
    return PretrainExperiment.model_validate({"method": method, **plain, **changes})
