"""Fixtures of the fine-tuning tests."""

import child_finetuning
import pytest


@pytest.fixture
def tiny_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five small convolutions in place of a ResNet, where the encoder is not what is tested."""
    monkeypatch.setattr(child_finetuning.detnet, "make_map_encoder", child_finetuning.tiny_encoder)
