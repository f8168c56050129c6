"""Parts of a shard: whole or not there, only for what they were made from, and the same file in the end."""

import json
import logging
import os
import threading
import time

import pytest

import simhand.files.shard_parts as module
from simhand.errors import DataError
from simhand.files.identity import code_identity, file_identity
from simhand.files.packed import PackedReader, join_packed, packed_writer
from simhand.files.shard_parts import ShardFiles, shard_parts
from simhand.files.tables import read_table

KEYS = {name: f"digest of {name}" for name in "abcde"}


def frames_of(video_id, count):
    place = {"video_id": video_id, "timestamp_s": 0.5, "width": 4, "height": 3}
    return [
        {**place, "frame_index": index, "jpeg": bytes([index % 256]) * (index + 1)} for index in range(count)
    ]


def write_packed(path, rows):
    with packed_writer(path, "frames") as writer:
        for row in rows:
            writer.append(row)
    return path


def shard(folder):
    tables = {"frames": folder / "0000.arrow", "hashes": folder / "0000.hashes.parquet"}
    return ShardFiles(tables, "status", folder / "0000.status.parquet")


def write_part(parts, video_id, frames=3, ok=True):
    with parts.writer(video_id) as part:
        for row in frames_of(video_id, frames):
            part.append("frames", row)
            part.append("hashes", {"video_id": video_id, "frame_index": row["frame_index"], "hash": frames})
        part.status = {"video_id": video_id, "ok": ok, "frames": frames, "hands": 0, "reason": ""}


@pytest.mark.parametrize("counts", [[200], [1] * 200, [64, 64, 72], [63, 2, 0, 135], [0, 199, 1], []])
def test_joined_files_do_not_tell_how_they_were_joined(tmp_path, counts):
    """The oracle: one writer that was given all rows."""
    rows = frames_of("clip", sum(counts))
    whole = write_packed(tmp_path / "whole.arrow", rows)
    parts = []
    for number, count in enumerate(counts):
        mine, rows = rows[:count], rows[count:]
        parts.append(write_packed(tmp_path / f"part{number}.arrow", mine))
    join_packed(parts, tmp_path / "joined.arrow", "frames")
    assert (tmp_path / "joined.arrow").read_bytes() == whole.read_bytes()


def test_the_order_of_work_and_its_interruptions_leave_no_trace(tmp_path):
    for folder, attempts in {
        "one": [["a", "b", "c", "d", "e"]],
        "many": [["d"], ["b", "e"], ["c", "a"]],
    }.items():
        for number, names in enumerate(attempts):
            last = number == len(attempts) - 1
            with shard_parts(shard(tmp_path / folder), KEYS) as parts:
                assert set(parts.finished()) == {name for done in attempts[:number] for name in done}
                for name in names:
                    write_part(parts, name, frames=40 + ord(name))
                if last:
                    parts.publish(parts.finished()[name] for name in KEYS)
    names = ["0000.arrow", "0000.hashes.parquet", "0000.status.parquet"]
    for folder in ("one", "many"):
        assert sorted(os.listdir(tmp_path / folder)) == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()
    with PackedReader(tmp_path / "one" / "0000.arrow", "frames") as reader:
        videos = reader.table(["video_id"])["video_id"].to_pylist()
    assert videos == sorted(videos)
    assert read_table(tmp_path / "many" / "0000.hashes.parquet", "hashes")["video_id"].to_pylist() == videos


def test_a_part_that_is_not_finished_is_not_there(tmp_path):
    with pytest.raises(RuntimeError), shard_parts(shard(tmp_path), KEYS) as parts:
        with pytest.raises(KeyError), parts.writer("a") as part:
            part.append("frames", frames_of("a", 1)[0])
            raise KeyError
        assert parts.status("a") is None
        with pytest.raises(ValueError, match="without a status"), parts.writer("a"):
            pass
        write_part(parts, "b", ok=False)
        write_part(parts, "c")
        raise RuntimeError
    assert os.listdir(tmp_path / ".0000.parts") == ["digest of c"], "what failed is tried again"


def test_parts_of_something_else_are_removed(tmp_path):
    with pytest.raises(RuntimeError), shard_parts(shard(tmp_path), KEYS) as parts:
        write_part(parts, "a")
        write_part(parts, "b")
        raise RuntimeError
    killed = tmp_path / ".0000.parts" / ".digest of c.host-1.partial"
    killed.mkdir()
    (tmp_path / ".0000.parts" / "0000.arrow").write_bytes(b"half put together")
    with pytest.raises(RuntimeError), shard_parts(shard(tmp_path), KEYS | {"b": "changed since"}) as parts:
        assert sorted(os.listdir(tmp_path / ".0000.parts")) == ["digest of a", "lock"], "at once"
        assert list(parts.finished()) == ["a"]
        raise RuntimeError
    assert os.listdir(tmp_path / ".0000.parts") == ["digest of a"]


