"""Tables: which measured row stands beside which of the paper's, and what the three files say."""

import csv
import io
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest
from miniature_run import metric_rows
from pydantic import ValidationError

from simhand.errors import DataError
from simhand.report.comparison import ComparisonRow, compare, read_reported
from simhand.report.definitions import TABLES
from simhand.report.latex import to_latex
from simhand.report.metrics import concatenate_metrics, summarise
from simhand.report.table_display import display
from simhand.report.table_files import to_csv, to_html, to_markdown
from simhand.settings.experiment_names import without_seed
from simhand.settings.tables import TablesSettings

TABLE2 = TABLES["table2"]
LAYOUTS = {"rendered": "freihand"}


@pytest.fixture
def reported(repository: Path) -> Path:
    return repository / "workflow_scripts/simhand/report/reported/table2.csv"


@pytest.fixture
def metrics(metrics_file) -> Path:
    """Two seeds of four experiments: three have a counterpart in the paper, one is weighted."""
    rows = []
    for seed, shift in ((0, -1.0), (1, 1.0)):
        rows += metric_rows(f"none_random_seed{seed}__x", seed, 40 + shift, 50.0)
        for method, weighting, error in (
            ("peclr", "none", 35),
            ("simhand", "none", 30),
            ("simhand", "both", 29),
        ):
            columns = {"method": method, "set": "mine", "weighting": weighting}
            columns["top_k"] = 1 if method == "simhand" else None
            name = f"{method}_mine_{weighting}_random_seed{seed}__x"
            rows += metric_rows(name, seed, error + shift, 60 - shift, **columns)
    return metrics_file(*rows)


def table(metrics: Path, reported: Path, **compare_with: str) -> list[ComparisonRow]:
    measured = summarise(concatenate_metrics([metrics]), TABLE2, TablesSettings(layouts=LAYOUTS))
    return compare(measured, read_reported(reported, TABLE2), TABLE2, compare_with)


def csv_rows(rows: list[ComparisonRow]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(rows, TABLE2))))


def test_mean_and_spread_over_seeds_stand_beside_the_paper(metrics, reported):
    rows = csv_rows(table(metrics, reported, mine="ego-50k"))
    found = next(row for row in rows if row["method"] == "simhand" and row["weighting"] == "none")
    assert (found["mpjpe_mean"], found["mpjpe_spread"], found["mpjpe_unit"]) == ("30.0000", "1.4142", "mm")
    assert (found["pck_auc_mean"], found["pck_auc_unit"]) == ("60.0000", "%")
    assert (found["paper_pretraining_set"], found["paper_freihand10_mpjpe_mm"]) == ("ego-50k", "35.32")
    assert (found["seeds"], found["samples"], found["failures"]) == ("0 1", "8", "0")
    assert (found["status"], found["protocol"]) == ("measured", "simhand")


def test_a_row_that_the_paper_lacks_has_no_reported_number(metrics, reported):
    rows = csv_rows(table(metrics, reported, mine="ego-50k"))
    weighted = next(row for row in rows if row["weighting"] == "both")
    assert weighted["mpjpe_mean"] == "29.0000"
    assert weighted["paper_freihand10_mpjpe_mm"] == ""


def test_every_row_of_the_paper_is_there_exactly_once(metrics, reported):
    rows = csv_rows(table(metrics, reported, mine="ego-50k"))
    paper = [(row["paper_method"], row["paper_pretraining_set"]) for row in rows if row["paper_method"]]
    assert sorted(paper) == sorted(
        row.key[:2] if row.key[1] else (row.key[0], "") for row in read_reported(reported, TABLE2)
    )
    not_run = [row for row in rows if row["status"] == "not run"]
    assert len(not_run) == 10
    assert {row["mpjpe_mean"] for row in not_run} == {""}
    assert all(row["paper_freihand10_mpjpe_mm"] for row in not_run)


def test_without_a_counterpart_named_nothing_is_compared(metrics, reported):
    rows = csv_rows(table(metrics, reported))
    pretrained = [row for row in rows if row["set"] == "mine"]
    assert len(pretrained) == 3
    assert {row["paper_method"] for row in pretrained} == {""}


def test_a_set_with_the_papers_name_needs_no_mapping(metrics_file, reported):
    columns = {"method": "peclr", "set": "ego-100k"}
    metrics = metrics_file(*metric_rows("peclr_ego-100k_none_random_seed0__x", 0, 1.0, 2.0, **columns))
    first = csv_rows(table(metrics, reported))[0]
    assert first["paper_freihand10_mpjpe_mm"] == "46.00"


