"""Fixtures shared by all tests."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_freihand import EVALUATION, UNIQUE, VERSIONS, write_split
from rendered_layouts import WORLD

REPOSITORY = Path(__file__).resolve().parents[1]
GOLDEN = REPOSITORY / "tests" / "golden"


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout under test."""
    return REPOSITORY


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Any]:
    """Loads a recorded file of tests/golden by name."""
    return lambda name: np.load(GOLDEN / name, allow_pickle=False)


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real videos; tests that use it are skipped where it is absent."""
    folder = Path(os.environ.get("SIMHAND_REALDATA", REPOSITORY.parent / "shared" / "realdata"))
    if not folder.is_dir():
        pytest.skip(f"no real videos at {folder} (set SIMHAND_REALDATA to their folder)")
    return folder


@pytest.fixture(autouse=True)
def _log_as_at_the_start() -> None:
    """A stage that ran in this process opens the log wider; what a test sees must not hang on that."""
    logging.getLogger("simhand").setLevel(logging.NOTSET)


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
    from simhand.world.labelled_dexycb import render_dexycb

    root = tmp_path_factory.mktemp("layouts") / "dexycb"
    render_dexycb(WORLD, root)
    return root


@pytest.fixture(scope="session")
def assemblyhands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered labelled set in AssemblyHands' layout; not to be written to."""
    from simhand.world.labelled_assemblyhands import render_assemblyhands

    root = tmp_path_factory.mktemp("layouts") / "assemblyhands"
    render_assemblyhands(WORLD, root)
    return root
