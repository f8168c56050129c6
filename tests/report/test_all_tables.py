"""Tables 1 to 8, Figure 4 and groups of one's own: each kind of table from made-up metrics."""

import csv
import io
import re
import string

import pytest
from miniature_run import metric_rows

from simhand.errors import DataError
from simhand.report.comparison import compare, read_reported
from simhand.report.definitions import TABLES, table_definition
from simhand.report.figures.label_fractions import draw_label_fractions, label_fraction_curves
from simhand.report.latex import escaped, to_latex
from simhand.report.metrics import concatenate_metrics, summarise
from simhand.report.table_display import display
from simhand.report.table_files import to_csv, to_html, to_markdown
from simhand.settings.tables import TablesSettings

LAYOUTS = {"freihand": "freihand", "ycb": "dexycb", "assembly": "assemblyhands", "again": "assemblyhands"}
SIMHAND = {"method": "simhand", "top_k": 1}


def finetuned(start, dataset, error, *, share=1.0, seed=0, **columns):
    """The metrics of one fine-tuning, named as the workflow names it."""
    name = f"{start}_seed{seed}__{dataset}_{100 * share:g}pct"
    rows = metric_rows(name, seed, error, 50.0, dataset=dataset, label_fraction=share, **columns)
    return [{"low": None, "high": None, **row} for row in rows]


@pytest.fixture
def made(repository, metrics_file):
    """Makes a table from metrics: the lines of its CSV, and what is displayed."""

    def make(name, *metrics, encoder="resnet50", **settings):
        table = concatenate_metrics([metrics_file(*(row for rows in metrics for row in rows))])
        encoders = dict.fromkeys(table["experiment"].to_pylist(), encoder)
        given = TablesSettings(layouts=LAYOUTS, encoders=encoders, **settings)
        definition = table_definition(name)
        path = repository / f"workflow_scripts/simhand/report/reported/{name}.csv"
        reported = read_reported(path, definition) if name in TABLES else []
        rows = compare(summarise(table, definition, given), reported, definition, given.compare_with)
        lines = list(csv.DictReader(io.StringIO(to_csv(rows, definition))))
        return lines, display(rows, definition, titles=given.titles)

    return make


def texts(shown):
    return [[cell.text for cell in row] for row in shown.rows]


def test_table_1_has_a_column_for_each_data_set(made):
    columns = {**SIMHAND, "set": "ego-1m"}
    start = "simhand_ego-1m_none_top1_random"
    lines, shown = made(
        "table1",
        finetuned(start, "freihand", 16.0, **columns),
        finetuned(start, "ycb", 17.0, **columns),
        finetuned(start, "assembly", 18.0, seed=0, **columns),
        finetuned(start, "assembly", 20.0, seed=1, **columns),
    )
    first, kinds = lines[0], ("freihand", "dexycb", "assemblyhands")
    assert [first[f"{kind}_mpjpe_mean"] for kind in kinds] == ["16.0000", "17.0000", "19.0000"]
    assert [first[f"{kind}_mpjpe_spread"] for kind in kinds] == ["", "", "1.4142"]
    assert [first[f"paper_{kind}_mpjpe_mm"] for kind in kinds] == ["16.15", "16.99", "18.26"]
    assert first["dexycb_mpjpe_experiments"] == f"{start}_seed0__ycb_100pct"
    assert len(lines) == 10, "the paper's ten rows, one of them measured"
    assert texts(shown)[0][3:12] == [
        *("16.00", "50.00", "ego-1m", "16.15", "89.48"),
        *("17.00", "50.00", "16.99", "88.34"),
    ]
    assert [group for group, _ in shown.groups()][1:5] == [
        *("FreiHAND, measured", "FreiHAND, paper"),
        *("DexYCB, measured", "DexYCB, paper"),
    ]


def test_two_data_sets_of_one_kind_are_two_rows(made):
    lines, _ = made(
        "table1", finetuned("none_random", "assembly", 1.0), finetuned("none_random", "again", 2.0)
    )
    measured = [line for line in lines if line["status"] == "measured"]
    assert [(line["dataset"], line["assemblyhands_mpjpe_mean"]) for line in measured] == [
        ("assembly", "1.0000"),
        ("again", "2.0000"),
    ]


