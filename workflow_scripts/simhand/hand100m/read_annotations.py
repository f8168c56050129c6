"""Hand100M annotation files to one table of hands, read as a stream: the large ones are gigabytes of JSON."""

import hashlib
import json
import logging
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import ijson
import numpy as np
from pydantic import BaseModel, ValidationError

from simhand.errors import DataError
from simhand.files.packed import packed_writer
from simhand.hand100m.annotation_format import FrameImage, HandAnnotation, Number
from simhand.mining.sets import check_unique
from simhand.videos.frame_names import frame_number

BUFFER_BYTES = 1 << 20
INT64 = range(-(2**63), 2**63)

log = logging.getLogger("simhand")

Entry = TypeVar("Entry", bound=BaseModel)


def read_annotations(files: Mapping[str, Path], fps: float, out: Path) -> None:
    """Write the hands of ``files`` (by source) as packed table ``annotations``, in the order of the files.

    Memory grows with the number of images and hands, by their names and numbers alone. Of one file a hand
    keeps its hand_id; numbers of several files may collide, so each becomes a hash of source and hand_id.

    Args:
        files: the annotation file of each source.
        fps: of the videos that the frames were taken from, which turns frame numbers into seconds.
        out: packed file to write.

    Raises:
        DataError: a file is missing, broken, empty, or names an image that it does not list; a hand_id
            stands twice.
    """
    hand_ids = array("q")
    with packed_writer(out, "annotations") as writer:
        for source, path in files.items():
            number_of = _as_int64 if len(files) == 1 else _hash_of(source)
            file_names = _file_names(path)
            before = len(hand_ids)
            for annotation in entries(path, "annotations", HandAnnotation):
                row = _row(annotation, source, file_names, path, number_of)
                file_name = PurePosixPath(row["file_name"])
                index = frame_number(file_name.name)
                writer.append(
                    {
                        **row,
                        "video_id": file_name.parent.as_posix(),
                        "frame_index": index,
                        "timestamp_s": None if index is None else index / fps,
                    }
                )
                hand_ids.append(row["hand_id"])
            log.info("%s: %d images, %d hands", path, len(file_names), len(hand_ids) - before)
        check_unique(np.frombuffer(hand_ids, np.int64), ", ".join(map(str, files.values())))


def entries(path: Path, key: str, model: type[Entry]) -> Iterator[Entry]:
    """The entries of list ``key`` of an annotation file, one at a time.

    Raises:
        DataError: the file is missing or no JSON, has no such list, or an entry is not as it should be.
    """
    number = -1
    try:
        with path.open("rb") as file:
            items = ijson.items(file, f"{key}.item", use_float=True, buf_size=BUFFER_BYTES)
            for item in items:
                number += 1
                yield model.model_validate(item)
    except FileNotFoundError as error:
        raise DataError(
            f"{path} does not exist; put the annotation file there, or correct its path"
        ) from error
    except ijson.JSONError as error:
        raise DataError(f"{path} is not whole JSON ({_first_line(error)}); download it again") from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, (key, number, *problem["loc"])))
        found = json.dumps(problem["input"], default=str)[:200]
        raise DataError(f"{path}: {where}: {problem['msg']}, found {found}") from error
    if number < 0:
        raise DataError(
            f"{path} has no {key}; an annotation file is one object with the lists images and annotations"
        )


def _file_names(path: Path) -> dict[Number, str]:
    """The file of each image by its id."""
    names: dict[Number, str] = {}
    for image in entries(path, "images", FrameImage):
        if names.setdefault(image.id, image.file_name) != image.file_name:
            raise DataError(f"{path}: image id {image.id!r} stands for two files; download it again")
    return names


def _row(
    annotation: HandAnnotation,
    source: str,
    file_names: Mapping[Number, str],
    path: Path,
    number_of: Callable[[Number], int],
) -> dict[str, Any]:
    if annotation.image_id not in file_names:
        raise DataError(
            f"{path}: hand {annotation.hand_id} is of image {annotation.image_id!r}, which it does not list"
        )
    keypoints = annotation.crop_keypoints()
    try:
        hand_id, *positives = (number_of(name) for name in (annotation.hand_id, *annotation.positive_sample))
    except ValueError as error:
        raise DataError(f"{path}: hand {annotation.hand_id}: {error}") from error
    return {
        "hand_id": hand_id,
        "source": source,
        "file_name": file_names[annotation.image_id],
        "side": annotation.left_right.lower(),
        **dict(zip(("x1", "y1", "x2", "y2"), annotation.boxes, strict=True)),
        "keypoints": keypoints[:, :2].ravel().tolist(),
        "z": keypoints[:, 2].tolist(),
        "positives": positives,
        "ranks": annotation.ranks(),
        "distances": annotation.distances(),
    }


def _as_int64(name: Number) -> int:
    number = int(name)
    if number not in INT64:
        raise ValueError(f"hand_id {number} does not fit into 64 bits")
    return number


def _hash_of(source: str) -> Callable[[Number], int]:
    def hashed(name: Number) -> int:
        key = json.dumps([source, int(name)]).encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") >> 1

    return hashed


def _first_line(error: Exception) -> str:
    # the C parser gives its message as bytes where the text is no UTF-8
    message = error.args[0] if error.args else ""
    text = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
    return text.strip().splitlines()[0] if text.strip() else type(error).__name__
