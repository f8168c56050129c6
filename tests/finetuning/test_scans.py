"""Kept scans: only whole ones of the same files, settings and code are trusted."""

import multiprocessing
import os
import time

import numpy as np
import pytest

from simhand.finetuning.scans import FileState, Scans, fingerprint, in_threads, list_folder

ARRAYS = {"joints": np.arange(60.0).reshape(4, 5, 3), "names": np.array(["a", "bc", "", "d"])}


@pytest.fixture
def scans(tmp_path):
    return Scans(tmp_path / "scans", 1)


class Scanner:
    """Counts how often it is asked."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return {name: values + 0 if values.dtype.kind == "f" else values for name, values in ARRAYS.items()}


def test_a_scan_is_made_once_and_given_again(scans, tmp_path):
    scan = Scanner()
    for _ in range(3):
        found = scans.load("set", tmp_path, "one", scan)
        assert found.keys() == ARRAYS.keys()
        assert all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS)
    assert scan.times == 1


def load_together(folder, barrier):
    """Load with a scan that takes its time and leaves a mark."""

    def scan():
        (folder / f"scanned-{os.getpid()}").touch()
        time.sleep(1)
        return ARRAYS

    barrier.wait()
    found = Scans(folder / "scans", 1).load("set", folder, "one", scan)
    assert all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS)


def test_of_processes_that_find_no_scan_one_scans(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    both = [context.Process(target=load_together, args=(tmp_path, barrier)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert len(list(tmp_path.glob("scanned-*"))) == 1
    assert len(list((tmp_path / "scans").iterdir())) == 1, "the lock is gone"


def test_the_scan_of_a_killed_process_is_made_by_the_next(tmp_path):
    context = multiprocessing.get_context("fork")
    killed = context.Process(target=load_together, args=(tmp_path, context.Barrier(1)))
    killed.start()
    while not list(tmp_path.glob("scanned-*")):
        assert killed.is_alive()
        time.sleep(0.01)
    killed.kill()
    killed.join()
    scan = Scanner()
    Scans(tmp_path / "scans", 1).load("set", tmp_path, "one", scan)
    assert scan.times == 1


def test_other_fingerprints_roots_and_names_are_scanned(scans, tmp_path):
    scan = Scanner()
    scans.load("set", tmp_path, "one", scan)
    scans.load("set", tmp_path, "two", scan)
    scans.load("set", tmp_path / "other", "two", scan)
    scans.load("another", tmp_path, "two", scan)
    assert scan.times == 4
    scans.load("set", tmp_path, "two", scan)
    scans.load("set", tmp_path, "one", scan)
    assert scan.times == 5, "the last one of a name is kept"


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "other"])
def test_a_damaged_scan_is_never_trusted(scans, tmp_path, damage):
    scan = Scanner()
    scans.load("set", tmp_path, "one", scan)
    (path,) = scans.folder.iterdir()
    whole = bytearray(path.read_bytes())
    place = whole.find(ARRAYS["joints"].tobytes())
    whole[place + 100] ^= 1
    changed = {"cut": whole[: len(whole) // 2], "empty": b"", "flipped": whole, "other": b"an error page"}
    path.write_bytes(changed[damage])
    found = scans.load("set", tmp_path, "one", scan)
    assert scan.times == 2 and np.array_equal(found["joints"], ARRAYS["joints"])


def test_an_interrupted_scan_leaves_nothing(scans, tmp_path, monkeypatch):
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scans.load("set", tmp_path, "one", stopped)
    savez = np.savez

    def half_written(path, **arrays):
        savez(path, **{"fingerprint": arrays["fingerprint"]})
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", half_written)
    with pytest.raises(KeyboardInterrupt):
        scans.load("set", tmp_path, "one", Scanner())
    assert not list(scans.folder.iterdir())


def test_the_fingerprint_follows_files_code_and_settings(tmp_path):
    code = tmp_path / "code.py"
    code.write_text("one")
    files = {"a": FileState(1, 2), "b": FileState(3, 4)}
    first = fingerprint([str(code)], files, "s1")
    assert fingerprint([str(code)], dict(reversed(files.items())), "s1") == first
    others = [
        fingerprint([str(code)], {**files, "a": FileState(2, 2)}, "s1"),
        fingerprint([str(code)], {**files, "a": FileState(1, 3)}, "s1"),
        fingerprint([str(code)], {**files, "c": FileState(1, 3)}, "s1"),
        fingerprint([str(code)], {"a": files["a"]}, "s1"),
        fingerprint([str(code)], files, "s2"),
    ]
    code.write_text("two")
    others.append(fingerprint([str(code)], files, "s1"))
    assert len({first, *others}) == 7


def test_results_come_in_order_and_folders_that_are_not_there_are_empty(tmp_path):
    assert in_threads(lambda value: value * value, list(range(50)), 4, "squares") == [
        n * n for n in range(50)
    ]
    (tmp_path / "file").write_text("abc")
    (tmp_path / "folder").mkdir()
    assert list_folder(tmp_path)["file"].bytes == 3 and list(list_folder(tmp_path)) == ["file"]
    assert list_folder(tmp_path / "nothing") == {} == list_folder(tmp_path / "file")