def test_a_data_set_that_was_not_run_is_marked_in_its_row(made):
    lines, shown = made("table1", finetuned("none_random", "freihand", 19.0))
    assert texts(shown)[0].count("not run") == 4
    assert lines[0]["dexycb_mpjpe_mean"] == lines[0]["paper_dexycb_mpjpe_mm"] == ""


@pytest.mark.parametrize("table", ["table1", "table7", "table8"])
def test_where_the_paper_does_not_say_both_weightings_stand_beside_its_number(made, table):
    dataset = {"table1": "freihand", "table7": "ycb", "table8": "assembly"}[table]
    column = {"table1": "freihand", "table7": "dexycb", "table8": "assemblyhands"}[table]
    printed = {"table1": "15.79", "table7": "16.71", "table8": "18.23"}[table]
    rows = [
        finetuned(f"simhand_egoexo-2m_{weighting}_top1_random", dataset, error, set="egoexo-2m", **more)
        for weighting, error in (("none", 16.0), ("both", 15.0), ("positive", 14.0))
        for more in [{**SIMHAND, "weighting": weighting}]
    ]
    lines, shown = made(table, *rows)
    found = {line["weighting"]: line[f"paper_{column}_mpjpe_mm"] for line in lines if line["weighting"]}
    assert found == {"none": printed, "both": printed, "positive": ""}
    assert "both stand beside the one number that is reported" in shown.definition.caption


def test_table_3_tells_similar_hands_and_weighting_apart(made):
    rows = [
        finetuned(f"{method}_ego-100k_{weighting}_x", "freihand", 1.0, share=0.1, set="ego-100k", **more)
        for method in ("peclr", "simhand")
        for weighting in ("none", "both")
        for more in [{"method": method, "weighting": weighting}]
    ]
    lines, shown = made("table3", *rows)
    measured = [line for line in lines if line["status"] == "measured"]
    assert [line["paper_freihand10_mpjpe_mm"] for line in measured] == ["46.00", "44.61", "31.06", "28.84"]
    assert [row[:4] for row in texts(shown)[2:4]] == [
        ["SiMHand", "ego-100k", "yes", "none"],
        ["SiMHand", "ego-100k", "yes", "both"],
    ]
    assert texts(shown)[4][:4] == ["SimCLR", "ego-100k", "no", "none"], "of a row that was not run"


def test_what_follows_from_the_method_is_not_said_again(made):
    _, shown = made("table2", finetuned("simhand_x", "freihand", 1.0, set="ego-100k", **SIMHAND))
    assert "similar hands" not in shown.shared and "rank of the positive: 1" in shown.shared
    _, shown = made(
        "table2",
        finetuned("simhand_x", "freihand", 1.0, set="ego-100k", **SIMHAND),
        finetuned("peclr_x", "freihand", 1.0, set="ego-100k", method="peclr"),
    )
    assert "similar hands" not in [column.label for column in shown.header]


def test_table_4_goes_by_the_rank(made):
    rows = [
        finetuned(f"simhand_ego-100k_none_top{rank}_x", "freihand", 1.0, share=0.1, set="ego-100k", **more)
        for rank, top_k in (("5000", 5000), ("2", 2), ("1+2+5", None), ("3", 3))
        for more in [{"method": "simhand", "top_k": top_k}]
    ]
    lines, shown = made("table4", *rows)
    found = {line["top_k"]: line["paper_freihand10_mpjpe_mm"] for line in lines if line["top_k"]}
    assert found == {"5000": "35.34", "2": "31.46", "1+2+5": "", "3": ""}
    assert len(lines) == 9 + 2
    assert {row[3] for row in texts(shown)} == {
        "1",
        "2",
        "3",
        "5",
        "10",
        "50",
        "100",
        "500",
        "1000",
        "5000",
        "1+2+5",
    }


def test_several_positives_are_no_row_of_the_paper(made):
    more = {"method": "simhand", "set": "ego-100k", "top_k": None}
    rows = finetuned("simhand_ego-100k_none_top1+2_random", "freihand", 1.0, share=0.1, **more)
    assert made("table2", rows)[0][0]["paper_freihand10_mpjpe_mm"] == ""


