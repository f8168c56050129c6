"""Files between the stages: atomic, stamped, and reachable row by row."""

import os
import platform
import subprocess

import pyarrow.parquet as pq
import pytest

from simhand.errors import DataError
from simhand.files.atomic import atomic_path, write_text
from simhand.files.packed import PackedReader, packed_writer
from simhand.files.tables import SCHEMAS, read_table, write_table


def frame(index: int) -> dict[str, object]:
    return {
        "video_id": "clip",
        "frame_index": index,
        "timestamp_s": index / 2,
        "width": 4,
        "height": 3,
        "jpeg": bytes([index % 256]) * (index + 1),
    }


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "table.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed_and_of_no_other(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    here = platform.node()
    names = {
        "dead": f".table.{here}-{ended.pid}.partial.txt",
        "alive": f".table.{here}-{os.getppid()}.partial.txt",
        "elsewhere": f".table.{here}-too-{ended.pid}.partial.txt",
        "another": f".other.{here}-{ended.pid}.partial.txt",
    }
    for name in names.values():
        (tmp_path / name).touch()
    write_text(tmp_path / "table.txt", "new")
    del names["dead"]
    assert {path.name for path in tmp_path.iterdir()} == {"table.txt", *names.values()}


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    for names in (("a", "b"), ("c",)):
        with atomic_path(tmp_path / "folder") as partial:
            partial.mkdir()
            for name in names:
                (partial / name).touch()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["c"]


def test_packed_rows_are_reached_in_any_order(tmp_path):
    with packed_writer(tmp_path / "frames.arrow", "frames") as writer:
        for index in range(200):
            writer.append(frame(index))
    with PackedReader(tmp_path / "frames.arrow", "frames") as reader:
        assert len(reader) == 200
        for index in (199, 0, 64, 63, 128):
            assert reader.image(index) == frame(index)["jpeg"]
            assert reader.row(index) == frame(index)
        assert reader.table(["frame_index"])["frame_index"].to_pylist() == list(range(200))
        for outside in (-1, 200):
            with pytest.raises(IndexError):
                reader.image(outside)


def test_an_empty_packed_file_is_a_file(tmp_path):
    with packed_writer(tmp_path / "frames.arrow", "frames"):
        pass
    with PackedReader(tmp_path / "frames.arrow", "frames") as reader:
        assert len(reader) == 0
        assert reader.table(["video_id"]).num_rows == 0


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_damaged_packed_files_are_named(tmp_path, damage):
    path = tmp_path / "frames.arrow"
    with packed_writer(path, "frames") as writer:
        writer.append(frame(0))
    if damage == "missing":
        path.unlink()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=str(path)):
        PackedReader(path, "crops" if damage == "other" else "frames")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_table_is_stamped_and_read_back(tmp_path, name):
    path = tmp_path / "table.parquet"
    write_table(path, name, [])
    assert pq.read_schema(path).metadata[b"simhand_table"] == name.encode()
    assert read_table(path, name).schema.names == SCHEMAS[name].names


def test_another_table_is_refused(tmp_path):
    path = tmp_path / "pairs.parquet"
    write_table(path, "pairs", [{"hand_id": 1, "rank": 1, "positive_hand_id": 2, "distance": 0.5}])
    assert read_table(path, "pairs").to_pylist()[0]["positive_hand_id"] == 2
    with pytest.raises(DataError, match="holds table 'pairs'"):
        read_table(path, "set")
    path.write_bytes(b"no parquet")
    with pytest.raises(DataError, match="not a readable Parquet"):
        read_table(path, "pairs")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_column_is_documented(repository, name):
    page = (repository / "docs" / "files.md").read_text()
    section = page.split(f"### {name}\n")[1].split("\n### ")[0]
    for column in SCHEMAS[name].names:
        assert f"`{column}`" in section, f"docs/files.md does not explain {name}.{column}"
