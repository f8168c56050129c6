"""A painted run, and its export."""

from pathlib import Path

import pytest
from painted_run import PaintedRun, paint_run

from simhand.hand100m.write_annotations import export_annotations
from simhand.hand100m.write_frames import export_frames


@pytest.fixture
def painted(tmp_path: Path) -> PaintedRun:
    """A painted run of its own for each test."""
    return paint_run(tmp_path / "run")


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[PaintedRun, Path]:
    """A painted run, not to be changed, and the folder that it was exported to."""
    folder = tmp_path_factory.mktemp("exported")
    run = paint_run(folder / "run")
    export_annotations(run.folder, run.set_file, run.pairs_file, None, folder / "annotations.json")
    export_frames(run.folder, run.set_file, folder / "frames")
    return run, folder
