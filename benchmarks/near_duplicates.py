"""Near-duplicates: what is found of edited copies, what is wrongly joined, and what a large run costs.

python benchmarks/near_duplicates.py    # from the root; rewrites benchmarks/near_duplicates.csv

Copies are made with ffmpeg from the real videos in the folder that SIMHAND_REALDATA names and from rendered
ones, and are looked for among all the others at once. "different recordings" counts every two videos that
are not one recording, copies of them among them. "halves" are two halves of one video, so two takes in one
room as far as the search can know: joining them would not be wrong here, but shows what two takes risk.
The large run is synthetic: scenes that change, with copies and a title sequence planted in it.
"""

import argparse
import csv
import itertools
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from simhand.settings.frames import FramesSettings  # noqa: E402
from simhand.settings.groups import GroupsSettings  # noqa: E402
from simhand.settings.world import WorldSettings  # noqa: E402
from simhand.videos.decoders import open_video  # noqa: E402
from simhand.videos.ffmpeg_program import ffmpeg_program  # noqa: E402
from simhand.videos.hash_bits import MIRRORED_BITS  # noqa: E402
from simhand.videos.hash_index import FrameHashes  # noqa: E402
from simhand.videos.near_duplicates import find_near_duplicates  # noqa: E402
from simhand.videos.perceptual_hash import perceptual_hash  # noqa: E402
from simhand.world.catalogue import recording_of, video_ids  # noqa: E402
from simhand.world.videos import render_video  # noqa: E402

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("part", "case", "videos", "found", "of", "seconds", "peak_mb", "machine", "date")
REALDATA = Path(os.environ.get("SIMHAND_REALDATA", ROOT.parent / "shared" / "realdata"))
THREADS = 2

BOX = "drawbox=x=iw*0.8:y=ih*0.04:w=iw*0.16:h=ih*0.1:color=white:t=fill"
EDITS = {
    "half the size, crf 35": ["-vf", "scale=-2:180", "-crf", "35"],
    "23.976 fps": ["-vf", "fps=24000/1001"],
    "0.4 s cut at the start": ["-ss", "0.4"],
    "3.7 s cut at the start": ["-ss", "3.7"],
    "bars above and below": ["-vf", "pad=iw:ih*4/3:0:(oh-ih)/2"],
    "bars left and right": ["-vf", "pad=iw*16/11:ih:(ow-iw)/2:0"],
    "white box, 1.6 % of the picture": ["-vf", BOX],
    "brighter, more contrast": ["-vf", "eq=brightness=0.1:contrast=1.15"],
    "darker": ["-vf", "eq=brightness=-0.1"],
    "5 % cut off two borders": ["-vf", "crop=iw*0.95:ih*0.95"],
    "mirrored": ["-vf", "hflip"],
    "0.4 s cut, small, brighter, 25 fps": ["-ss", "0.4", "-vf", "scale=-2:180,eq=brightness=0.06,fps=25"],
    "1.3 s cut, small, mirrored": ["-ss", "1.3", "-vf", "hflip,scale=-2:180", "-crf", "32"],
}  # fmt: skip


