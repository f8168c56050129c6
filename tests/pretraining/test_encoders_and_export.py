"""Encoders: their weights come from where they are said to come from, and leave with plain names."""

import hashlib
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision

from simhand.encoder_weights import imagenet_weights, initialise
from simhand.errors import DataError
from simhand.pretraining.encoders import ContrastiveModel, make_encoder
from simhand.pretraining.export import save_encoder
from simhand.settings.pretrain import PretrainSettings


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(3)
    return make_encoder("resnet18")[0].eval()


def features(network, images):
    with torch.no_grad():
        return network(images)


def test_an_exported_encoder_loads_into_torchvision_in_two_lines(encoder, tmp_path):
    save_encoder(encoder, tmp_path / "encoder.safetensors")

    model = torchvision.models.resnet18()
    found = model.load_state_dict(safetensors.torch.load_file(tmp_path / "encoder.safetensors"), strict=False)

    assert (found.missing_keys, found.unexpected_keys) == (["fc.weight", "fc.bias"], [])
    model.fc = torch.nn.Identity()
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(features(model.eval(), images), features(encoder, images))


def test_the_same_encoder_gives_the_same_bytes_that_others_may_read(encoder, tmp_path):
    digests = set()
    for name in ("a.safetensors", "b.safetensors"):
        save_encoder(encoder, tmp_path / name)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "a.safetensors").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("name, width", [("resnet18", 512), ("resnet50", 2048)])
def test_the_model_has_the_papers_head(name, width):
    model = ContrastiveModel(PretrainSettings(encoder=name))
    assert model.features == width
    shapes = {key: tuple(value.shape) for key, value in model.head.named_parameters()}
    assert shapes["0.weight"] == (512, width) and shapes["3.weight"] == (128, 512) and "3.bias" not in shapes


@pytest.mark.parametrize("form", ["safetensors", "bare pth", "pth under state_dict with a classifier"])
def test_a_weights_file_fills_the_encoder(encoder, tmp_path, form):
    state = encoder.state_dict()
    path = tmp_path / ("w.safetensors" if form == "safetensors" else "w.pth")
    if form == "safetensors":
        safetensors.torch.save_file(state, path)
    elif form == "bare pth":
        torch.save(state, path)
    else:
        torch.save({"state_dict": state | {"fc.weight": torch.zeros(1000, 512)}}, path)
    fresh = make_encoder("resnet18")[0].eval()
    initialise(fresh, "resnet18", str(path))
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(features(fresh, images), features(encoder, images))


def test_weights_that_do_not_fit_are_an_error(encoder, tmp_path):
    state = {"backbone." + name: tensor for name, tensor in encoder.state_dict().items()}
    torch.save(state, tmp_path / "renamed.pth")
    with pytest.raises(DataError, match=r"does not fit resnet18: conv1.weight is missing; .* and \d+ more"):
        initialise(encoder, "resnet18", str(tmp_path / "renamed.pth"))
    torch.save(make_encoder("resnet50")[0].state_dict(), tmp_path / "larger.pth")
    with pytest.raises(DataError, match="does not fit resnet18"):
        initialise(encoder, "resnet18", str(tmp_path / "larger.pth"))


@pytest.mark.parametrize("name", ["broken.safetensors", "broken.pth"])
def test_a_broken_weights_file_is_an_error(encoder, tmp_path, name):
    (tmp_path / name).write_bytes(b"these are not weights, though there are enough of them")
    with pytest.raises(DataError, match="not a readable weights file"):
        initialise(encoder, "resnet18", str(tmp_path / name))


def test_a_missing_weights_file_is_an_error(encoder):
    with pytest.raises(DataError, match="no weights file nowhere.pth; run what writes it, or correct `init`"):
        initialise(encoder, "resnet18", "nowhere.pth")


def test_imagenet_weights_come_from_torchvisions_folder(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(DataError, match="init 'imagenet' needs .*resnet18-f37072fd.pth.*fetch https"):
        imagenet_weights("resnet18")
    path = Path(tmp_path, "checkpoints", "resnet18-f37072fd.pth")
    path.parent.mkdir()
    torch.save(encoder.state_dict(), path)
    fresh = make_encoder("resnet18")[0]
    initialise(fresh, "resnet18", "imagenet")
    assert torch.equal(fresh.conv1.weight, encoder.conv1.weight)
