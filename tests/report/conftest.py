"""The miniature run, built once, and its figures."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import miniature_run  # noqa: E402

from simhand.files.tables import read_table, write_table  # noqa: E402
from simhand.report.comparison import compare, read_reported  # noqa: E402
from simhand.report.definitions import TABLES  # noqa: E402
from simhand.report.figures.draw import RunParts, write_figures  # noqa: E402
from simhand.report.metrics import summarise  # noqa: E402
from simhand.report.pairs_page import build_pairs_page  # noqa: E402
from simhand.report.run_statistics import stage_times, times_table  # noqa: E402
from simhand.report.table_display import display  # noqa: E402
from simhand.report.table_files import to_html  # noqa: E402
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


@pytest.fixture(scope="session")
def run(drawn_run: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature run with a table and the page of its pairs; tests must not change it."""
    copy = tmp_path_factory.mktemp("report") / "mini"
    shutil.copytree(drawn_run, copy)
    write_table(
        copy / "metrics.parquet", "metrics", miniature_run.metric_rows("none_random_seed0__x", 0, 31.5, 40.0)
    )
    definition = TABLES["table2"]
    measured = summarise(read_table(copy / "metrics.parquet", "metrics"), definition)
    reported = read_reported(repository / "workflow_scripts/simhand/report/reported/table2.csv", definition)
    (copy / "tables").mkdir()
    html = to_html(display(compare(measured, reported, definition, {}), definition))
    (copy / "tables" / "table2.html").write_text(html, encoding="utf-8")
    (copy / "run_times.csv").write_text(times_table(stage_times(copy / "benchmarks")), encoding="utf-8")
    (copy / "pairs_all.html").write_text(build_pairs_page(copy, "all", ReportSettings()), encoding="utf-8")
    return copy


@pytest.fixture
def metrics_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows as a metrics table and returns its path."""

    def write(*rows: dict, name: str = "metrics.parquet") -> Path:
        write_table(tmp_path / name, "metrics", rows)
        return tmp_path / name

    return write
