"""The certified run, for each test anew."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from certified_run import build_run  # noqa: E402


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path) -> Path:
    """The run, certified as if by the script that mines; tests may change it."""
    monkeypatch.setattr(sys, "argv", [str(repository / "workflow_scripts/mine_pairs.py"), "--threads", "2"])
    monkeypatch.chdir(tmp_path)
    return build_run(Path("results/mini"))
