"""How good mined partners are where the truth is known, by normalisation and dimensions of the embedding.

    python benchmarks/mining_quality.py                # all parts; gestures if their clips are there
    python benchmarks/mining_quality.py --parts gestures --clips FOLDER
    python benchmarks/mining_quality.py --parts planned --recordings 40 --queries 100

From the root of the checkout; replaces the rows of benchmarks/mining_quality.csv that it measures again.
Hands are seen once a second; partners are of rank 1, of another recording. Every row gives the mean over
its hands of what their mined partner is worth, the best possible one, and a random one (the mean over all of
other recordings); `share_lost` = (mined - best) / (random - best). `keypoint_error` is the mean distance of
keypoints from the truth, over the longer side of the hand's box.

planned: the rendered world by its plans: true keypoints, and with noise of MediaPipe's size on them.
rendered: a smaller one, drawn: the hands that MediaPipe finds, by its keypoints and by true ones.
The pose error is the mean distance of joints in mm, left hands mirrored as in the crops: with the wrists laid
over each other, so that the rotation that the camera sees counts, and after Procrustes alignment, which takes
rotation and size away.
gestures: the gesture clips: does the partner in another clip show the same gesture (1) or not (0)? Only the
hands that count are mined. raised hands: of each frame the one whose wrist is higher. asked for one: the hand
that MediaPipe gives if it may give one only, the palm it is surest of. surest side: of each frame the hand of
best `score`, which is MediaPipe's confidence in left or right. all hands: those of hanging arms too.
"""

import argparse
import csv
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import numpy as np
from clip_stages import FoundHands, find_hands
from partner_quality import (
    PartnerQuality,
    mined_partners,
    one_per_frame,
    partner_quality,
    pose_errors_mm,
    same_label,
)
from true_poses import PosedHands, planned_hands, rendered_hands, small_world

from simhand.evaluation.alignment import wrist_aligned
from simhand.evaluation.procrustes import procrustes_rotation
from simhand.settings.crops import CropsSettings
from simhand.settings.pca import Normalisation, PcaSettings

ROOT = Path(__file__).resolve().parents[1]
CLIPS = Path(os.environ.get("SIMHAND_REALDATA", ROOT.parent / "shared/realdata")) / "gesture_pairs"
TABLE = Path(__file__).with_suffix(".csv")
SETTING = ("data", "keypoints", "keypoint_error", "normalisation", "dimensions", "measure")
COLUMNS = (*SETTING, *PartnerQuality._fields, "share_lost", "machine", "date")
PARTS = ("planned", "rendered", "gestures")
NORMALISATIONS: tuple[Normalisation, ...] = get_args(Normalisation)
# With the wrist in the middle, 40 are all there are.
DIMENSIONS = (2, 4, 7, 14, 21, 40)
MEDIAPIPE_ERROR = 0.05
ALIGNMENTS = {"pose error, mm": wrist_aligned, "pose error after Procrustes, mm": procrustes_rotation}
SECONDS = 20

Row = dict[str, object]


def all_settings() -> Iterator[PcaSettings]:
    """Every normalisation with every number of dimensions."""
    for normalisation in NORMALISATIONS:
        for dimensions in DIMENSIONS:
            yield PcaSettings(normalisation=normalisation, dimensions=dimensions)


def row_of(measure: str, settings: PcaSettings, quality: PartnerQuality) -> Row:
    """The columns that every part has."""
    setting = {"normalisation": settings.normalisation, "dimensions": settings.dimensions, "measure": measure}
    return {**setting, **quality._asdict(), "share_lost": quality.share_lost}


def pose_rows(
    posed: PosedHands, given: dict[str, tuple[float, np.ndarray]], queries: int, threads: int
) -> Iterator[Row]:
    """Rows for hands of known pose, by the name of their keypoints: error and (N, 21, 2)."""
    groups = np.unique(posed.hands["group_id"].to_pylist(), return_inverse=True)[1]
    some = np.sort(np.random.default_rng(0).permutation(len(groups))[:queries])
    errors = {name: pose_errors_mm(posed.joints_m, groups, some, align) for name, align in ALIGNMENTS.items()}
    for name, (error, keypoints) in given.items():
        for settings in all_settings():
            partners = mined_partners(posed.hands, keypoints, settings, threads)
            for measure, values in errors.items():
                row = row_of(measure, settings, partner_quality(values, some, partners))
                yield {"keypoints": name, "keypoint_error": error, **row}


