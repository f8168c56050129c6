"""Kept labels: only whole ones of the same files and code are trusted; and how many files are looked at."""

import multiprocessing
import os
import time

import numpy as np
import pytest

from simhand.datasets.label_cache import LabelCache, fingerprint
from simhand.datasets.label_files import FileState, in_threads, list_folder

ARRAYS = {"joints": np.arange(60.0).reshape(4, 5, 3), "names": np.array(["a", "bc", "", "d"])}


@pytest.fixture
def cache(tmp_path):
    return LabelCache(tmp_path / "scans", 1)


class Reader:
    """Counts how often it is asked."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return {name: values + 0 if values.dtype.kind == "f" else values for name, values in ARRAYS.items()}


def test_labels_are_read_once_and_given_again(cache, tmp_path):
    read = Reader()
    for _ in range(3):
        found = cache.load("set", tmp_path, "one", read)
        assert found.keys() == ARRAYS.keys()
        assert all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS)
    assert read.times == 1


def load_together(folder, barrier):
    """Load with a reader that takes its time and leaves a mark."""

    def read():
        (folder / f"read-{os.getpid()}").touch()
        time.sleep(1)
        return ARRAYS

    barrier.wait()
    found = LabelCache(folder / "scans", 1).load("set", folder, "one", read)
    assert all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS)


def test_of_processes_that_find_none_one_reads(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    both = [context.Process(target=load_together, args=(tmp_path, barrier)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert len(list(tmp_path.glob("read-*"))) == 1
    assert len(list((tmp_path / "scans").iterdir())) == 1, "the lock is gone"


def test_what_a_killed_process_did_not_read_the_next_reads(tmp_path):
    context = multiprocessing.get_context("fork")
    killed = context.Process(target=load_together, args=(tmp_path, context.Barrier(1)))
    killed.start()
    while not list(tmp_path.glob("read-*")):
        assert killed.is_alive()
        time.sleep(0.01)
    killed.kill()
    killed.join()
    read = Reader()
    LabelCache(tmp_path / "scans", 1).load("set", tmp_path, "one", read)
    assert read.times == 1


def test_other_fingerprints_roots_and_names_are_read(cache, tmp_path):
    read = Reader()
    cache.load("set", tmp_path, "one", read)
    cache.load("set", tmp_path, "two", read)
    cache.load("set", tmp_path / "other", "two", read)
    cache.load("another", tmp_path, "two", read)
    assert read.times == 4
    cache.load("set", tmp_path, "two", read)
    cache.load("set", tmp_path, "one", read)
    assert read.times == 5, "the last one of a name is kept"


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "other"])
def test_a_damaged_file_is_never_trusted(cache, tmp_path, damage):
    read = Reader()
    cache.load("set", tmp_path, "one", read)
    (path,) = cache.folder.iterdir()
    whole = bytearray(path.read_bytes())
    place = whole.find(ARRAYS["joints"].tobytes())
    whole[place + 100] ^= 1
    changed = {"cut": whole[: len(whole) // 2], "empty": b"", "flipped": whole, "other": b"an error page"}
    path.write_bytes(changed[damage])
    found = cache.load("set", tmp_path, "one", read)
    assert read.times == 2 and np.array_equal(found["joints"], ARRAYS["joints"])


def test_an_interrupted_reading_leaves_nothing(cache, tmp_path, monkeypatch):
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.load("set", tmp_path, "one", stopped)
    savez = np.savez

    def half_written(path, **arrays):
        savez(path, **{"fingerprint": arrays["fingerprint"]})
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", half_written)
    with pytest.raises(KeyboardInterrupt):
        cache.load("set", tmp_path, "one", Reader())
    assert not list(cache.folder.iterdir())


def test_the_fingerprint_follows_files_and_code(tmp_path):
    code = tmp_path / "code.py"
    code.write_text("one")
    files = {"a": FileState(1, 2), "b": FileState(3, 4)}
    first = fingerprint([str(code)], files)
    assert fingerprint([str(code)], dict(reversed(files.items()))) == first
    others = [
        fingerprint([str(code)], {**files, "a": FileState(2, 2)}),
        fingerprint([str(code)], {**files, "a": FileState(1, 3)}),
        fingerprint([str(code)], {**files, "c": FileState(1, 3)}),
        fingerprint([str(code)], {"a": files["a"]}),
    ]
    code.write_text("two")
    others.append(fingerprint([str(code)], files))
    assert len({first, *others}) == 6


def test_results_come_in_order_and_folders_that_are_not_there_are_empty(tmp_path):
    assert in_threads(lambda value: value * value, list(range(50)), 4, "squares") == [
        n * n for n in range(50)
    ]
    (tmp_path / "file").write_text("abc")
    (tmp_path / "folder").mkdir()
    assert list_folder(tmp_path)["file"].bytes == 3 and list(list_folder(tmp_path)) == ["file"]
    assert list_folder(tmp_path / "nothing") == {} == list_folder(tmp_path / "file")
