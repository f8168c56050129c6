"""Fixtures of the tests on videos."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from numbered_clips import write_clip


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the clips of this session lie."""
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="session")
def plain_clip(clip_folder: Path) -> Path:
    """3.2 s at 10 fps."""
    return write_clip(clip_folder / "plain.mp4", [Fraction(n, 10) for n in range(33)], rate=Fraction(10))


@pytest.fixture(scope="session")
def make_clip(clip_folder: Path) -> Callable[..., Path]:
    """Writes a clip with :func:`write_clip` into the folder of the session, by name."""
    return lambda name, *arguments, **options: write_clip(clip_folder / name, *arguments, **options)
