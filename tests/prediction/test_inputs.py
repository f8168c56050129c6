"""What is named is found, and what cannot work is refused before anything is computed."""

import json

import pytest
import torch

from simhand.errors import ConfigError, DataError
from simhand.prediction.inputs import find_inputs
from simhand.prediction.model import find_checkpoint, load_model


def touch(folder, *names):
    for name in names:
        (folder / name).touch()


def test_pictures_videos_and_folders_in_their_order(tmp_path):
    touch(tmp_path, "b.JPG", "a.mp4", "c.txt", ".hidden.jpg")
    (tmp_path / "more").mkdir()
    inputs, others = find_inputs([tmp_path, tmp_path / "b.JPG"], tmp_path / "out")
    assert [(one.path.name, one.is_video, one.overlay.name) for one in inputs] == [
        ("a.mp4", True, "a.mp4"),
        ("b.JPG", False, "b.jpg"),
    ]
    assert others == 1


def test_a_named_file_of_unknown_suffix_is_taken_for_a_video(tmp_path):
    touch(tmp_path, "clip.dav")
    (one,), _ = find_inputs([tmp_path / "clip.dav"], tmp_path / "out")
    assert one.is_video and one.overlay.name == "clip.mp4"


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="absent.jpg does not exist; name pictures, videos"):
        find_inputs([tmp_path / "absent.jpg"], tmp_path)
    with pytest.raises(DataError, match=r"holds no picture \(\.bmp, .*\) and no video"):
        find_inputs([tmp_path], tmp_path)


def test_overlays_never_overwrite_an_input_or_each_other(tmp_path):
    touch(tmp_path, "a.jpg", "a.png")
    with pytest.raises(ConfigError, match="would overwrite .*a.jpg; give another folder"):
        find_inputs([tmp_path / "a.jpg"], tmp_path)
    with pytest.raises(ConfigError, match="a.jpg and .*a.png would both become a.jpg; rename one"):
        find_inputs([tmp_path / "a.jpg", tmp_path / "a.png"], tmp_path / "out")


@pytest.fixture
def run(tmp_path):
    """A run with two fine-tunings, the second the better one."""
    for name, error in (("first", 20.0), ("second", 10.0)):
        folder = tmp_path / "finetune" / name
        folder.mkdir(parents=True)
        touch(folder, "checkpoint.pt")
        write_metrics(folder, error)
    return tmp_path


def write_metrics(folder, error_mm, dataset="freihand", selection="validation"):
    content = {"dataset": dataset, "model_selection": selection, "chosen": {"error_mm": error_mm}}
    (folder / "metrics.json").write_text(json.dumps(content))


def test_the_model_is_the_one_that_is_named_or_the_best(run):
    checkpoints = {name: run / f"finetune/{name}/checkpoint.pt" for name in ("first", "second")}
    assert find_checkpoint(run, None) == checkpoints["second"]
    assert find_checkpoint(run, "first") == checkpoints["first"]
    assert find_checkpoint(run, str(checkpoints["first"])) == checkpoints["first"]
    assert find_checkpoint(run / "absent", str(checkpoints["first"])) == checkpoints["first"]
    with pytest.raises(ConfigError, match="neither a file nor a fine-tuning of .*: first, second"):
        find_checkpoint(run, "third")
    (run / "finetune/first/metrics.json").unlink()
    with pytest.raises(ConfigError, match="several models; name one of them: first, second"):
        find_checkpoint(run, None)


def test_errors_on_different_labels_do_not_choose(run):
    write_metrics(run / "finetune/first", 5.0, "dexycb")
    with pytest.raises(
        ConfigError,
        match=r"judged on different labels.*name one of them: first \(held-out training labels of dexycb\), "
        r"second \(held-out training labels of freihand\)",
    ):
        find_checkpoint(run, None)
    assert find_checkpoint(run, "first") == run / "finetune/first/checkpoint.pt"


@pytest.mark.parametrize(
    ("selection", "labels"), [("validation", "held-out training labels"), ("test", "the evaluation labels")]
)
def test_the_log_says_which_labels_chose(run, caplog, selection, labels):
    caplog.set_level("INFO", "simhand")
    for name, error in (("first", 20.0), ("second", 10.0)):
        write_metrics(run / "finetune" / name, error, selection=selection)
    find_checkpoint(run, None)
    assert f"model second: the smallest error on {labels} of freihand, 10.0 mm, of 2" in caplog.messages


def test_a_run_without_a_model_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="no file x.pt, and no finetune/.*; run `snakemake finetune` first"):
        find_checkpoint(tmp_path, "x.pt")


def test_what_is_no_checkpoint_is_refused(tmp_path, checkpoint):
    content = torch.load(checkpoint, weights_only=True)
    del content["crop_factor"]
    torch.save(content, tmp_path / "old.pt")
    torch.save([1], tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("no weights")
    (tmp_path / "empty.pt").touch()
    torch.save({**content, "crop_factor": 2.0, "model": {}}, tmp_path / "other.pt")
    torch.save({**content, "crop_factor": 2.0, "settings": {"epochs": -1}}, tmp_path / "wrong.pt")
    for name in ("old", "list", "text", "empty", "other", "wrong"):
        with pytest.raises(
            DataError, match=f"{name}.pt is not the checkpoint of a fine-tuning of this version"
        ):
            load_model(tmp_path / f"{name}.pt")
