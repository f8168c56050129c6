"""Checkpoints: whole or not there, two of them, and a damaged one is never taken for a good one."""

import errno
import random

import pytest
import torch

from simhand.errors import DataError, DiskFullError
from simhand.files import atomic
from simhand.training_runs.checkpoint_files import CheckpointFiles


def content(step):
    generator = torch.Generator().manual_seed(step)
    weights = torch.randn(50, 7, generator=generator).to(memory_format=torch.contiguous_format)
    return {"model": {"a.weight": weights}, "step": step, "seconds": 0.1 * step, "errors": [0.25, 1 / 3]}


def same(found, expected):
    assert torch.equal(found.pop("model")["a.weight"], expected.pop("model")["a.weight"])
    return found == expected


@pytest.fixture
def files(tmp_path):
    files = CheckpointFiles(tmp_path / "checkpoints")
    for step in (3, 20, 100):
        files.save(step, content(step))
    return files


def test_the_newest_two_are_kept(files, tmp_path):
    assert files.steps() == [100, 20]
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2
    step, found = files.newest()
    assert step == 100 and same(found, content(100))
    assert CheckpointFiles(tmp_path / "none").newest() is None


def test_they_are_due_after_some_minutes(files):
    assert files.is_due(0) and not files.is_due(10)


def damage(path, draw):
    whole = bytearray(path.read_bytes())
    kind = draw.choice(["cut", "flip", "empty", "zeros"])
    if kind == "cut":
        whole = whole[: draw.randrange(len(whole))]
    elif kind == "flip":
        whole[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
    else:
        whole = bytearray(0 if kind == "empty" else len(whole))
    path.write_bytes(whole)


def test_no_damage_gives_other_weights(files, tmp_path):
    """Bits may flip where they mean nothing (padding, times); else the file is refused."""
    path = tmp_path / "checkpoints/step-000000100.pt"
    whole, draw, refused = path.read_bytes(), random.Random(0), 0
    for _ in range(150):
        damage(path, draw)
        try:
            found = files.read(100)
        except DataError as error:
            assert str(path) in str(error) and "is damaged" in str(error)
            refused += 1
        else:
            assert same(found, content(100))
        path.write_bytes(whole)
    assert refused > 100


def test_a_damaged_one_is_said_to_be_and_the_one_before_is_used(files, tmp_path, caplog):
    path = tmp_path / "checkpoints/step-000000100.pt"
    path.write_bytes(path.read_bytes()[:-50])
    step, found = files.newest()
    assert step == 20 and same(found, content(20))
    assert f"{path} is damaged" in caplog.text and "the one before it, of step 20, is used" in caplog.text
    files.save(25, content(25))
    files.save(30, content(30))
    assert files.steps() == [30, 25], "the damaged one does not take the place of a good one"


def test_without_a_whole_one_the_error_says_what_to_do(files, tmp_path):
    for path in (tmp_path / "checkpoints").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"no checkpoint is left .*delete .*checkpoints to train from"):
        files.newest()
    assert files.steps() == [100, 20]


def test_a_full_disk_leaves_those_that_were_there(files, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "x")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(DiskFullError, match="no space is left"):
        files.save(200, content(200))
    assert files.steps() == [100, 20] and len(list((tmp_path / "checkpoints").iterdir())) == 2
    assert same(files.newest()[1], content(100))