def gesture_rows(
    clips: Path, counted: dict[str, FoundHands], embeddings: Iterable[PcaSettings], threads: int
) -> Iterator[Row]:
    """Rows for hands of clips whose gestures ``manifest.json`` names, by the name of what counts."""
    manifest = json.loads((clips / "manifest.json").read_text())
    gestures = {Path(row["file"]).stem: row["gesture"] for row in manifest}
    embeddings = list(embeddings)
    for name, found in counted.items():
        labels = np.array([gestures[video] for video in found.hands["video_id"].to_pylist()])
        groups = np.unique(found.hands["group_id"].to_pylist(), return_inverse=True)[1]
        everyone = np.arange(len(labels))
        values = same_label(labels, groups, everyone)
        for settings in embeddings:
            partners = mined_partners(found.hands, found.keypoints, settings, threads)
            quality = partner_quality(values, everyone, partners, best=np.nanmax)
            yield {"keypoints": "MediaPipe", **row_of(f"same gesture, {name}", settings, quality)}


def hands_that_count(found: FoundHands) -> dict[str, FoundHands]:
    """All hands, and the one of each frame that different definitions choose."""
    columns = (found.crops[name].to_pylist() for name in ("video_id", "frame_index"))
    frames = np.array([f"{video} {frame:09d}" for video, frame in zip(*columns, strict=True)])
    wrist_y = found.landmarks_px[:, 0, 1]
    return {
        "raised hands": found.take(one_per_frame(frames, wrist_y)),
        "surest side": found.take(one_per_frame(frames, -found.crops["score"].to_numpy())),
        "all hands": found,
    }


def measure_gestures(clips: Path, folder: Path, threads: int) -> list[Row]:
    """All rows of the gesture clips."""
    counted = hands_that_count(find_hands(clips, folder / "all", CropsSettings(), threads))
    counted["asked for one"] = find_hands(clips, folder / "one", CropsSettings(max_hands=1), threads)
    return list(gesture_rows(clips, counted, all_settings(), threads))


def write_rows(part: str, rows: list[Row]) -> None:
    """Replace the rows of ``part`` in the table."""
    kept: list[Row] = []
    if TABLE.exists():
        with TABLE.open(newline="") as file:
            kept = [dict(row) for row in csv.DictReader(file) if row["data"] != part]
    common = {"data": part, "machine": platform.machine(), "date": date.today()}
    written = [
        {
            name: f"{value:.4f}" if isinstance(value, float) else value
            for name, value in (common | row).items()
        }
        for row in rows
    ]
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(sorted(kept + written, key=lambda row: PARTS.index(str(row["data"]))))


def show(part: str, rows: list[Row]) -> None:
    """Print the measures of a part side by side: worth of the mined partner, and share lost."""
    measures = list(dict.fromkeys(str(row["measure"]) for row in rows))
    print(f"\n{part}: worth of the mined partner (share lost)")
    for measure in measures:
        first = next(row for row in rows if row["measure"] == measure)
        print(f"  {measure}: {first['hands']} hands, best {first['best']:.3f}, random {first['random']:.3f}")
    print(" | ".join(["keypoints", "normalisation", "D", *measures]))
    settings = dict.fromkeys((row["keypoints"], row["normalisation"], row["dimensions"]) for row in rows)
    for setting in settings:
        mine = [row for row in rows if (row["keypoints"], row["normalisation"], row["dimensions"]) == setting]
        cells = [f"{row['mined']:.4f} ({row['share_lost']:.3f})" for row in mine]
        print(" | ".join([*map(str, setting), *cells]))


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--recordings", type=int, default=400, help="of the planned world")
    parser.add_argument("--drawn", type=int, default=40, help="recordings of the rendered world")
    parser.add_argument("--queries", type=int, default=1000, help="most hands whose partner is judged")
    parser.add_argument("--clips", type=Path, default=CLIPS, help="folder of the gesture clips")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    for part in args.parts:
        with tempfile.TemporaryDirectory() as folder:
            if part == "planned":
                posed = planned_hands(small_world(args.recordings, SECONDS))
                errors = {"truth": 0.0, "truth with noise": MEDIAPIPE_ERROR}
                given = {name: (error, posed.keypoints(error)) for name, error in errors.items()}
                rows = list(pose_rows(posed, given, args.queries, args.threads))
            elif part == "rendered":
                world = small_world(args.drawn, SECONDS)
                posed, seen, error = rendered_hands(world, Path(folder), args.threads)
                given = {"truth": (0.0, posed.keypoints()), "MediaPipe": (error, seen)}
                rows = list(pose_rows(posed, given, args.queries, args.threads))
            elif args.clips.is_dir():
                rows = measure_gestures(args.clips, Path(folder), args.threads)
            else:
                print(f"no gesture clips at {args.clips}: their rows stay as they are")
                continue
        show(part, rows)
        write_rows(part, rows)


if __name__ == "__main__":
    main()
