"""A run with painted hands: every joint is a disc of its own colour, so that a picture can be asked."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simhand.files.packed import packed_writer
from simhand.files.tables import write_table
from simhand.hands.crop import crop_window, cut_out, into_crop
from simhand.hands.images import encode_rgb
from simhand.mining.sampling import sample_set
from simhand.settings.sets import SetSettings

WIDTH, HEIGHT = 320, 240
COLOURS = np.array(list(itertools.product((0, 127, 255), repeat=3)))[1:22]
RADIUS_PX = 5
BACKGROUND = (60, 60, 60)


@dataclass
class PaintedHand:
    """Where a hand is, in pixels of its frame."""

    hand_id: int
    source: str
    video_id: str
    frame_index: int
    side: str
    joints: np.ndarray
    box: tuple[float, float, float, float]


@dataclass
class PaintedRun:
    """The run folder and the truth about its hands."""

    folder: Path
    hands: dict[int, PaintedHand] = field(default_factory=dict)
    jpegs: dict[tuple[str, int], bytes] = field(default_factory=dict)

    @property
    def set_file(self) -> Path:
        return self.folder / "sets/all.parquet"

    @property
    def pairs_file(self) -> Path:
        return self.folder / "pairs/all.parquet"

    def write_pairs(self, pairs: list[tuple[int, int, int, float]]) -> None:
        names = ("hand_id", "rank", "positive_hand_id", "distance")
        write_table(self.pairs_file, "pairs", [dict(zip(names, pair, strict=True)) for pair in sorted(pairs)])


def paint_run(folder: Path, border: str = "pad") -> PaintedRun:
    """Two sources of two videos with four frames each; two hands in most frames, some cut by the border."""
    rng = np.random.default_rng(5)
    run = PaintedRun(folder)
    for source in ("ego", "exo"):
        frames, hands = [], []
        for video in range(2):
            for index in (0, 30, 60, 90):
                video_id = f"{source} take/{video}"
                image = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
                for side, left in (("left", 0), ("right", WIDTH // 2)):
                    place = {"source": source, "video_id": video_id, "frame_index": index, "side": side}
                    hand = _paint_hand(image, rng, left, len(run.hands), **place)
                    run.hands[hand.hand_id] = hand
                    hands.append((hand, image))
                frames.append((video_id, index, image))
        _write_frames(run, source, frames)
        _write_crops(run, source, hands, border)
    groups = [{"video_id": hand.video_id, "group_id": hand.video_id} for hand in run.hands.values()]
    unique = list({row["video_id"]: row for row in groups}.values())
    write_table(folder / "videos/groups.parquet", "groups", unique)
    files = sorted((folder / "keypoints").rglob("*.parquet"))
    hands_of_set = sample_set(SetSettings(), 0, folder, files, folder / "videos/groups.parquet")
    write_table(run.set_file, "set", hands_of_set)
    ids = sorted(run.hands)
    others = {a: [b for b in ids if run.hands[b].video_id != run.hands[a].video_id] for a in ids}
    run.write_pairs(
        [
            (a, rank, int(b), float(distance))
            for a in ids
            for rank, b, distance in zip(
                (1, 2, 5), rng.permutation(others[a])[:3], np.sort(rng.uniform(size=3)), strict=True
            )
        ]
    )
    return run


def _paint_hand(
    image: np.ndarray, rng: np.random.Generator, left: int, number: int, **place: Any
) -> PaintedHand:
    """Joints on a jittered grid, so that no disc hides another; every third hand begins at the border."""
    column, row = np.arange(21) % 5, np.arange(21) // 5
    grid = np.stack([column, row], axis=1) * 16.0 + rng.uniform(-1, 1, (21, 2))
    top = rng.uniform(2, HEIGHT - 90) if number % 3 else float(rng.choice([RADIUS_PX + 1, HEIGHT - 71]))
    joints = np.float32(grid + [left + rng.uniform(8, 80), top])
    for colour, joint in zip(COLOURS.tolist(), joints.tolist(), strict=True):
        cv2.circle(image, tuple(round(value) for value in joint), RADIUS_PX, colour, -1)
    box = (*(joints.min(axis=0) - 3.4), *(joints.max(axis=0) + 2.7))
    box_px = tuple(float(value) for value in box)
    return PaintedHand(hand_id=int(rng.integers(2**62)), joints=joints, box=box_px, **place)


def _write_frames(run: PaintedRun, source: str, frames: list[tuple[str, int, np.ndarray]]) -> None:
    with packed_writer(run.folder / f"frames/{source}/0000.arrow", "frames") as writer:
        for video_id, index, image in frames:
            run.jpegs[video_id, index] = encode_rgb(image, 97)
            place = {"video_id": video_id, "frame_index": index, "timestamp_s": index / 30}
            writer.append({**place, "width": WIDTH, "height": HEIGHT, "jpeg": run.jpegs[video_id, index]})


def _write_crops(
    run: PaintedRun, source: str, hands: list[tuple[PaintedHand, np.ndarray]], border: Any
) -> None:
    rows = []
    with packed_writer(run.folder / f"crops/{source}/0000.arrow", "crops") as writer:
        for hand, image in hands:
            window = crop_window(hand.box, 1.3, border, WIDTH, HEIGHT)
            is_left = hand.side == "left"
            points = into_crop(np.c_[hand.joints, np.arange(21)], window, is_left)
            place = {"hand_id": hand.hand_id, "video_id": hand.video_id, "side": hand.side, "score": 1.0}
            place["timestamp_s"] = hand.frame_index / 30
            box = dict(zip(("x1", "y1", "x2", "y2"), hand.box, strict=True))
            crop = encode_rgb(cut_out(image, window, 224, border, is_left), 97)
            seen = {"frame_index": hand.frame_index, "window": list(window), "jpeg": crop}
            writer.append({**place, **box, **seen, "landmarks": None})
            keypoints = {"keypoints": points[:, :2].ravel(), "z": points[:, 2], "valid": True}
            rows.append({**place, **keypoints})
    write_table(run.folder / f"keypoints/{source}/0000.parquet", "keypoints", rows)


def colours_at(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The colour (N, 3) of an RGB image at points (N, 2) in pixels, the nearest one inside."""
    height, width = image.shape[:2]
    columns, rows = np.clip(np.floor(points).astype(int), 0, (width - 1, height - 1)).T
    return image[rows, columns].astype(int)