@pytest.mark.parametrize(
    ("columns", "compared"),
    [
        ({"method": "none", "init": "random"}, True),
        ({"method": "none", "init": "imagenet"}, False),
        ({"method": "simhand", "set": "ego-50k", "top_k": 1}, True),
        ({"method": "simhand", "set": "ego-50k", "top_k": 5}, False),
    ],
)
def test_only_what_the_paper_measured_is_compared(metrics_file, reported, columns, compared):
    rows = table(metrics_file(*metric_rows("x_seed0", 0, 1.0, 2.0, **columns)), reported)
    assert (rows[0].reported is not None) == compared


def test_measured_rows_follow_the_order_of_the_paper(metrics, reported):
    rows = table(metrics, reported, mine="ego-50k")
    order = [(row.measured.method, row.measured.weighting) for row in rows if row.measured]
    assert order == [("none", "none"), ("peclr", "none"), ("simhand", "none"), ("simhand", "both")]
    assert [row.measured is None for row in rows] == sorted(row.measured is None for row in rows)


def test_one_seed_has_no_spread_and_a_blank_value_stays_blank(metrics_file, reported):
    rows = table(metrics_file(*metric_rows("x_seed0", 0, 12.5, None)), reported)
    first = csv_rows(rows)[0]
    assert (first["mpjpe_mean"], first["mpjpe_spread"]) == ("12.5000", "")
    assert first["pck_auc_mean"] == ""
    cells = [cell.text for cell in display(rows, TABLE2).rows[0]]
    assert cells[3:5] == ["12.50", "\N{EN DASH}"]


def test_failures_are_summed_and_different_samples_are_shown_as_a_range(metrics_file, reported):
    rows = metric_rows("x_seed0", 0, 1.0, 2.0, samples=8, failures=1) + metric_rows(
        "x_seed1", 1, 1.0, 2.0, samples=9, failures=2
    )
    first = csv_rows(table(metrics_file(*rows), reported))[0]
    assert (first["samples"], first["failures"]) == ("8\N{EN DASH}9", "3")


def test_what_all_rows_share_is_a_sentence_and_what_differs_a_column(metrics_file, reported):
    rows = metric_rows("a_seed0", 0, 1.0, 2.0) + metric_rows("b_seed0", 0, 1.0, 2.0, init="imagenet")
    shown = display(table(metrics_file(*rows), reported), TABLE2)
    assert "start" in [column.label for column in shown.header]
    assert "fine-tuned on" not in [column.label for column in shown.header]
    assert "fine-tuned on: rendered; labels used: 100 %; seeds: 1; samples: 8; failures: 0" in shown.shared


def test_counts_that_differ_are_columns(metrics_file, reported):
    rows = metric_rows("a_seed0", 0, 1.0, 2.0) + metric_rows(
        "b_seed0", 0, 1.0, 2.0, init="imagenet", failures=3
    )
    shown = display(table(metrics_file(*rows), reported), TABLE2)
    assert [column.label for column in shown.header][-1] == "failures"
    assert [row[-1].text for row in shown.rows[:3]] == ["0", "3", "\N{EN DASH}"]
    assert "samples: 8" in shown.shared and "failures" not in shown.shared


def test_rows_that_look_alike_are_told_apart_by_their_experiment(metrics_file, reported):
    rows = metric_rows("none_random_short_seed0", 0, 1.0, 2.0) + metric_rows("none_random_seed0", 0, 1.0, 2.0)
    shown = display(table(metrics_file(*rows), reported), TABLE2)
    column = [column.label for column in shown.header].index("experiment")
    assert {row[column].text for row in shown.rows[:2]} == {"none_random_short", "none_random"}


def test_markdown_and_html_say_not_run_and_name_the_protocol(metrics, reported):
    shown = display(table(metrics, reported, mine="ego-50k"), TABLE2)
    markdown, html = to_markdown(shown), to_html(shown)
    assert markdown.count("not run") == 20
    for text in (markdown, html):
        assert "Protocol simhand, inferred from the released metric code" in text
        assert "30.00 \N{PLUS-MINUS SIGN} 1.41" in text
    page = ElementTree.fromstring(html.removeprefix("<!DOCTYPE html>"))
    body = page.findall("body/figure//tbody/tr")
    assert len(body) == len(shown.rows)
    assert {len(row) for row in body} == {len(shown.header)}
    assert sum(int(cell.get("colspan")) for cell in page.findall(".//tr[@class='groups']/th")) == len(
        shown.header
    )


def test_the_best_measured_value_is_bold(metrics, reported):
    shown = display(table(metrics, reported, mine="ego-50k"), TABLE2)
    best = [cell.text for row in shown.rows for cell in row if cell.best]
    assert [text for text in best if not text.startswith("60.00")] == ["29.00 \N{PLUS-MINUS SIGN} 1.41"]
    assert "**29.00" in to_markdown(shown)


