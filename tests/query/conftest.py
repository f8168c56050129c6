"""A small run of rendered videos up to its pose embedding, made once by the code of the stages."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
import torch

from simhand.files.packed import PackedReader, packed_writer
from simhand.files.tables import make_table, read_table, write_table
from simhand.hands.crop_shard import FrameCropper
from simhand.hands.keypoint_shard import KeypointsFiles, estimate_shard
from simhand.hands.video_rows import VideoRows
from simhand.mining.pca import fit_embedding
from simhand.mining.sets import load_keypoints
from simhand.query.found_with import FoundWith
from simhand.settings.crops import CropsSettings
from simhand.settings.keypoints import KeypointsSettings
from simhand.settings.pca import PcaSettings
from simhand.settings.world import WorldSettings
from simhand.world.catalogue import video_ids
from simhand.world.videos import render_video

# Not the defaults: a query must take them from the run.
FOUND_WITH = FoundWith(
    crops=CropsSettings(box_scale=1.5, size_px=160, max_hands=2), keypoints=KeypointsSettings()
)
SHARD = "demo/0000"


@pytest.fixture(scope="session")
def mined_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with frames, crops, keypoints, and one set with its pose embedding and (no) pairs."""
    torch.set_num_threads(1)
    run = tmp_path_factory.mktemp("query") / "run"
    _find_hands(run, tmp_path_factory.mktemp("videos"))
    with PackedReader(run / f"crops/{SHARD}.arrow", "crops") as reader:
        crops = reader.table(["hand_id", "video_id", "side"]).to_pylist()
    place = {"source": "demo", "crop_file": f"crops/{SHARD}.arrow"}
    rows = [
        {**crop, **place, "group_id": crop["video_id"], "crop_row": row} for row, crop in enumerate(crops)
    ]
    hands = make_table("set", sorted(rows, key=lambda hand: hand["hand_id"]))
    write_table(run / "sets/all.parquet", "set", hands)
    keypoints = load_keypoints(run, hands)
    embedding, description = fit_embedding(keypoints, PcaSettings(dimensions=5))
    embedding.save(run / "pca/all.npz")
    description["found_with"] = FOUND_WITH.model_dump(mode="json")
    (run / "pca/all.json").write_text(json.dumps(description))
    write_table(run / "pairs/all.parquet", "pairs", [])
    return run


def _find_hands(run: Path, folder: Path) -> None:
    """Frames, crops and keypoints, in this process: no worker of the stages has to start."""
    world = WorldSettings(recordings=3, duration_s=3, fps=1)
    frames, crops = (run / stage / f"{SHARD}.arrow" for stage in ("frames", "crops"))
    with packed_writer(frames, "frames") as writer:
        for video_id in video_ids(world):
            render_video(world, video_id, str(folder / f"{video_id}.mp4"))
            video = cv2.VideoCapture(str(folder / f"{video_id}.mp4"))
            for second in range(3):
                jpeg = cv2.imencode(".jpg", video.read()[1])[1].tobytes()
                place = {"video_id": video_id, "frame_index": second, "timestamp_s": float(second)}
                writer.append({**place, "jpeg": jpeg})
    rows = FrameCropper(frames, FOUND_WITH.crops, None)(VideoRows("", list(range(3 * len(video_ids(world))))))
    with packed_writer(crops, "crops") as writer:
        for row in rows:
            writer.append(row)
    status = crops.with_suffix(".status.parquet")
    counts = Counter(row["video_id"] for row in rows)
    write_table(status, "status", [{"video_id": v, "ok": True, "hands": n} for v, n in counts.items()])
    keypoints = run / f"keypoints/{SHARD}.parquet"
    files = KeypointsFiles(crops, status, keypoints, keypoints.with_suffix(".status.parquet"))
    estimate_shard(files, FOUND_WITH.keypoints, threads=1)


@pytest.fixture(scope="session")
def hands_of_frame(mined_run: Path) -> Callable[[Path], list[dict]]:
    """Writes the stored frame with the most hands of the set as a photo; gives those hands."""

    def save(path: Path) -> list[dict]:
        hands = read_table(mined_run / f"keypoints/{SHARD}.parquet", "keypoints").to_pylist()
        of_frame: dict[tuple, list[dict]] = {}
        for hand in hands:
            of_frame.setdefault((hand["video_id"], hand["timestamp_s"]), []).append(hand)
        key = max(of_frame, key=lambda key: len(of_frame[key]))
        with PackedReader(mined_run / f"frames/{SHARD}.arrow", "frames") as frames:
            rows = frames.table(["video_id", "timestamp_s"]).to_pylist()
            row = next(n for n, row in enumerate(rows) if (row["video_id"], row["timestamp_s"]) == key)
            path.write_bytes(frames.image(row))
        return of_frame[key]

    return save
