"""Fixtures of the fine-tuning tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from drawn_freihand import EVALUATION, UNIQUE, VERSIONS, write_split


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
