"""DexYCB in its own layout: one hand per image, left hands mirrored to right ones.

Chao et al., "DexYCB" (CVPR 2021); layout and conventions as in github.com/NVlabs/dex-ycb-toolkit:
``<subject>/<sequence>/meta.yml``, ``<subject>/<sequence>/<serial>/{color_%06d.jpg, labels_%06d.npz}`` and
``calibration/intrinsics/<serial>_640x480.yml``.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray

from simhand.datasets import dexycb_labels, dexycb_splits
from simhand.datasets.dexycb_labels import read_folder
from simhand.datasets.dexycb_splits import (
    SERIALS,
    SUBJECTS,
    WHOLE,
    Extent,
    Setup,
    Split,
    SplitIndices,
    image_index,
    split_indices,
)
from simhand.datasets.label_cache import Arrays, LabelCache, fingerprint
from simhand.datasets.label_checks import check_in_front, check_metres, refuse
from simhand.datasets.label_files import FileState, file_state, in_threads, list_folder
from simhand.datasets.samples import HandSamples, project
from simhand.errors import DataError
from simhand.text import listed

log = logging.getLogger("simhand")

Frames = Literal["labelled", "mostly_visible"]

WIDTH_PX, HEIGHT_PX = 640, 480
MIN_VISIBLE = 10
NEEDED_JOINTS = [0, 9]
# from RealSense's pixels, whose first one is centred on 0, to ours, whose first one begins at 0
TO_CORNER_PX = 0.5
MAX_GAP_PX = 2.0
COPY_AGAIN = "Copy or extract the data set again, or correct its `root`"


@dataclass(frozen=True)
class Sequence:
    """One recording of a subject: its folder below the root, its length, and whose hand it shows."""

    folder: str
    frames: int
    is_left: bool


def load_dexycb(
    root: Path, setup: Setup, split: Split, frames: Frames, cache: LabelCache, extent: Extent = WHOLE
) -> HandSamples:
    """The labelled images of a split, in the order of their ids.

    Image ids are those of DexYCB's own tool: places in the whole split, with gaps where a frame has no hand.
    The same moment seen by several cameras has one unique id.

    Args:
        root: folder that holds the subjects' folders and ``calibration/``.
        setup: s0 to s3.
        split: train, val or test.
        frames: ``labelled`` as DexYCB's tool, or ``mostly_visible``: at least 10 joints in the image, wrist
            and base of the middle finger among them, as in SiMHand's release.
        cache: where the labels are kept once they were read.
        extent: how much of the data set there is.

    Raises:
        DataError: files are missing, cannot be read, or contradict each other.
    """
    indices = split_indices(setup, split, extent)
    sequences = _read_sequences(root, indices, extent)
    cameras = _read_intrinsics(root, indices)
    index = image_index(indices, {place: sequence.frames for place, sequence in sequences.items()})
    folders = [
        (f"{sequence.folder}/{SERIALS[camera]}", sequence.frames)
        for sequence in sequences.values()
        for camera in indices.cameras
    ]
    states = _list_images(root, folders, cache.threads)
    labels = cache.load(
        f"dexycb-{setup}-{split}",
        root,
        fingerprint([__file__, dexycb_labels.__file__, dexycb_splits.__file__], states),
        lambda: _read_labels(root, folders, cache.threads),
    )
    kept = _choose(labels, frames, f"{root}, {setup} {split}")
    return _samples(root, index, sequences, cameras, labels, kept)


def _read_sequences(root: Path, indices: SplitIndices, extent: Extent) -> dict[tuple[int, int], Sequence]:
    """The sequences of a split by subject and place, in the order of the index."""
    folders: dict[int, list[str]] = {}
    problems = []
    for subject in indices.subjects:
        folder = root / SUBJECTS[subject]
        found = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
        folders[subject] = found
        if len(found) != extent.sequences:
            problems.append(f"{folder} ({len(found)} sequences, expected {extent.sequences})")
    refuse(problems, "subject folder(s) are not complete", f"Splits count sequences by place. {COPY_AGAIN}")
    sequences = {}
    for subject in indices.subjects:
        for place in indices.sequences:
            folder_name = f"{SUBJECTS[subject]}/{folders[subject][place]}"
            try:
                meta = _read_yaml(root / folder_name / "meta.yml")
                side = {"left": True, "right": False}[meta["mano_sides"][0]]
                sequences[subject, place] = Sequence(folder_name, int(meta["num_frames"]), side)
            except (OSError, KeyError, IndexError, TypeError, ValueError, yaml.YAMLError) as error:
                problems.append(f"{root / folder_name / 'meta.yml'} ({type(error).__name__}: {error})")
    refuse(problems, "file(s) do not tell num_frames and mano_sides", COPY_AGAIN)
    return sequences


def _read_intrinsics(root: Path, indices: SplitIndices) -> dict[int, NDArray[np.float64]]:
    """K (3, 3) of the colour cameras of a split."""
    cameras, problems = {}, []
    for camera in indices.cameras:
        path = root / "calibration/intrinsics" / f"{SERIALS[camera]}_{WIDTH_PX}x{HEIGHT_PX}.yml"
        try:
            colour = _read_yaml(path)["color"]
            fx, fy, ppx, ppy = (float(colour[name]) for name in ("fx", "fy", "ppx", "ppy"))
        except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
            problems.append(f"{path} ({type(error).__name__}: {error})")
            continue
        cameras[camera] = np.array([[fx, 0, ppx + TO_CORNER_PX], [0, fy, ppy + TO_CORNER_PX], [0, 0, 1.0]])
    refuse(problems, "calibration file(s) do not tell fx, fy, ppx and ppy under `color`", COPY_AGAIN)
    return cameras


def _read_yaml(path: Path) -> Any:
    return yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _list_images(root: Path, folders: list[tuple[str, int]], threads: int) -> dict[str, FileState]:
    """The state of every label file and the size of the images, once each of them is known to be there."""
    listed = in_threads(
        lambda folder: list_folder(root / folder[0]), folders, threads, f"{root}: folders listed"
    )
    missing = [
        f"{folder}/{name}"
        for (folder, frames), files in zip(folders, listed, strict=True)
        for frame in range(frames)
        for name in (f"color_{frame:06d}.jpg", f"labels_{frame:06d}.npz")
        if name not in files
    ]
    refuse(
        missing, f"file(s) are missing below {root}", f"meta.yml says how many frames there are. {COPY_AGAIN}"
    )
    states = {
        f"{folder}/{name}": state
        for (folder, _), files in zip(folders, listed, strict=True)
        for name, state in files.items()
        if name.startswith(("color_", "labels_"))
    }
    metas = {folder.rpartition("/")[0] for folder, _ in folders}
    return states | {f"{folder}/meta.yml": file_state(root / folder / "meta.yml") for folder in metas}


def _read_labels(root: Path, folders: list[tuple[str, int]], threads: int) -> Arrays:
    """Joints and hidden share of every frame: what :func:`read_folder` gives, folder after folder."""
    read = in_threads(
        lambda folder: read_folder(root / folder[0], folder[1], (HEIGHT_PX, WIDTH_PX)),
        folders,
        threads,
        f"{root}: camera folders read",
    )
    refuse([problem for one in read for problem in one.problems], "label file(s) are broken", COPY_AGAIN)
    return {
        "joint_3d": np.concatenate([one.joint_3d for one in read]),
        "joint_2d": np.concatenate([one.joint_2d for one in read]),
        "occluded_share": np.concatenate([one.occluded_share for one in read]),
    }


def _choose(labels: Arrays, frames: Frames, where: str) -> NDArray[np.int64]:
    """The rows to use; says how many are left out and why."""
    labelled = ~(labels["joint_3d"] == -1).all(axis=(1, 2))
    kept = labelled
    if frames == "mostly_visible":
        kept = labelled & mostly_visible(labels["joint_2d"], labels["joint_3d"])
    log.info(
        "%s: %d images, %d without a hand, %d with too few joints in the image left out, %d used",
        where,
        len(kept),
        (~labelled).sum(),
        (labelled & ~kept).sum(),
        kept.sum(),
    )
    if not kept.any():
        raise DataError(f"{where}: none of the {len(kept)} images has a labelled hand. {COPY_AGAIN}")
    return np.flatnonzero(kept)


def mostly_visible(
    joint_2d: NDArray[np.floating[Any]], joint_3d: NDArray[np.floating[Any]]
) -> NDArray[np.bool_]:
    """SiMHand's choice of frames (N,) from labels (N, 21, 2) in DexYCB's pixels and (N, 21, 3)."""
    inside = (
        (joint_2d[..., 0] != -1)
        & (joint_2d.min(axis=-1) > 0)
        & (joint_2d[..., 0] <= WIDTH_PX)
        & (joint_2d[..., 1] <= HEIGHT_PX)
        & (joint_3d[..., 0] != -1)
    )
    chosen: NDArray[np.bool_] = (inside.sum(axis=-1) >= MIN_VISIBLE) & inside[:, NEEDED_JOINTS].all(axis=-1)
    return chosen


def _samples(
    root: Path,
    index: NDArray[np.int32],
    sequences: dict[tuple[int, int], Sequence],
    cameras: dict[int, NDArray[np.float64]],
    labels: Arrays,
    kept: NDArray[np.int64],
) -> HandSamples:
    subject, place, camera, frame = index[kept].T.astype(np.int64)
    of_row = [sequences[key] for key in zip(subject.tolist(), place.tolist(), strict=True)]
    recordings = np.array(
        [f"{one.folder}/{SERIALS[serial]}" for one, serial in zip(of_row, camera, strict=True)]
    )
    images = np.array(
        [f"{one}/color_{number:06d}.jpg" for one, number in zip(recordings, frame, strict=True)]
    )
    joints = labels["joint_3d"][kept].astype(np.float64)
    pixels = labels["joint_2d"][kept].astype(np.float64) + TO_CORNER_PX
    intrinsics = np.stack([cameras[number] for number in camera.tolist()])
    check_metres(joints, str(root))
    check_in_front(joints, images, str(root))
    _compare(root, images, pixels, project(joints, intrinsics))
    moments = index[kept][:, [0, 1, 3]]
    return HandSamples.filled(
        root,
        images,
        image_ids=kept,
        unique_ids=np.unique(moments, axis=0, return_inverse=True)[1].reshape(-1),
        joints_3d_m=joints,
        joints_2d_px=pixels,
        intrinsics=intrinsics,
        sequences=recordings,
        frames=frame,
        occluded_share=labels["occluded_share"][kept].astype(np.float64),
    ).mirrored(np.where([one.is_left for one in of_row], WIDTH_PX, 0))


def _compare(
    root: Path, images: NDArray[np.str_], given: NDArray[np.float64], projected: NDArray[np.float64]
) -> None:
    """Whether 2D and 3D labels tell of the same hand; a wrong calibration shows in most of them."""
    gap = np.abs(given - projected).max(axis=(1, 2))
    apart = images[gap > MAX_GAP_PX]
    if np.median(gap) > MAX_GAP_PX:
        raise DataError(
            f"{root}: joint_3d projected with calibration/intrinsics lies {np.median(gap):.1f} pixels from "
            f"joint_2d in half of the images (expected below {MAX_GAP_PX:g}): {listed(apart.tolist())}. "
            f"Labels and calibration must be of one release. {COPY_AGAIN}"
        )
    if len(apart):
        log.warning(
            "%s: joint_2d and projected joint_3d are more than %g pixels apart in %d images, which are used "
            "as they are: %s",
            root,
            MAX_GAP_PX,
            len(apart),
            listed(apart.tolist()),
        )