def test_table_6_is_told_by_the_setting(made):
    rows = [
        finetuned("weakly-supervised_x", "freihand", 60.0, share=0.1, set="mine", method="weakly-supervised"),
        finetuned("simhand_x", "freihand", 30.0, share=0.1, set="mine", **SIMHAND),
    ]
    lines, shown = made("table6", *rows, compare_with={"mine": "ego-100k"})
    assert [line["paper_freihand10_mpjpe_mm"] for line in lines] == ["61.65", "31.06"]
    assert [row[0] for row in texts(shown)] == ["weakly supervised", "SiMHand"]


def test_quoted_rows_stay_reported_and_are_never_not_run(made):
    lines, shown = made("table7", finetuned("none_random", "ycb", 20.0))
    status = {line["paper_method"]: line["status"] for line in lines}
    assert status["Zhou et al. (2020)"] == "measured" and status["SiMHand"] == "not run"
    assert status["Spurr et al. (2020)"] == status["Tse et al. (2022)"] == "reported only"
    assert [row[0] for row in texts(shown)] == [
        *("no pre-training", "Xiong et al. (2019)", "Spurr et al. (2020)", "Spurr et al. (2020)"),
        *("Tse et al. (2022)", "SiMHand"),
    ]


def test_another_backbone_is_no_row_of_the_paper(made):
    lines, shown = made("table7", finetuned("none_random", "ycb", 20.0), encoder="resnet18")
    assert lines[0]["paper_dexycb_mpjpe_mm"] == "" and texts(shown)[0][1] == "resnet18"


def test_another_data_set_is_no_row_of_the_paper(made):
    lines, _ = made("table2", finetuned("none_random", "ycb", 20.0, share=0.1))
    assert (lines[0]["mpjpe_mean"], lines[0]["paper_freihand10_mpjpe_mm"]) == ("20.0000", "")
    assert [line["status"] for line in lines] == ["measured", *["not run"] * 13], "the paper's own is not run"


def test_a_group_of_ones_own_has_measured_numbers_alone(made):
    lines, shown = made(
        "mine", finetuned("none_random", "ycb", 20.0), finetuned("none_random", "again", 30.0)
    )
    assert [line["status"] for line in lines] == ["measured", "measured"]
    assert not any(column.startswith("paper_") for column in lines[0])
    assert "paper" not in {column.group for column in shown.header}
    assert "fine-tuned on" in [column.label for column in shown.header]


def test_predictions_made_elsewhere_are_rows_by_their_title(made):
    theirs = metric_rows("theirs", None, 12.0, 80.0, method="theirs", init="unknown", dataset="ycb")
    theirs = [{"low": None, "high": None, **row} for row in theirs]
    lines, shown = made(
        "table7", theirs, finetuned("none_random", "ycb", 20.0), titles={"theirs": "Them (2024)"}
    )
    row = next(row for row in texts(shown) if row[0] == "Them (2024)")
    assert "12.00" in row
    assert next(line for line in lines if line["method"] == "theirs")["paper_dexycb_mpjpe_mm"] == ""


def test_one_seed_shows_the_interval_over_samples_and_several_the_spread(made):
    one = [{**row, "low": 18.25, "high": 21.5} for row in finetuned("none_random", "freihand", 20.0)]
    lines, shown = made("table2", one)
    assert "20.00 [18.25, 21.50]" in texts(shown)[0]
    assert (lines[0]["mpjpe_low"], lines[0]["mpjpe_high"]) == ("18.2500", "21.5000")
    two = [{**row, "low": 1.0, "high": 9.0} for row in finetuned("none_random", "freihand", 22.0, seed=1)]
    lines, shown = made("table2", one, two)
    assert "21.00 ± 1.41" in texts(shown)[0] and lines[0]["mpjpe_low"] == ""


@pytest.mark.parametrize("name", [*TABLES, "mine"])
def test_every_table_is_well_formed_in_every_form(made, name):
    columns = {**SIMHAND, "set": "ego-100k"}
    rows = [finetuned("none_random", dataset, 20.0) for dataset in LAYOUTS]
    rows += [finetuned("simhand_x", dataset, 19.0, **columns) for dataset in LAYOUTS]
    _, shown = made(name, *rows, titles={"none": "a_b & 50% {x} #1 $~^\\ <y> |"})
    assert {len(row) for row in shown.rows} == {len(shown.header)}
    assert sum(span for _, span in shown.groups()) == len(shown.header)
    check_latex(to_latex(shown), len(shown.header), len(shown.rows))
    markdown = [line for line in to_markdown(shown).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in markdown} == {len(shown.header) + 1}
    assert f'id="{name}"' in to_html(shown)


