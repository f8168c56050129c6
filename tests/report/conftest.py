"""The miniature run, built once, and its figures."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import miniature_run  # noqa: E402

from simhand.files.tables import write_table  # noqa: E402
from simhand.report.figures.draw import RunParts, write_figures  # noqa: E402
from simhand.settings.report import ReportSettings  # noqa: E402

SHARDS = [f"{source}/{shard}" for source, shards in miniature_run.SOURCES.items() for shard in shards]
PARTS = RunParts(
    sources=SHARDS,
    frames=SHARDS,
    sets=[miniature_run.SET],
    pretrain=miniature_run.PRETRAIN,
    finetune=miniature_run.FINETUNE,
)
FEW_EXAMPLES = ReportSettings(
    example_frames=3, example_crops=12, example_pairs=10, example_queries=3, example_predictions=1
)


@pytest.fixture(scope="session")
def few_examples() -> ReportSettings:
    return FEW_EXAMPLES


@pytest.fixture(scope="session")
def parts() -> RunParts:
    return PARTS


@pytest.fixture(scope="session")
def drawn_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with figures; tests must not change it."""
    run = miniature_run.build_run(tmp_path_factory.mktemp("drawn"))
    write_figures(run, run / "figures", PARTS, FEW_EXAMPLES)
    return run


@pytest.fixture
def metrics_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows as a metrics table and returns its path."""

    def write(*rows: dict, name: str = "metrics.parquet") -> Path:
        write_table(tmp_path / name, "metrics", rows)
        return tmp_path / name

    return write
