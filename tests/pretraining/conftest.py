"""A drawn run and a training small enough for a test."""

import pytest
from drawn_run import Run, write_run

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
