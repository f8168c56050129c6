"""What decides whether a checkpoint may be continued: all that changes the result, and nothing else."""

import shutil

import pytest
import torch
from drawn_run import experiment, write_run

from simhand.backbones import make_encoder
from simhand.errors import DataError
from simhand.pretraining import run_identity as module
from simhand.pretraining.run_identity import code_identity, run_identity
from simhand.settings.pretrain import PretrainSettings
from simhand.training_runs import digests
from simhand.training_runs.digests import without_comments
from simhand.training_runs.run_folder import differences


@pytest.fixture
def identity(run, small, monkeypatch):
    monkeypatch.setattr(module, "code_identity", lambda method: {})

    def of(settings=small, chosen=None, where=run, pairs=True):
        pairs_file = where.pairs_file if pairs else None
        chosen = chosen or experiment("simhand")
        return run_identity(chosen, settings, where.folder, where.set_file, pairs_file)

    return of


WATCHING_OR_ELSEWHERE = {
    "checkpoint_minutes": 3,
    "log_every_steps": 7,
    "memory_mb": 1,
    "device": "cuda",
    "processes": 2,
    "probe_hands": 0,
    "tensorboard": False,
    "gradient_caching": True,
}


@pytest.mark.parametrize("name", WATCHING_OR_ELSEWHERE)
def test_what_only_watches_or_computes_elsewhere_does_not_count(identity, small, name):
    assert identity(small.model_copy(update={name: WATCHING_OR_ELSEWHERE[name]})) == identity()


@pytest.mark.filterwarnings("ignore:Pydantic serializer")
def test_all_other_settings_count(identity, small):
    before = identity()
    for name in PretrainSettings.model_fields.keys() - WATCHING_OR_ELSEWHERE.keys():
        (found,) = differences(before, identity(small.model_copy(update={name: "another"})))
        assert found.startswith(f"settings.{name}: ") and found.endswith('now "another"')


def test_the_experiment_counts_but_for_its_name(identity):
    for changes in ({"seed": 1}, {"weighting": "both"}):
        assert identity(chosen=experiment("simhand", **changes)) != identity()
    assert identity(chosen=experiment("peclr")) != identity()
    assert identity(chosen=experiment("simhand", name="renamed")) == identity()


def test_the_data_count_wherever_they_lie(run, identity, tmp_path):
    """Sets, pairs, keypoints and crops by their content; a copy is the same."""
    copied = write_run(tmp_path / "copy", 24)
    shutil.rmtree(copied.folder)
    shutil.copytree(run.folder, copied.folder)
    assert identity(where=copied) == identity()
    other = write_run(tmp_path / "other", 26)
    parts = {
        "files.set": "sets/all.parquet",
        "files.pairs": "pairs/all.parquet",
        "keypoints": "keypoints/drawn/000.parquet",
        "crops": "crops/drawn/000.arrow",
    }
    for name, part in parts.items():
        whole = (copied.folder / part).read_bytes()
        shutil.copy(other.folder / part, copied.folder / part)
        changed = [line.split(":")[0] for line in differences(identity(), identity(where=copied))]
        assert changed == [name]
        (copied.folder / part).write_bytes(whole)
    assert identity(pairs=False) != identity()


def test_initial_weights_count_by_their_content(identity, small, tmp_path):
    def of(seed):
        torch.manual_seed(seed)
        torch.save(make_encoder("resnet18")[0].state_dict(), tmp_path / "weights.pth")
        return identity(chosen=experiment("simhand", init=str(tmp_path / "weights.pth")))

    assert of(0) == of(0) != of(1)
    (tmp_path / "weights.pth").unlink()
    with pytest.raises(DataError, match="no file .*weights.pth"):
        identity(chosen=experiment("simhand", init=str(tmp_path / "weights.pth")))


def test_the_code_that_computes_counts(monkeypatch):
    code = set(code_identity("simhand"))
    names = {"step", "schedule", "epochs", "augment", "nt_xent", "methods/simhand"}
    assert {f"pretraining/{name}.py" for name in names} | {"backbones.py"} <= code
    names = {"history", "recorder", "retrieval_probe", "train", "run_identity"}
    assert not {f"pretraining/{name}.py" for name in names} & code
    assert not {"pretraining/methods/peclr.py", "pretraining/methods/simclr.py"} & code
    before = code_identity("simhand")
    monkeypatch.setattr(
        digests, "without_comments", lambda source: without_comments(source.replace("logsumexp", "sum"))
    )
    changed = {name for name, digest in code_identity("simhand").items() if digest != before[name]}
    assert "pretraining/nt_xent.py" in changed and "pretraining/schedule.py" not in changed
