"""A drawn run and a training small enough for a test."""

from collections.abc import Iterator

import pytest
import torch
from drawn_run import Run, write_run
from torch import nn

from simhand.pretraining import encoders
from simhand.settings.pretrain import PretrainSettings


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """24 drawn hands, all with a partner."""
    return write_run(tmp_path_factory.mktemp("run"), 24)


@pytest.fixture(scope="session")
def small() -> PretrainSettings:
    """A training that takes a second or two on one core."""
    return PretrainSettings(
        encoder="resnet18",
        head_width=32,
        embedding_size=32,
        image_size_px=32,
        batch_size=8,
        epochs=2,
        warmup_epochs=1,
        device="cpu",
    )


@pytest.fixture
def tiny_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four small convolutions in place of a ResNet, where the encoder is not what is tested."""

    def make(name: str, input_px: int) -> tuple[nn.Module, int]:
        layers: list[nn.Module] = []
        for narrow, wide in ((3, 16), (16, 32), (32, 64), (64, 64)):
            layers += [nn.Conv2d(narrow, wide, 3, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 64

    monkeypatch.setattr(encoders, "make_encoder", make)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one thread, and as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
