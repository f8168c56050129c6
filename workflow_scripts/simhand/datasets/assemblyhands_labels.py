"""The annotation files of AssemblyHands: every hand with a box, in the camera that took its image."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from simhand.datasets.assemblyhands_rules import SIDES, TO_WRIST_FIRST
from simhand.datasets.label_cache import Arrays
from simhand.datasets.label_checks import refuse
from simhand.errors import DataError

MM = 1e-3
CAMERA_SUFFIX = "_mono10bit"
COPY_AGAIN = "The three files of a split must be of one release, v1-1: copy or download them again"


def annotation_files(root: Path, split: str) -> dict[str, Path]:
    """The three files of a split: ``data`` (images and boxes), ``calib`` (cameras), ``joint_3d``."""
    folder = root / "annotations" / split
    return {
        "data": folder / f"assemblyhands_{split}_ego_data_v1-1.json",
        "calib": folder / f"assemblyhands_{split}_ego_calib_v1-1.json",
        "joint_3d": folder / f"assemblyhands_{split}_joint_3d_v1-1.json",
    }


def read_hands(root: Path, split: str) -> Arrays:
    """Every hand with a box, in the order of the file, the right hand of an image before the left.

    Returns:
        id (N,), twice the annotation's place in the file, plus one for a left hand; image (N,) paths below
        ``images/``; width_px (N,); is_left (N,); joints_m (N, 21, 3) wrist first, camera frame;
        valid (N, 21); intrinsics (N, 3, 3); box (N, 4) x1 y1 x2 y2; sequence, camera (N,) and frame (N,).

    Raises:
        DataError: a file is missing or not as expected, or an annotation's image, camera or joints are.
    """
    files = annotation_files(root, split)
    data = _read_json(files["data"])
    cameras = _entry(_read_json(files["calib"]), "calibration", files["calib"])
    joints = _entry(_read_json(files["joint_3d"]), "annotations", files["joint_3d"])
    images = {image["id"]: image for image in _entry(data, "images", files["data"])}
    rows: list[dict[str, Any]] = []
    problems = []
    for place, annotation in enumerate(_entry(data, "annotations", files["data"])):
        try:
            rows += _hands_of(place, annotation, images, cameras, joints)
        except (KeyError, ValueError, TypeError) as error:
            problems.append(f"annotation {place} of image {annotation.get('image_id')} ({_reason(error)})")
    refuse(problems, f"annotation(s) of {files['data']} are not complete", COPY_AGAIN)
    if not rows:
        raise DataError(f"{files['data']} has no hand with a box. {COPY_AGAIN}")
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _hands_of(
    place: int, annotation: Any, images: dict[Any, Any], cameras: Any, joints: Any
) -> list[dict[str, Any]]:
    """The hands with a box of one annotation."""
    image = images[annotation["image_id"]]
    sequence, camera, frame = str(image["seq_name"]), image["camera"] + CAMERA_SUFFIX, int(image["frame_idx"])
    intrinsics = np.array(cameras[sequence]["intrinsics"][camera], dtype=np.float64).reshape(3, 3)
    pose = np.array(cameras[sequence]["extrinsics"][f"{frame:06d}"][camera], dtype=np.float64).reshape(3, 4)
    world = np.array(joints[sequence][f"{frame:06d}"]["world_coord"], dtype=np.float64).reshape(2, 21, 3)
    valid = np.array(annotation["joint_valid"], dtype=np.float64).reshape(2, 21) > 0
    in_camera = (world @ pose[:, :3].T + pose[:, 3]) * MM
    return [
        {
            "id": 2 * place + hand,
            "image": image["file_name"],
            "width_px": int(image["width"]),
            "is_left": side == "left",
            "joints_m": in_camera[hand, TO_WRIST_FIRST],
            "valid": valid[hand, TO_WRIST_FIRST],
            "intrinsics": intrinsics,
            "box": np.array(annotation["bbox"][side], dtype=np.float64).reshape(4),
            "sequence": sequence,
            "camera": camera,
            "frame": frame,
        }
        for hand, side in enumerate(SIDES)
        if annotation["bbox"][side] is not None
    ]


def _reason(error: Exception) -> str:
    return f"no entry {error}" if isinstance(error, KeyError) else str(error)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(
            f"{path} does not exist; expected AssemblyHands' layout: annotations/ and images/ below the data "
            "set's `root`; correct it, or copy the annotations there"
        ) from error
    except ValueError as error:
        raise DataError(f"{path} is not JSON ({error}); copy or download it again") from error


def _entry(content: Any, name: str, path: Path) -> Any:
    if not isinstance(content, dict) or not content.get(name):
        raise DataError(f"{path} has no entry `{name}`. {COPY_AGAIN}")
    return content[name]
