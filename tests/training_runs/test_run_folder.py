"""The folder of a run: the same identity finds it again, another one leaves it alone and says why."""

import logging

import pytest

from simhand.errors import BusyError
from simhand.training_runs.run_folder import differences, open_run

FIRST = {"settings": {"learning_rate": 0.1, "epochs": 3}, "files": {"all.parquet": "aa"}}
SECOND = {"settings": {"learning_rate": 0.2, "epochs": 3}, "files": {"all.parquet": "bb"}}
THIRD = {"settings": {"learning_rate": 0.3, "epochs": 3, "new": None}, "files": {}}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "run"


def visit(root, identity):
    with open_run(root, identity) as run:
        (run.folder / "trace").touch()
        return run.folder


def test_the_same_identity_in_any_order_is_the_same_folder(root, caplog):
    caplog.set_level(logging.INFO, "simhand")
    folder = visit(root, FIRST)
    turned = {"files": FIRST["files"], "settings": {"epochs": 3, "learning_rate": 0.1}}
    with open_run(root, turned) as run:
        assert run.folder == folder and (folder / "trace").exists()
    assert not caplog.text
    assert {path.name for path in folder.iterdir()} == {"identity.json", "trace"}


def test_another_identity_begins_anew_and_says_what_differs(root, caplog):
    first = visit(root, FIRST)
    second = visit(root, SECOND)
    assert first != second and (first / "trace").exists()
    assert "training begins anew" in caplog.text
    assert 'files.all.parquet: "aa", now "bb"; settings.learning_rate: 0.1, now 0.2' in caplog.text
    assert "epochs" not in caplog.text


def test_one_other_run_is_kept_the_last_one_used(root):
    first, second = visit(root, FIRST), visit(root, SECOND)
    assert visit(root, FIRST) == first, "settings that come back find their run"
    third = visit(root, THIRD)
    assert {path for path in root.iterdir() if path.is_dir()} == {first, third}
    assert not second.exists()


def test_what_a_killed_trainer_was_writing_is_removed(root):
    folder = visit(root, FIRST)
    left = folder / "checkpoints" / ".step-000000007.othernode-99.partial.pt"
    left.parent.mkdir()
    left.write_bytes(b"half")
    (folder / "checkpoints" / "step-000000005.pt").write_bytes(b"whole")
    visit(root, FIRST)
    assert [path.name for path in left.parent.iterdir()] == ["step-000000005.pt"]


def test_one_trainer_at_a_time_whatever_its_identity(root):
    """Else one whose driver has died would in the end write its encoder over that of the new settings."""
    beat = {"heartbeat_s": 0.1}
    with open_run(root, FIRST, **beat), pytest.raises(BusyError), open_run(root, SECOND, **beat):
        pytest.fail("two trainers")


def test_others_of_the_same_training_only_read(root):
    with open_run(root, FIRST) as first, open_run(root, FIRST, writes=False) as second:
        assert second.folder == first.folder and second.lock is None


def test_differences_name_what_came_and_what_went():
    found = differences(FIRST, THIRD)
    assert found == [
        "settings.learning_rate: 0.1, now 0.3",
        'files.all.parquet: "aa", now absent',
        "settings.new: absent, now null",
    ]