def check_latex(text, columns, rows):
    """What a run of LaTeX would stumble over: environments, braces, columns, characters with a meaning."""
    assert re.findall(r"\\(begin|end)\{([\w*]+)\}", text) == [
        *(("begin", "table*"), ("begin", "tabular")),
        *(("end", "tabular"), ("end", "table*")),
    ]
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    bare = re.sub(r"\\[\\&%$#_{}]", "", "\n".join(lines))
    assert bare.count("{") == bare.count("}") and not re.search(r"[#%~^_]", bare)
    assert re.sub(r"\$\\\w+\$", "", bare).count("$") == 0
    commands = {
        *("centering", "small", "caption", "label", "textbf", "textit", "toprule", "midrule", "bottomrule"),
        *("multicolumn", "cmidrule", "begin", "end", "textbackslash", "textasciitilde", "textasciicircum"),
        *("textless", "textgreater", "textbar", "pm", "uparrow", "downarrow"),
    }
    assert set(re.findall(r"\\([a-zA-Z]+)", bare)) <= commands
    assert set(bare) <= set(string.printable), "plain LaTeX of any age prints it"
    assert len(re.search(r"\\begin\{tabular\}\{(\w+)\}", text)[1]) == columns
    leading = len(re.match(r"(?: &)*", text.split("\\toprule\n")[1].replace("  &", " &"))[0].split("&")) - 1
    rules = [(int(a), int(b)) for a, b in re.findall(r"\\cmidrule\(lr\)\{(\d+)-(\d+)\}", text)]
    widths = [int(width) for width in re.findall(r"\\multicolumn\{(\d+)\}", text)]
    starts = [1 + leading + sum(widths[:place]) for place in range(len(widths))]
    assert rules == [(start, start + width - 1) for start, width in zip(starts, widths, strict=True)]
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == rows
    for line in body:
        assert line.endswith(r" \\") and len(re.findall(r"(?<!\\)&", line)) == columns - 1


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("50 % of a_b & c", r"50 \% of a\_b \& c"),
        ("\\x{1}", r"\textbackslash{}x\{1\}"),
        ("20.00 ± 1.41 ↓", r"20.00 $\pm$ 1.41 $\downarrow$"),
        ("[1, 2]", "{[}1, 2{]}"),
    ],
)
def test_latex_prints_text_as_it_is(text, latex):
    assert escaped(text) == latex


def test_figure_4_has_a_curve_for_each_pretraining(metrics_file):
    start = {"set": "ego-1m", **SIMHAND}
    rows = [
        *finetuned("none_random", "freihand", 40.0, share=0.1),
        *finetuned("none_random", "freihand", 20.0, share=1.0),
        *finetuned("simhand_ego-1m_none_top1_random", "freihand", 19.0, share=1.0, **start),
        *finetuned("simhand_ego-1m_none_top1_random", "freihand", 30.0, share=0.1, **start),
        *finetuned("simhand_ego-1m_none_top1_random", "freihand", 32.0, share=0.1, seed=1, **start),
    ]
    metrics = concatenate_metrics([metrics_file(*rows)])
    curves = label_fraction_curves(metrics)
    found = [
        (curve.label, [(row.label_fraction, row.measurements[0].mean) for row in curve.rows])
        for curve in curves
    ]
    assert found == [
        ("no pre-training", [(0.1, 40.0), (1.0, 20.0)]),
        ("SiMHand", [(0.1, 31.0), (1.0, 19.0)]),
    ]
    figure = draw_label_fractions(metrics)
    assert figure.name == "figure4" and figure.png[:4] == b"\x89PNG"
    assert "one standard deviation over the seeds" in figure.caption


def test_figure_4_of_nothing_is_an_error(metrics_file):
    rows = [row for row in finetuned("none_random", "freihand", None) if row["protocol"] == "simhand"]
    with pytest.raises(DataError, match="no MPJPE was measured by protocol simhand for figure4"):
        draw_label_fractions(concatenate_metrics([metrics_file(*rows)]))
