"""What decides whether a fine-tuning may be continued: all that changes the result, and nothing else."""

import shutil

import pytest
import torch
import torchvision
from drawn_freihand import write_split
from pseudo_labelled_run import write_pseudo_labelled

from simhand.finetuning import run_identity as module
from simhand.finetuning.data import load_labels
from simhand.finetuning.run_identity import code_identity, run_identity
from simhand.settings.datasets import parse_dataset
from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings
from simhand.training_runs.run_folder import differences

SETTINGS = FinetuneSettings(batch_size=4)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    write_split(folder, "training", 8, 2, seed=1)
    write_split(folder, "evaluation", 5, 1, seed=2)
    return folder


@pytest.fixture
def identity(root, monkeypatch):
    monkeypatch.setattr(module, "code_identity", dict)

    def of(settings=SETTINGS, where=root, encoder=None, pseudo_labelled=None, dataset="", **changes):
        plain = {"name": "a", "method": "none", "set": None, "weighting": "none", "top_k": None}
        plain |= {"init": "random", "dataset": "drawn", "label_fraction": 1.0, "seed": 0}
        experiment = FinetuneExperiment.model_validate(plain | changes)
        parsed = parse_dataset(f'{{"kind": "rendered"{dataset}}}')
        labels = load_labels(SETTINGS, parsed, where, experiment.label_fraction, 1)
        return run_identity(experiment, settings, parsed, labels, encoder, pseudo_labelled)

    return of


@pytest.mark.filterwarnings("ignore:Pydantic serializer")
def test_settings_count_but_for_those_without_effect(identity):
    before = identity()
    without_effect = {"device", "cache_mb", "checkpoint_minutes", "log_every_steps", "tensorboard"}
    for name in FinetuneSettings.model_fields:
        found = differences(before, identity(SETTINGS.model_copy(update={name: "another"})))
        expected = [] if name in without_effect else [f"settings.{name}"]
        assert [line.split(":")[0] for line in found if not line.startswith("evaluation")] == expected


def test_experiment_and_data_set_count_but_for_name_and_place(identity, root, tmp_path):
    shutil.copytree(root, tmp_path / "copy")
    assert identity(where=tmp_path / "copy", name="renamed") == identity()
    for changes in ({"seed": 1}, {"label_fraction": 0.5}, {"dataset": ', "crop_factor": 1.5'}):
        assert identity(**changes) != identity()


def test_labels_and_images_count_and_those_to_predict_only_if_they_choose_the_epoch(identity, tmp_path):
    root = tmp_path / "other"
    write_split(root, "training", 8, 2, seed=1)
    write_split(root, "evaluation", 5, 1, seed=3)
    assert identity(where=root) == identity()
    by_test_set = SETTINGS.model_copy(update={"model_selection": "test"})
    assert identity(by_test_set, where=root) != identity(by_test_set)
    image = root / "training/rgb/00000003.jpg"
    image.write_bytes(image.read_bytes() + b"0")
    changed = [line.split(":")[0] for line in differences(identity(), identity(where=root))]
    assert changed == ["labels"]
    labels = root / "training_xyz.json"
    before = identity(where=root)
    labels.write_text(labels.read_text().replace("0.6", "0.61", 1))
    assert identity(where=root) != before


def test_weights_count_by_their_content(identity, tmp_path):
    def of(seed, name="encoder"):
        torch.manual_seed(seed)
        path = tmp_path / f"{name}.pth"
        torch.save(torchvision.models.resnet18(weights=None).state_dict(), path.open("wb"))
        return identity(encoder=path)

    assert of(0) == of(0, "elsewhere") != of(1) != identity()


def test_a_set_counts_with_its_keypoints_and_crops(identity, tmp_path):
    first, second, third = (
        write_pseudo_labelled(tmp_path / name, 6, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert identity(pseudo_labelled=first) == identity(pseudo_labelled=second)
    found = differences(identity(pseudo_labelled=first), identity(pseudo_labelled=third))
    assert sorted(line.split(":")[0] for line in found) == ["crops", "keypoints"]


def test_the_code_that_computes_counts():
    code = set(code_identity())
    names = {"step", "batches", "losses", "targets", "detnet", "crop_geometry", "colour", "training"}
    names |= {"hand_dataset", "epoch_batches", "images"}
    assert {f"finetuning/{name}.py" for name in names} | {"backbones.py", "datasets/samples.py"} <= code
    names = {"train", "recorder", "experiment", "run_identity", "outputs", "inference"}
    assert not ({f"finetuning/{name}.py" for name in names} | {"datasets/freihand.py"}) & code
