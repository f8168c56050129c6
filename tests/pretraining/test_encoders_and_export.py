"""Encoders: their weights come from where they are said to come from, and leave with plain names."""

import hashlib
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision
from pydantic import ValidationError

from simhand.backbones import make_encoder, make_map_encoder
from simhand.encoder_weights import initialise
from simhand.errors import ConfigError, DataError
from simhand.finetuning.detnet import DetNet
from simhand.imagenet_weights import FILES, imagenet_weights, torch_home
from simhand.pretraining.encoders import ContrastiveModel
from simhand.pretraining.export import save_encoder
from simhand.settings.encoder import RESNETS
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
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(DataError, match="init 'imagenet' needs .*resnet18-f37072fd.pth.*fetches it"):
        imagenet_weights("resnet18")
    path = Path(torch.hub.get_dir(), "checkpoints", "resnet18-f37072fd.pth")
    path.parent.mkdir(parents=True)
    torch.save(encoder.state_dict(), path)
    fresh = make_encoder("resnet18")[0]
    initialise(fresh, "resnet18", "imagenet")
    assert torch.equal(fresh.conv1.weight, encoder.conv1.weight)


def test_imagenet_weights_have_the_names_and_the_folder_that_torch_gives_them(monkeypatch):
    assert FILES.keys() == set(RESNETS)
    for name, file in FILES.items():
        weights = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"]
        assert weights.url.endswith(f"/{file}")
    for home, cache in (("there/torch", "cache"), (None, "cache"), (None, None)):
        for name, value in (("TORCH_HOME", home), ("XDG_CACHE_HOME", cache)):
            monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
        assert str(torch_home() / "hub") == torch.hub.get_dir()


def released_names(state):
    """A ResNet's tensors as the authors' trainings name them, found by walking their nn.Sequential."""
    resnet = torchvision.models.resnet18()
    children = [child for name, child in resnet.named_children() if name != "fc"]
    resnet.load_state_dict(state, strict=False)
    return {f"encoder.features.{name}": t for name, t in torch.nn.Sequential(*children).state_dict().items()}


@pytest.mark.parametrize("parallel", ["", "module."])
def test_the_authors_checkpoints_fill_the_encoder(encoder, tmp_path, parallel):
    """A Lightning checkpoint: numbered children, an unused layer and a head beside them."""
    extra = {"encoder.final_layer.0.weight": torch.zeros(64, 512), "projection_head.0.weight": torch.ones(1)}
    state = {parallel + name: t for name, t in (released_names(encoder.state_dict()) | extra).items()}
    torch.save({"state_dict": state, "epoch": 99}, tmp_path / "simhand.ckpt")
    fresh = make_encoder("resnet18")[0].eval()
    initialise(fresh, "resnet18", str(tmp_path / "simhand.ckpt"))
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(features(fresh, images), features(encoder, images))


def test_an_authors_checkpoint_with_a_child_that_no_resnet_has_is_an_error(encoder, tmp_path):
    state = released_names(encoder.state_dict()) | {"encoder.features.9.weight": torch.zeros(1)}
    torch.save({"state_dict": state}, tmp_path / "odd.ckpt")
    with pytest.raises(DataError, match="features.9.weight is not part of resnet18"):
        initialise(encoder, "resnet18", str(tmp_path / "odd.ckpt"))


@pytest.mark.parametrize(
    "name", ["timm/resnet10t", "timm/mobilenetv3_small_050", "timm/vit_tiny_patch16_224"]
)
def test_a_timm_encoder_is_made_and_its_weights_load_in_timm(tmp_path, name):
    import timm

    encoder, width = make_encoder(name, 64)
    images = torch.rand(2, 3, 64, 64)
    assert features(encoder.eval(), images).shape == (2, width)
    save_encoder(encoder, tmp_path / "encoder.safetensors")
    size = {"img_size": 64} if "vit" in name else {}
    model = timm.create_model(name.removeprefix("timm/"), num_classes=0, **size).eval()
    model.load_state_dict(safetensors.torch.load_file(tmp_path / "encoder.safetensors"))
    assert torch.equal(features(model, images), features(encoder, images))


def test_a_timm_weights_file_with_its_classifier_fills_encoder_and_detnet(tmp_path):
    import timm

    torch.manual_seed(0)
    whole = timm.create_model("mobilenetv3_small_050", num_classes=10).eval()
    torch.save(whole.state_dict(), tmp_path / "whole.pth")
    fresh, _ = make_encoder("timm/mobilenetv3_small_050", 64)
    initialise(fresh.eval(), "timm/mobilenetv3_small_050", str(tmp_path / "whole.pth"))
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(
        features(fresh, images), whole.forward_head(whole.forward_features(images), pre_logits=True)
    )
    network = DetNet("timm/mobilenetv3_small_050", 16, 64)
    initialise(network.encoder, "timm/mobilenetv3_small_050", str(tmp_path / "whole.pth"))
    assert network(images).heat.shape == (1, 21, 16, 16)


def test_wrong_names_of_timm_are_errors():
    with pytest.raises(ConfigError, match="has no model 'resnet10x'; did you mean timm/resnet10t"):
        make_encoder("timm/resnet10x", 64)
    with pytest.raises(ConfigError, match=r"gives \(.*\) for an image of 64 x 64, where DetNet needs a map"):
        make_map_encoder("timm/vit_tiny_patch16_224", 64)
    with pytest.raises(ConfigError, match="for timm/resnet10t give a weights file"):
        initialise(torch.nn.Identity(), "timm/resnet10t", "imagenet")
    with pytest.raises(ValidationError, match="no encoder 'resent50': expected .*did you mean resnet50"):
        PretrainSettings(encoder="resent50")