def test_a_kill_between_two_files_of_a_shard_costs_nothing(tmp_path, monkeypatch):
    """One has its name, the others have not: the next job puts all together again from the parts."""
    names = ["0000.arrow", "0000.hashes.parquet", "0000.status.parquet"]
    moves = []

    def killed_at_the_second(path, final):
        moves.extend([final.name] if final.parent == tmp_path else [])
        if len(moves) == 2:
            raise KeyboardInterrupt
        path.rename(final)

    with pytest.raises(KeyboardInterrupt), shard_parts(shard(tmp_path), KEYS) as parts:
        for name in KEYS:
            write_part(parts, name)
        monkeypatch.setattr(module.os, "replace", killed_at_the_second)
        try:
            parts.publish(parts.finished().values())
        finally:
            monkeypatch.undo()
    assert moves == names[:2] and (tmp_path / names[0]).exists() and not (tmp_path / names[2]).exists()
    first = (tmp_path / names[0]).read_bytes()
    with shard_parts(shard(tmp_path), KEYS) as parts:
        assert parts.finished().keys() == KEYS.keys()
        parts.publish(parts.finished().values())
    assert sorted(os.listdir(tmp_path)) == names
    assert (tmp_path / names[0]).read_bytes() == first


def test_a_kill_while_parts_are_removed_leaves_no_half_of_one(tmp_path, monkeypatch):
    """After the shard was complete, but before Snakemake knew it."""
    with pytest.raises(KeyboardInterrupt), shard_parts(shard(tmp_path), KEYS) as parts:
        for name in KEYS:
            write_part(parts, name)
        parts.publish([])

        def killed_halfway(path):
            if path.is_dir():
                (path / "frames.arrow").unlink()
                raise KeyboardInterrupt

        monkeypatch.setattr(module, "remove", killed_halfway)
    monkeypatch.undo()
    with shard_parts(shard(tmp_path), KEYS) as parts:
        assert len(parts.finished()) == len(KEYS) - 1
        for name in KEYS.keys() - parts.finished().keys():
            write_part(parts, name)
        parts.publish([])
    with PackedReader(tmp_path / "0000.arrow", "frames") as reader:
        assert len(reader) == 3 * len(KEYS)


def test_nothing_is_left_of_a_shard_without_any_part(tmp_path):
    with pytest.raises(RuntimeError), shard_parts(shard(tmp_path), KEYS):
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_two_jobs_on_one_shard_take_turns(tmp_path, caplog):
    """As where Snakemake was killed and begun again while its jobs went on in the cluster."""
    entered, order = threading.Event(), []

    def second():
        with shard_parts(shard(tmp_path), KEYS) as parts:
            order.append("second")
            assert parts.finished() == {}, "the first has put its shard together"
        entered.set()

    with caplog.at_level(logging.INFO, "simhand"), shard_parts(shard(tmp_path), KEYS) as parts:
        write_part(parts, "a")
        other = threading.Thread(target=second)
        other.start()
        while not caplog.messages:
            time.sleep(0.01)
        assert not entered.is_set()
        order.append("first")
        parts.publish([])
    other.join()
    assert order == ["first", "second"]
    assert caplog.messages[0].startswith(f"process {os.getpid()} on ")
    assert not (tmp_path / ".0000.parts").exists()


def test_identities_tell_what_matters(tmp_path, monkeypatch):
    video = tmp_path / "a.mp4"
    video.write_bytes(b"1234")
    os.utime(video, ns=(0, 10**18))
    before = file_identity(video)
    os.utime(video, ns=(0, 10**18 + 1))
    assert file_identity(video) != before, "changed a nanosecond later"
    os.utime(video, ns=(0, 10**18))
    assert file_identity(video) == before
    json.dumps(before)
    assert file_identity(tmp_path / "gone") == [str(tmp_path / "gone"), "No such file or directory"]
    before = file_identity(tmp_path)
    (tmp_path / "b.jpg").touch()
    assert file_identity(tmp_path) != before, "a folder of frames has one more"


def test_code_identity_follows_the_code_behind_a_module(repository, tmp_path, monkeypatch):
    import simhand.files.identity as identity

    library = repository / "workflow_scripts" / "simhand"
    module = library / "videos" / "extract.py"
    before = code_identity(module)
    assert code_identity(library / "hands" / "crop_shard.py") != before
    monkeypatch.setattr(identity, "version", lambda name: "another")
    assert code_identity(module) != before
    monkeypatch.undo()
    code = identity.stage_code(module, library.parent)
    assert library / "videos" / "pyav_decode.py" in code and library / "files" / "packed.py" in code
    assert library / "hands" / "crop_shard.py" not in code
    (tmp_path / "extract.py").write_text("changed")
    changed = [tmp_path / "extract.py", *code[1:]]
    monkeypatch.setattr(identity, "stage_code", lambda *arguments: changed)
    assert code_identity(module) != before


def test_files_on_two_file_systems_are_refused(tmp_path):
    elsewhere = next((place for place in ("/dev/shm", "/proc") if os.path.isdir(place)), None)
    if elsewhere is None or os.stat(elsewhere).st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("no second file system here")
    files = ShardFiles(
        {"frames": tmp_path / "0000.arrow"}, "status", tmp_path.__class__(elsewhere) / "s.parquet"
    )
    with pytest.raises(DataError, match="expected on one file system"), shard_parts(files, KEYS):
        pass
