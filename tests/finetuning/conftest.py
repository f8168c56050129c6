"""Fixtures of the fine-tuning tests."""

from collections.abc import Callable
from pathlib import Path

import child_finetuning
import pytest
from drawn_freihand import EVALUATION, UNIQUE, VERSIONS, write_split
from rendered_layouts import WORLD

from simhand.world.labelled_assemblyhands import render_assemblyhands
from simhand.world.labelled_dexycb import render_dexycb


@pytest.fixture
def make_freihand(tmp_path: Path) -> Callable[..., Path]:
    """Writes a fresh labelled set and returns its root."""

    def make(unique: int = UNIQUE, versions: int = VERSIONS, evaluation: int = EVALUATION) -> Path:
        root = tmp_path / "freihand"
        write_split(root, "training", unique, versions, seed=1)
        write_split(root, "evaluation", evaluation, 1, seed=2)
        return root

    return make


@pytest.fixture
def freihand(make_freihand: Callable[..., Path]) -> Path:
    """A labelled set of 8 unique hands before 2 backgrounds, and 4 to evaluate."""
    return make_freihand()


@pytest.fixture(scope="session")
def dexycb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered labelled set in DexYCB's layout; not to be written to."""
    root = tmp_path_factory.mktemp("layouts") / "dexycb"
    render_dexycb(WORLD, root)
    return root


@pytest.fixture(scope="session")
def assemblyhands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered labelled set in AssemblyHands' layout; not to be written to."""
    root = tmp_path_factory.mktemp("layouts") / "assemblyhands"
    render_assemblyhands(WORLD, root)
    return root


@pytest.fixture
def tiny_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five small convolutions in place of a ResNet, where the encoder is not what is tested."""
    monkeypatch.setattr(child_finetuning.detnet, "make_map_encoder", child_finetuning.tiny_encoder)
