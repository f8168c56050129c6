"""Fixtures shared by all tests."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
