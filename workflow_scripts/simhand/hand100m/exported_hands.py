"""The hands of a set as the released loaders see them: their frame, their box, and the crop it gives."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import JOINTS, read_table
from simhand.hand100m.annotation_format import BOX_SCALE
from simhand.hands.crop import crop_window, into_crop, out_of_crop
from simhand.mining.sets import hand_ids_of, keypoints_file, rows_of

Frame = tuple[str, int]
"""video_id and frame_index."""

CROP_COLUMNS = ["hand_id", "video_id", "frame_index", "side", "x1", "y1", "x2", "y2", "window"]


@dataclass(frozen=True)
class ExportedHand:
    """A hand of a set.

    Attributes:
        hand_id: its number.
        side: left or right.
        frame: the frame it is seen in.
        box: x1, y1, x2, y2 in whole pixels of the frame, cut off as the loaders do.
        keypoints: (21, 3) as an annotation has them: x and y in fractions of what the loaders cut out of the
            frame for that box, not mirrored; None if they would cut out nothing.
    """

    hand_id: int
    side: str
    frame: Frame
    box: tuple[int, int, int, int]
    keypoints: npt.NDArray[np.float32] | None


@dataclass(frozen=True)
class ExportedShard:
    """The hands of a set that lie in one crops file, ascending by hand_id."""

    crop_file: str
    hands: list[ExportedHand]

    @property
    def source(self) -> str:
        """Where their videos come from."""
        return PurePosixPath(self.crop_file).parent.name

    def frame_path(self, frame: Frame) -> str:
        """The path of a frame below the folder of frames, named as the released scripts name them."""
        video_id, frame_index = frame
        return f"{self.source}/{video_id}/frame_{frame_index:06d}.jpg"


def exported_shards(run_dir: Path, hands: pa.Table) -> Iterator[ExportedShard]:
    """The hands of a set (table ``set``) by the crops file that they lie in.

    Raises:
        DataError: crops, keypoints or frames of the set are missing or do not belong together.
    """
    for crop_file in sorted(pc.unique(hands["crop_file"]).to_pylist()):
        members = hands.filter(pc.equal(hands["crop_file"], crop_file))
        yield ExportedShard(crop_file, list(_hands_of(run_dir, crop_file, members)))


def packed_frames(run_dir: Path, crop_file: str) -> PackedReader:
    """The packed frames that a crops file was made from.

    Raises:
        DataError: they are not there.
    """
    _, *inside = PurePosixPath(crop_file).parts
    return PackedReader(Path(run_dir, "frames", *inside), "frames")


def _hands_of(run_dir: Path, crop_file: str, members: pa.Table) -> Iterator[ExportedHand]:
    with PackedReader(run_dir / crop_file, "crops") as reader:
        crops = reader.table(CROP_COLUMNS)
        crops = crops.take(rows_of(hand_ids_of(members), hand_ids_of(crops), crop_file)).to_pylist()
    with packed_frames(run_dir, crop_file) as reader:
        frames = reader.table(["video_id", "frame_index", "width", "height"]).to_pylist()
    sizes = {(frame["video_id"], frame["frame_index"]): (frame["width"], frame["height"]) for frame in frames}
    for crop, points in zip(crops, _keypoints(run_dir, crop_file, members), strict=True):
        frame = crop["video_id"], crop["frame_index"]
        if frame not in sizes:
            raise DataError(
                f"the frames of {crop_file} lack frame {frame[1]} of {frame[0]}, which has a hand: run the "
                "frames and crops stages again"
            )
        box = int(crop["x1"]), int(crop["y1"]), int(crop["x2"]), int(crop["y2"])
        window = crop_window(box, BOX_SCALE, "clamp", *sizes[frame])
        keypoints = None
        if window is not None:
            keypoints = into_crop(out_of_crop(points, crop["window"], crop["side"] == "left"), window, False)
        yield ExportedHand(crop["hand_id"], crop["side"], frame, box, keypoints)


def _keypoints(run_dir: Path, crop_file: str, members: pa.Table) -> npt.NDArray[np.float32]:
    """x, y and z (N, 21, 3) of ``members`` in the crop as stored."""
    path = keypoints_file(run_dir, crop_file)
    table = read_table(path, "keypoints", ["hand_id", "keypoints", "z"])
    table = table.take(rows_of(hand_ids_of(members), hand_ids_of(table), str(path)))
    flat = [table[name].combine_chunks().flatten().to_numpy() for name in ("keypoints", "z")]
    return np.concatenate([values.reshape(len(members), JOINTS, -1) for values in flat], axis=2)
