"""The paper's figures by number, and their place among the figures of a run."""

import json
from dataclasses import replace

import miniature_run
import pytest

from simhand.errors import DataError
from simhand.files.tables import write_table
from simhand.report.figures.draw import RunParts, write_figures
from simhand.report.figures.paper import PAPER_FIGURES, FigureParts, write_paper_figure
from simhand.settings.experiment_groups import FIGURES_OF_PAIRS, FIGURES_WITH_EXPERIMENTS


def test_every_figure_that_is_a_target_can_be_drawn():
    assert set(PAPER_FIGURES) == {*FIGURES_OF_PAIRS, *FIGURES_WITH_EXPERIMENTS}


def test_a_figure_is_written_with_what_the_report_says_of_it(drawn_run, few_examples, tmp_path):
    parts = FigureParts(drawn_run, [miniature_run.SET], [])
    write_paper_figure("figure2", tmp_path, parts, few_examples)
    entry = json.loads((tmp_path / "figure2.json").read_text())
    assert (tmp_path / "figure2.png").read_bytes()[:4] == b"\x89PNG"
    assert entry["name"] == "figure2" and entry["title"].endswith("(the paper's Figure 2)")
    ranks = (drawn_run / f"figures/ranks_{miniature_run.SET}.png").read_bytes()
    assert (tmp_path / "figure2.png").read_bytes() == ranks


def test_figure_4_is_drawn_from_the_metrics_of_its_experiments(drawn_run, few_examples, tmp_path):
    name = "none_random_seed0__rendered_100pct"
    rows = miniature_run.metric_rows(name, 0, 20.0, 60.0)
    write_table(tmp_path / "finetune" / name / "metrics.parquet", "metrics", rows)
    write_paper_figure("figure4", tmp_path, FigureParts(tmp_path, [], [name]), few_examples)
    assert "protocol simhand" in json.loads((tmp_path / "figure4.json").read_text())["caption"]


def test_a_figure_of_nothing_is_an_error(drawn_run, few_examples, tmp_path):
    with pytest.raises(DataError, match="nothing to draw figure5 from"):
        write_paper_figure("figure5", tmp_path, FigureParts(drawn_run, [], []), few_examples)


def test_drawing_the_run_keeps_the_papers_figures_and_removes_those_of_earlier_runs(
    drawn_run, few_examples, tmp_path
):
    parts = RunParts([], [], [], [], [])
    write_paper_figure("figure2", tmp_path, FigureParts(drawn_run, [miniature_run.SET], []), few_examples)
    (tmp_path / "pairs_gone.png").touch()
    write_figures(drawn_run, tmp_path, replace(parts, paper=["figure2"]), few_examples)
    index = json.loads((tmp_path / "index.json").read_text())
    assert [entry["name"] for entry in index["figures"]] == ["dag", "figure2"]
    assert {path.name for path in tmp_path.glob("*.png")} == {"dag.png", "figure2.png"}
    write_figures(drawn_run, tmp_path, parts, few_examples)
    assert (tmp_path / "figure2.png").exists(), "it may have been asked for by itself"