def edited(original: Path, options: list[str], copy: Path) -> Path:
    """A copy of a video made by ffmpeg."""
    seek = options[:2] if options[0] == "-ss" else []
    encode = ["-an", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-y", str(copy)]
    command = [ffmpeg_program(), "-v", "error", *seek, "-i", str(original), *options[len(seek) :], *encode]
    subprocess.run(command, check=True)
    return copy


def hashes_of(video: Path) -> np.ndarray:
    """One hash per second of a video."""
    settings = FramesSettings()
    with open_video(video, settings, threads=1) as opened:
        return np.array([perceptual_hash(frame.image) for frame in opened.sampled(settings.sampling)])


def originals(folder: Path) -> dict[tuple[str, str], tuple[str, Path]]:
    """Recording and file by kind and name: real videos, gestures, rendered videos."""
    found = {}
    for kind, place in (("real videos", "videos"), ("gesture clips", "gesture_pairs")):
        for file in sorted((REALDATA / place).glob("*.mp4")):
            # two cameras over one desk: one recording, though hashes cannot know
            found[kind, file.stem] = ("desk" if "stereo_desk" in file.stem else file.stem, file)
    world = WorldSettings(width_px=320, height_px=240)
    for video_id in video_ids(world):
        render_video(world, video_id, folder / f"{video_id}.mp4")
        found["rendered videos", video_id] = (recording_of(video_id), folder / f"{video_id}.mp4")
    return found


def measure_copies(folder: Path) -> list[dict[str, object]]:
    """Rows on what is found of every kind of copy and what is joined wrongly."""
    files = originals(folder)
    hashes = {(*key, "original"): hashes_of(file) for key, (_, file) in files.items()}
    for (key, (_, file)), (edit, options) in itertools.product(files.items(), EDITS.items()):
        copy = edited(file, options, folder / "copy.mp4")
        hashes[(*key, edit)] = hashes_of(copy) if copy.stat().st_size else np.empty(0, np.int64)
    for (kind, name, edit), whole in list(hashes.items()):
        if len(whole) >= 10 and kind != "gesture clips" and edit == "original":
            hashes[kind, name, "first half"] = whole[: len(whole) // 2]
            hashes[kind, name, "second half"] = whole[len(whole) // 2 :]
    keys = list(hashes)
    videos = FrameHashes(np.concatenate(list(hashes.values())), np.cumsum([0, *map(len, hashes.values())]))
    names = [str(number) for number in range(len(keys))]
    joined = {
        frozenset((keys[int(one.video_a)], keys[int(one.video_b)]))
        for one in find_near_duplicates(videos, names, GroupsSettings(), THREADS)
    }
    found, of = Counter(), Counter()
    for pair in itertools.combinations(keys, 2):
        case = case_of(*pair, {key: recording for key, (recording, _) in files.items()})
        if case:
            of[case] += 1
            found[case] += frozenset(pair) in joined
    return [
        {"part": part, "case": case, "videos": len(keys), "found": found[part, case], "of": of[part, case]}
        for part, case in of
    ]


def case_of(a: tuple[str, str, str], b: tuple[str, str, str], recordings: dict) -> tuple[str, str] | None:
    """What joining two videos, each a kind, a name and an edit, would mean."""
    edits = {a[2], b[2]}
    if recordings[a[:2]] != recordings[b[:2]]:
        return "different recordings", "originals" if edits == {"original"} else "with copies"
    if a[:2] != b[:2]:
        return "two cameras", "originals" if edits == {"original"} else "with copies"
    if edits == {"first half", "second half"}:
        return "halves", a[0]
    if "original" in edits and not edits & {"first half", "second half"}:
        return "copies: " + a[0], next(edit for edit in edits if edit != "original")
    return None


def synthetic(count: int, frames: int) -> tuple[FrameHashes, set[tuple[str, str]]]:
    """Videos whose scenes drift and change, 1 % of them copies, a tenth of them with one title sequence."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(frames // count // 2, frames // count * 3 // 2, count)
    starts = np.cumsum([0, *lengths])
    words = rng.integers(0, 2**64, (4, starts[-1]), np.uint64)
    drift = words[0] & words[1] & words[2] & words[3]
    changes = rng.random(starts[-1]) < 0.2
    changes[starts[:-1]] = True
    hashes = np.bitwise_xor.accumulate(np.where(changes, words[0], drift)) | np.uint64(1)
    planted = set()
    for original in range(count // 100):
        copy = count - 1 - original
        length = min(lengths[original] // 2, lengths[copy])
        begin = starts[original] + rng.integers(0, lengths[original] - length + 1)
        noise = np.bitwise_and.reduce(rng.integers(0, 2**64, (4, length), np.uint64))
        mirrored = np.uint64(MIRRORED_BITS * (original % 2))
        hashes[starts[copy] : starts[copy] + length] = (hashes[begin : begin + length] ^ noise ^ mirrored) | 1
        hashes[starts[copy] + length : starts[copy + 1]] = 0
        planted.add((str(original), str(copy)))
    title = hashes[:10].copy()
    for video in range(count // 2, count // 2 + count // 10):
        hashes[starts[video] : starts[video] + 10] = title
    return FrameHashes(hashes.view(np.int64), starts), planted


def measure_large_run(count: int, frames: int, results: multiprocessing.SimpleQueue) -> None:
    """One row on a synthetic run; in a process of its own, for its peak memory."""
    videos, planted = synthetic(count, frames)
    names = [str(number) for number in range(count)]
    started = time.perf_counter()
    found = find_near_duplicates(videos, names, GroupsSettings(), THREADS)
    seconds = time.perf_counter() - started
    pairs = {(one.video_a, one.video_b) for one in found}
    case = f"{len(videos.hashes)} frames on {THREADS} threads, {len(pairs - planted)} wrongly joined"
    results.put(
        {
            **{"part": "large run", "case": case, "videos": count},
            **{"found": len(pairs & planted), "of": len(planted), "seconds": f"{seconds:.0f}"},
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000,
        }
    )


def measure_hashing() -> list[dict[str, object]]:
    """Rows on what hashing a frame costs beside its JPEG."""
    frame = next(iter_frames(REALDATA / "videos" / "top_sam2_letter_blocks.mp4"))
    cv2.setNumThreads(1)
    rows = []
    for width, height in ((1280, 720), (1920, 1080)):
        image = cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC)
        jpeg = fastest(cv2.imencode, ".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])
        cost = fastest(perceptual_hash, image)
        case = f"{width} x {height}: {cost * 1e3:.2f} ms beside {jpeg * 1e3:.2f} ms for its JPEG"
        rows.append({"part": "hashing a frame", "case": case, "seconds": f"{cost:.5f}"})
    return rows


def iter_frames(video: Path):
    """The sampled frames of a video."""
    settings = FramesSettings()
    with open_video(video, settings, threads=1) as opened:
        yield from (frame.image for frame in opened.sampled(settings.sampling))


def fastest(work, *arguments) -> float:
    """The least seconds that ``work`` took of thirty times."""
    times = []
    for _ in range(30):
        started = time.perf_counter()
        work(*arguments)
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=30_000)
    parser.add_argument("--frames", type=int, default=14_000_000, help="of the large run: 3,900 hours")
    args = parser.parse_args()
    rows = measure_hashing()
    with tempfile.TemporaryDirectory() as folder:
        rows += measure_copies(Path(folder))
    results = multiprocessing.get_context("spawn").SimpleQueue()
    process = multiprocessing.get_context("spawn").Process(
        target=measure_large_run, args=(args.videos, args.frames, results)
    )
    process.start()
    rows.append(results.get())
    process.join()
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row | {"machine": machine, "date": date.today()})
            print(row)


if __name__ == "__main__":
    main()