def test_the_scripts_write_what_the_library_makes(metrics, reported, repository, tmp_path):
    scripts, collected, tables = (
        repository / "workflow_scripts",
        tmp_path / "out.parquet",
        tmp_path / "tables",
    )
    run = [sys.executable, scripts / "collect_metrics.py", "--metrics", metrics, "--out", collected]
    subprocess.run(run, check=True, capture_output=True)
    assert pq.read_table(collected).equals(pq.read_table(metrics), check_metadata=True)
    settings = TablesSettings(compare_with={"mine": "ego-50k"}, layouts=LAYOUTS).model_dump_json()
    run = [sys.executable, scripts / "make_tables.py", "--settings", settings]
    run += ["--table", "table2", "--metrics", collected, "--reported", reported, "--out-dir", tables]
    subprocess.run(run, check=True, capture_output=True)
    rows = table(metrics, reported, mine="ego-50k")
    shown = display(rows, TABLE2)
    expected = {
        "table2.csv": to_csv(rows, TABLE2),
        "table2.md": to_markdown(shown),
        "table2.tex": to_latex(shown),
        "table2.html": to_html(shown),
    }
    assert {path.name: path.read_bytes().decode() for path in tables.iterdir()} == expected


def test_metrics_of_experiments_are_put_together_in_order(metrics_file):
    first = metrics_file(*metric_rows("b_seed0", 0, 1.0, 2.0), name="b.parquet")
    second = metrics_file(*metric_rows("a_seed0", 0, 3.0, 4.0), name="a.parquet")
    table = concatenate_metrics([first, second])
    assert table["experiment"].to_pylist() == ["b_seed0"] * 3 + ["a_seed0"] * 3
    assert concatenate_metrics([]).num_rows == 0


def test_the_same_measurement_twice_is_an_error(metrics_file):
    first = metrics_file(*metric_rows("a_seed0", 0, 1.0, 2.0), name="a.parquet")
    second = metrics_file(*metric_rows("a_seed0", 0, 3.0, 4.0), name="b.parquet")
    with pytest.raises(DataError, match=r"b\.parquet and .*a\.parquet both measure experiment a_seed0"):
        concatenate_metrics([first, second])


def test_missing_metrics_are_an_error(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        concatenate_metrics([tmp_path / "none.parquet"])


def test_a_table_without_its_protocol_is_an_error(metrics_file):
    rows = [row for row in metric_rows("a_seed0", 0, 1.0, 2.0) if row["protocol"] != "simhand"]
    with pytest.raises(DataError, match="no protocol 'simhand'.*they hold freihand_absolute"):
        summarise(concatenate_metrics([metrics_file(*rows)]), TABLE2)


def test_another_unit_is_an_error(metrics_file):
    rows = [{**row, "unit": "m"} for row in metric_rows("a_seed0", 0, 0.03, 2.0)]
    with pytest.raises(DataError, match="gives mpjpe in 'm', table2 expects 'mm'"):
        summarise(concatenate_metrics([metrics_file(*rows)]), TABLE2)


def test_a_damaged_table_of_the_paper_is_an_error(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_reported(tmp_path / "table2.csv", TABLE2)
    (tmp_path / "table2.csv").write_text("method,pretraining_set,weighting\nnone,,none\n")
    with pytest.raises(DataError, match="lacks the column.*freihand10_mpjpe_mm"):
        read_reported(tmp_path / "table2.csv", TABLE2)


def test_unknown_sets_of_the_paper_are_config_errors():
    with pytest.raises(ValidationError, match="ego-50k"):
        TablesSettings(compare_with={"mine": "ego-51k"})


def test_only_the_seed_is_taken_out_of_a_name():
    assert (
        without_seed("peclr_seed1-set_none_random_seed1__x_10pct", 1)
        == "peclr_seed1-set_none_random__x_10pct"
    )
    assert without_seed("none_random_seed10__x_10pct", 10) == "none_random__x_10pct"
    assert without_seed("none_random_seed10", 1) == "none_random_seed10"


@pytest.mark.parametrize("number", range(1, 9))
def test_the_papers_tables_are_here_and_whole(repository, number):
    path = repository / f"workflow_scripts/simhand/report/reported/table{number}.csv"
    rows = list(csv.reader(path.open(encoding="utf-8")))
    assert len(rows) == [0, 11, 14, 7, 10, 7, 3, 7, 5][number]
    assert {len(row) for row in rows} == {len(rows[0])}
