"""The frames of a set's hands as files, where an exported annotation file names them."""

import logging
from pathlib import Path

from simhand.files.atomic import atomic_path
from simhand.files.packed import PackedReader
from simhand.hand100m.exported_hands import exported_shards, packed_frames
from simhand.mining.sets import load_set

log = logging.getLogger("simhand")


def export_frames(run_dir: Path, set_file: Path, folder: Path) -> None:
    """Write every frame in which a hand of the set is seen, byte by byte as it is packed.

    Args:
        run_dir: folder of the run.
        set_file: the set.
        folder: folder to write, named ``frames`` in the annotations; it appears whole.

    Raises:
        DataError: the frames, crops or keypoints of the set are missing or do not belong together.
    """
    written = 0
    with atomic_path(folder) as partial:
        for shard in exported_shards(run_dir, load_set(set_file)):
            wanted = {hand.frame for hand in shard.hands}
            written += len(wanted)
            with packed_frames(run_dir, shard.crop_file) as reader:
                for row, frame in enumerate(zip(*_keys(reader), strict=True)):
                    if frame in wanted:
                        path = partial / shard.frame_path(frame)
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes(reader.image(row))
    log.info("%d frames written to %s", written, folder)


def _keys(reader: PackedReader) -> tuple[list[str], list[int]]:
    table = reader.table(["video_id", "frame_index"])
    return table["video_id"].to_pylist(), table["frame_index"].to_pylist()
