"""A run folder in miniature: every file by the schemas of the library, with drawn hands for images."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simhand.files.packed import packed_writer
from simhand.files.tables import JOINTS, make_table, write_table
from simhand.mining.embedding import PoseEmbedding
from simhand.mining.hubness import describe_given_pairs
from simhand.videos.index_table import IndexedVideo, write_index

FRAME_WIDTH, FRAME_HEIGHT = 320, 240
CROP_PX = 64
FRAMES_PER_VIDEO = 4
RANKS = [1, 2, 5]
SET = "all"
PRETRAIN = [
    "simclr_all_none_random_seed0",
    "simhand_all_none_top1_random_seed0",
    "simhand_all_both_top1_random_seed0",
]
FINETUNE = ["none_random_seed0__rendered_100pct", *(f"{name}__rendered_100pct" for name in PRETRAIN)]
SOURCES = {"ego": ["0000", "0001"], "exo": ["0000"]}
FAILED_VIDEO = "ego_0001_broken é"


def flat_hand(rng: np.random.Generator) -> np.ndarray:
    """21 joints (21, 2) of an open right hand in [0, 1], each finger bent at random."""
    joints = np.zeros((JOINTS, 2))
    joints[0] = 0.5, 0.9
    for finger, angle in enumerate(np.radians([205, 245, 268, 288, 310])):
        curl = rng.uniform(-0.35, 0.35)
        base = joints[0] + (0.18 if finger == 0 else 0.34) * np.array([np.cos(angle), np.sin(angle)])
        for knuckle in range(4):
            joints[1 + 4 * finger + knuckle] = base
            bent = angle + curl * (knuckle + 1)
            base = base + 0.115 * np.array([np.cos(bent), np.sin(bent)])
    return joints


def draw_hand(rng: np.random.Generator, width: int, height: int, hands_px: list[np.ndarray]) -> bytes:
    """A JPEG of a gradient with hands drawn as thick strokes."""
    near, far, skin = rng.integers(60, 230, (3, 3))
    slope = np.linspace(0, 1, width)[None, :, None] * np.ones((height, 1, 1))
    image = (near * (1 - slope) + far * slope).astype(np.uint8)
    for joints in hands_px:
        thickness = max(2, int(np.ptp(joints) / 12))
        points = [tuple(int(value) for value in joint) for joint in joints]
        palm = np.array([points[joint] for joint in (0, 5, 9, 13, 17)], np.int32)
        cv2.fillPoly(image, [palm], skin.tolist())
        for finger in range(5):
            chain = [points[0], *points[1 + 4 * finger : 5 + 4 * finger]]
            for first, second in zip(chain, chain[1:], strict=False):
                cv2.line(image, first, second, skin.tolist(), thickness, cv2.LINE_AA)
    return cv2.imencode(".jpg", image)[1].tobytes()


def build_run(root: Path) -> Path:
    """Write the whole run folder under ``root`` and return it."""
    run = root / "results" / "mini"
    rng = np.random.default_rng(0)
    videos, set_rows, keypoints = _write_videos(run, rng)
    write_index(run / "videos.tsv", videos)
    _write_mining(run, set_rows, np.array(keypoints))
    _write_training(run, root, rng)
    _write_tables_inputs(run)
    return run


def _write_videos(
    run: Path, rng: np.random.Generator
) -> tuple[list[IndexedVideo], list[dict[str, Any]], list]:
    videos, set_rows, keypoints, manifest = [], [], [], []
    for source, shards in SOURCES.items():
        for shard in shards:
            names = [f"{source}_{shard}_{letter}" for letter in "abc"]
            names += [FAILED_VIDEO] if (source, shard) == ("ego", "0001") else []
            videos += [IndexedVideo(name, source, f"/videos/{name}.mp4", shard) for name in names]
            rows, points = _write_shard(run, rng, source, shard, names)
            set_rows += rows
            keypoints += points
            manifest += [_manifest_row(name, source, shard) for name in names]
    write_table(run / "videos" / "manifest.parquet", "manifest", manifest)
    groups = [{"video_id": video.video_id, "group_id": video.video_id[-1]} for video in videos]
    write_table(run / "videos" / "groups.parquet", "groups", groups)
    return videos, set_rows, keypoints


def _manifest_row(name: str, source: str, shard: str) -> dict[str, Any]:
    probe = {"duration_s": 4.0, "fps": 5.0, "width": FRAME_WIDTH, "height": FRAME_HEIGHT, "start_time_s": 0.0}
    common = {"video_id": name, "source": source, "path": f"/videos/{name}.mp4", "shard": shard}
    return {
        **common,
        **probe,
        "codec": "h264",
        "bytes": 1000,
        "status": "failed" if name == FAILED_VIDEO else "ok",
    }


def _write_shard(
    run: Path, rng: np.random.Generator, source: str, shard: str, names: list[str]
) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    set_rows, points, keypoint_rows = [], [], []
    frames_file, crops_file = (run / stage / source / f"{shard}.arrow" for stage in ("frames", "crops"))
    with packed_writer(frames_file, "frames") as frames, packed_writer(crops_file, "crops") as crops:
        for name in names:
            for index in range(0 if name == FAILED_VIDEO else FRAMES_PER_VIDEO):
                hand, size = flat_hand(rng), rng.uniform(90, 150)
                corner = rng.uniform([0, 0], [FRAME_WIDTH - size, FRAME_HEIGHT - size])
                side, hand_id = (
                    ("left", "right")[len(points) % 2],
                    10_000 * len(keypoint_rows) + hash_of(source, shard),
                )
                in_frame = corner + size * hand
                where = {"video_id": name, "timestamp_s": float(index)}
                jpeg = draw_hand(rng, FRAME_WIDTH, FRAME_HEIGHT, [in_frame])
                frames.append({**where, "frame_index": 5 * index, "width": 320, "height": 240, "jpeg": jpeg})
                low, high = in_frame.min(axis=0), in_frame.max(axis=0)
                crop = {"hand_id": hand_id, **where, "side": side, "score": float(rng.uniform(0.5, 1))}
                box = {"x1": low[0], "y1": low[1], "x2": high[0], "y2": high[1]}
                landmarks = np.column_stack([in_frame, np.zeros(JOINTS)]).ravel().tolist()
                picture = draw_hand(rng, CROP_PX, CROP_PX, [CROP_PX * hand])
                window = [*corner, *(corner + size)]
                crops.append(
                    {
                        **crop,
                        **box,
                        "frame_index": 5 * index,
                        "window": window,
                        "landmarks": landmarks,
                        "jpeg": picture,
                    }
                )
                flat = hand.ravel().tolist()
                keypoint_rows.append({**crop, "keypoints": flat, "z": [0.0] * JOINTS, "valid": True})
                place = {"crop_file": f"crops/{source}/{shard}.arrow", "crop_row": len(points)}
                set_rows.append(
                    {
                        "hand_id": hand_id,
                        "video_id": name,
                        "group_id": name,
                        "source": source,
                        "side": side,
                        **place,
                    }
                )
                points.append(hand)
    write_table(run / "keypoints" / source / f"{shard}.parquet", "keypoints", keypoint_rows)
    _write_status(run, source, shard, names)
    return set_rows, points


def hash_of(source: str, shard: str) -> int:
    """A number that tells the shards of the miniature apart."""
    return 1 + [(name, number) for name, numbers in SOURCES.items() for number in numbers].index(
        (source, shard)
    )


def _write_status(run: Path, source: str, shard: str, names: list[str]) -> None:
    for stage, table in (("frames", "frames_status"), ("crops", "status"), ("keypoints", "status")):
        rows = []
        for name in names:
            broken = name == FAILED_VIDEO
            count = 0 if broken else FRAMES_PER_VIDEO
            before = {"frames": "", "crops": "no frames: ", "keypoints": "no crops: no frames: "}[stage]
            reason = f"{before}not a video: moov atom not found" if broken else ""
            row = {"video_id": name, "ok": not broken, "frames": count, "hands": count, "reason": reason}
            rows.append({**row, **dict.fromkeys(PROBE_COLUMNS)} if table == "frames_status" else row)
        write_table(run / stage / source / f"{shard}.status.parquet", table, rows)


PROBE_COLUMNS = ("duration_s", "fps", "width", "height", "start_time_s", "codec", "bytes")


def _write_mining(run: Path, set_rows: list[dict[str, Any]], keypoints: np.ndarray) -> None:
    write_table(run / "sets" / f"{SET}.parquet", "set", set_rows)
    features = (keypoints - keypoints[:, :1]).reshape(len(keypoints), -1)
    mean = features.mean(axis=0)
    _, values, components = np.linalg.svd(features - mean, full_matrices=False)
    variance = values**2 / (len(features) - 1)
    kept = variance[:6], (variance / variance.sum())[:6]
    embedding = PoseEmbedding("wrist", 0.02, mean, components[:6], *kept)
    embedding.save(run / "pca" / f"{SET}.npz")
    places = (features - mean) @ components[:6].T
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    groups = np.array([row["group_id"] for row in set_rows])
    distances[groups[:, None] == groups] = np.inf
    pairs = []
    for anchor, row in enumerate(set_rows):
        order = np.argsort(distances[anchor], kind="stable")
        for rank in RANKS:
            positive = order[rank - 1]
            named = {"hand_id": row["hand_id"], "positive_hand_id": set_rows[positive]["hand_id"]}
            pairs.append({**named, "rank": rank, "distance": float(distances[anchor, positive])})
    write_table(run / "pairs" / f"{SET}.parquet", "pairs", pairs)
    tables = make_table("set", set_rows), make_table("pairs", pairs)
    (run / "pairs" / f"{SET}.json").write_text(json.dumps(describe_given_pairs(*tables)))


def _write_training(run: Path, root: Path, rng: np.random.Generator) -> None:
    for place, name in enumerate(PRETRAIN):
        step = {"kind": "step", "epoch": 1, "loss": 99.0}
        epochs = [_pretrain_epoch(epoch, 4 / (epoch + place)) for epoch in (1, 2, 3)]
        _write_lines(run / "pretrain" / name / "history.jsonl", [step, *epochs])
    labels = root / "labels"
    labels.mkdir(parents=True)
    intrinsics = np.array([[400.0, 0, 112], [0, 400.0, 112], [0, 0, 1]])
    samples = []
    for number in range(8):
        hand = np.column_stack([0.18 * (flat_hand(rng) - 0.5), rng.normal(0, 0.005, JOINTS) + 0.5])
        pixels = (hand @ intrinsics.T)[:, :2] / hand[:, 2:]
        (labels / f"{number:08d}.jpg").write_bytes(draw_hand(rng, 224, 224, [pixels]))
        samples.append(hand)
    for place, name in enumerate(FINETUNE):
        folder = run / "finetune" / name
        epochs = [{"epoch": e, "loss": 9 / e, "error_mm": 60 / (e + place)} for e in (1, 2, 3)]
        _write_lines(folder / "history.jsonl", epochs)
        (folder / "metrics.json").write_text(json.dumps({"data_root": str(labels)}))
        rows = [_prediction(rng, number, hand, intrinsics) for number, hand in enumerate(samples)]
        write_table(folder / "predictions.parquet", "predictions", rows)


def _pretrain_epoch(epoch: int, loss: float) -> dict[str, Any]:
    return {"kind": "epoch", "epoch": epoch, "loss": loss, "alignment": loss / 5, "uniformity": loss - 4}


def _prediction(
    rng: np.random.Generator, number: int, hand: np.ndarray, intrinsics: np.ndarray
) -> dict[str, Any]:
    predicted = hand + rng.normal(0, 0.002 * (number + 1), hand.shape)
    projected = predicted @ intrinsics.T
    return {
        "id": f"{number:08d}",
        "image": f"{number:08d}.jpg",
        "side": "right",
        "sequence": None,
        "frame": None,
        "occluded_share": None,
        "prediction": predicted.ravel().tolist(),
        "ground_truth": hand.ravel().tolist(),
        "visible": [True] * JOINTS,
        "prediction_2d": (projected[:, :2] / projected[:, 2:]).ravel().tolist(),
        "intrinsics": intrinsics.ravel().tolist(),
        "root_source": "predicted",
        "scale_source": "dataset",
    }


def _write_tables_inputs(run: Path) -> None:
    for path, seconds in (
        ("extract_frames/ego_0000", 3.2),
        ("extract_frames/ego_0001", 2.9),
        ("draw_figures", 7.25),
    ):
        file = run / "benchmarks" / f"{path}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        header = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"
        file.write_text(f"{header}\n{seconds}\t0:00:03\t210.5\t900.0\t200.0\t201.0\t0.0\t1.0\t90.0\t4.1\n")
    provenance = {
        "created": "2025-01-02T03:04:05+00:00",
        "git_commit": "0123456789abcdef0123456789abcdef01234567",
        "git_changes": ["?? notes.txt"],
        "python": "3.11.7",
        "packages": {"numpy": "1.26.4", "torch": "2.15.0", "pyarrow": "25.0.0", "unheard-of": "1.0"},
        "host": "workstation",
        "system": "Linux",
        "processor": "Some CPU",
        "cores": 2,
        "gpu": None,
        "config_sha256": "ab" * 32,
        "config": {"run": "mini", "preset": "ours", "seeds": [0], "report": {"notice": "<drawn> hands"}},
    }
    (run / "provenance.json").write_text(json.dumps(provenance))


def _write_lines(path: Path, records: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def metric_rows(
    experiment: str, seed: int, mpjpe: float | None, pck_auc: float | None, **columns: Any
) -> list[dict]:
    """Rows of the metrics table for one experiment: protocol simhand and another one."""
    common = {
        "experiment": experiment,
        "method": "none",
        "set": None,
        "weighting": "none",
        "top_k": None,
        "init": "random",
        "dataset": "rendered",
        "label_fraction": 1.0,
        "seed": seed,
        "samples": 8,
        "failures": 0,
        **columns,
    }
    scores = [("mpjpe", mpjpe, "mm"), ("pck_auc", pck_auc, "%")]
    measured = [
        {**common, "protocol": "simhand", "metric": name, "value": v, "unit": u} for name, v, u in scores
    ]
    return [
        *measured,
        {**common, "protocol": "freihand_absolute", "metric": "mpjpe", "value": 99.0, "unit": "mm"},
    ]
