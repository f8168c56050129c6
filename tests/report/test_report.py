"""The report: self-contained, whole, well-formed, honest about what is absent."""

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import miniature_run
import pytest
import yaml
from PIL import Image

from simhand.errors import DataError
from simhand.files.tables import read_table, write_table
from simhand.report.notice import notice
from simhand.report.page import SECTIONS, build_report, duration
from simhand.report.run_folder import RunFolder
from simhand.report.run_statistics import incidents, source_rows, stage_times, times_table
from simhand.settings.report import ReportSettings

NOTICE = "Rendered hands; these numbers show the machinery & prove nothing."
MEBIBYTE = 2**20
TABLES = ["table2"]


@pytest.fixture(scope="module")
def report(run: Path) -> str:
    return build_report(run, run / "provenance.json", ReportSettings(notice=NOTICE), TABLES)


@pytest.fixture
def changed(run: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the run without some of its files, and with one small figure only."""

    def copy(*without: str) -> Path:
        shutil.copytree(run, tmp_path / "mini")
        folder = tmp_path / "mini" / "figures"
        index = json.loads((folder / "index.json").read_text())
        index["figures"] = index["figures"][:1]
        (folder / "index.json").write_text(json.dumps(index))
        Image.new("RGB", (30, 20)).save(folder / "dag.png")
        for name in without:
            path = tmp_path / "mini" / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return tmp_path / "mini"

    return copy


def page(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(html[html.index("<html") :])


def section(html: str, name: str) -> str:
    found = page(html).find(f".//section[@id='{name}']")
    assert found is not None, name
    return " ".join(" ".join(found.itertext()).split())


def test_the_page_is_well_formed(report):
    assert page(report).tag == "html"
    assert report.lstrip().startswith("<!DOCTYPE html>")


def test_no_tag_is_left_open(report):
    class Balance(HTMLParser):
        VOID = {"meta", "img", "br"}

        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag, attrs):
            if tag not in self.VOID:
                self.open.append(tag)

        def handle_startendtag(self, tag, attrs):
            assert tag in self.VOID

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    parser = Balance()
    parser.feed(report)
    assert parser.open == []


def test_the_page_needs_nothing_from_outside(report):
    root = page(report)
    images = [image.get("src") for image in root.iter("img")]
    assert len(images) == 13
    assert all(re.match(r"data:image/(png|jpeg);base64,", source) for source in images)
    assert not [script for script in root.iter("script") if script.get("src")]
    assert not list(root.iter("link")) and not list(root.iter("iframe"))
    links = [link.get("href") for link in root.iter("a")]
    assert links and not [link for link in links if re.match(r"[a-z]+:|//", link)]
    styles = "".join(style.text for style in root.iter("style"))
    assert "url(" not in styles and "@import" not in styles


def test_every_section_and_every_link_into_it_is_there(report):
    root = page(report)
    assert [found.get("id") for found in root.iter("section")] == list(SECTIONS)
    inside = {link.get("href")[1:] for link in root.iter("a") if link.get("href").startswith("#")}
    assert inside == set(SECTIONS)


def test_links_lead_to_files_of_the_run(report, run):
    links = [link.get("href") for link in page(report).iter("a") if not link.get("href").startswith("#")]
    assert {"pairs/all.parquet", "pairs/all.json", "pairs_all.html"} <= set(links)
    assert all((run / unquote(link)).exists() for link in links)


def test_efficiency_reports_of_slurm_are_linked_where_there_are_any(changed, repository, monkeypatch):
    profile = yaml.safe_load((repository / "slurm/profile.yaml").read_text())
    link = f"../{Path(profile['slurm-efficiency-report-path']).name}/"
    copy = changed()

    def linked():
        text = build_report(copy, copy / "provenance.json", ReportSettings(), [])
        return link in [found.get("href") for found in page(text).iter("a")]

    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert not linked()
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert linked()
    monkeypatch.delenv("SLURM_JOB_ID")
    (copy / link).mkdir()
    assert linked()


def test_every_image_has_a_caption_and_an_alternative_text(report):
    for figure in page(report).findall(".//figure[@class='picture']"):
        assert figure.find("img").get("alt")
        assert re.match(r"Figure \d+\. ", "".join(figure.find("figcaption").itertext()))


def test_the_notice_stands_at_the_top(report):
    assert NOTICE.replace("&", "&amp;") in report
    assert report.index('class="notice"') < report.index("<main>")


RENDERED_WORLD = {
    "videos_dir": None,
    "sources": {"demo": {"kind": "rendered"}},
    "datasets": {"drawn": {"kind": "rendered"}, "frei": {"kind": "freihand"}},
    "experiments": {"table2": [{"method": "none", "dataset": "drawn"}]},
}
REAL_LABELS = {"experiments": {"table2": [{"method": "none", "dataset": ["frei"]}]}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "The videos of source demo are a rendered world"),
        (REAL_LABELS, "The videos of source demo are a rendered world"),
        (
            {"videos_dir": "mine"},
            "The videos are real, but the labelled hands of data set drawn are rendered.",
        ),
        (
            {"sources": {"mine": {"kind": "folder"}}},
            "The videos are real, but the labelled hands of data set drawn are rendered.",
        ),
        ({"videos_dir": "mine", **REAL_LABELS}, None),
        ({"videos_dir": "mine", "datasets": {}, "experiments": {}}, None),
    ],
)
def test_rendered_videos_and_labels_are_told_apart_from_real_ones(changes, said):
    found = notice({**RENDERED_WORLD, **changes})
    assert found is None if said is None else found is not None and found.startswith(said)


def test_the_page_says_what_is_rendered_beside_the_users_own_notice(changed):
    run = changed()
    facts = json.loads((run / "provenance.json").read_text())
    facts["config"] |= RENDERED_WORLD
    (run / "provenance.json").write_text(json.dumps(facts))
    html = build_report(run, run / "provenance.json", ReportSettings(notice="A note of mine."), TABLES)
    notices = [" ".join(found.itertext()) for found in page(html).findall(".//p[@class='notice']")]
    assert len(notices) == 2
    assert "rendered world" in notices[0] and "A note of mine." in notices[1]


def test_without_anything_rendered_there_is_no_box(changed):
    run = changed()
    assert 'class="notice"' not in build_report(run, run / "provenance.json", ReportSettings(), TABLES)


def test_the_data_are_counted_and_failures_named(report):
    text = section(report, "data")
    assert "ego 7 1 24 24 24" in text
    assert "exo 3 0 12 12 12" in text
    assert f"not a video: moov atom not found 1 {miniature_run.FAILED_VIDEO}" in text
    assert "all 36 18 18 108 browse the pairs" in section(report, "mining")


def test_partners_are_told_by_rank(report, run):
    pairs = read_table(run / "pairs" / "all.parquet", "pairs").to_pylist()
    served = [pair["positive_hand_id"] for pair in pairs if pair["rank"] == 1]
    hands, most = len(set(served)), max(map(served.count, served))
    text = section(report, "mining")
    assert re.search(rf"all 1 36 \d of 9 {hands} \({100 * hands / 36:.1f} %\) {most} × -?\d\.\d\d", text)
    assert all(f"all {rank} 36 " in text for rank in miniature_run.RANKS)


def test_the_table_of_the_paper_is_in_the_page(report):
    text = section(report, "tables")
    assert "31.50" in text and "48.19" in text and "not run" in text
    assert "Protocol simhand, inferred" in text


def test_tables_of_other_configurations_are_named_and_not_shown(changed):
    run = changed()
    for suffix in ("html", "csv"):
        shutil.copy(run / "tables/table2.html", run / f"tables/old.{suffix}")
    html = build_report(run, run / "provenance.json", ReportSettings(), TABLES)
    assert html.count('<figure class="results"') == 1
    assert section(html, "tables").endswith(
        "another configuration than the one of this run made them: tables/old.html."
    )
    assert "tables/table2.html" in section(html, "files") and "tables/old" not in section(html, "files")
    assert "Not shown" not in section(
        build_report(run, run / "provenance.json", ReportSettings(), ["old", "table2"]), "tables"
    )


def test_run_times_are_summed_by_rule(report):
    text = section(report, "times")
    assert "draw_figures 1 7.2 s" in text or "draw_figures 1 7.3 s" in text
    assert "extract_frames 2 6.1 s 3.2 s 210 MB" in text
    assert text.index("draw_figures") < text.index("extract_frames")


def test_origin_is_told(report):
    text = section(report, "provenance")
    assert "0123456789abcdef0123456789abcdef01234567 with local changes" in text
    assert "torch 2.15.0" in text and "Some CPU, 2 cores" in text
    assert "preset: ours" in text and "<drawn> hands" in text
    assert (
        "2025-01-02 03:04 UTC · commit 0123456789 with local changes · on workstation · preset ours" in report
    )


def test_the_page_is_small_and_the_same_each_time(report, run):
    assert len(report) < 5 * MEBIBYTE
    assert build_report(run, run / "provenance.json", ReportSettings(notice=NOTICE), TABLES) == report


def test_what_is_absent_is_said_in_one_line(changed):
    run = changed("benchmarks", "tables")
    index = json.loads((run / "figures" / "index.json").read_text())
    index["parts"] |= {"sets": [], "pretrain": [], "finetune": []}
    (run / "figures" / "index.json").write_text(json.dumps(index))
    html = build_report(run, run / "provenance.json", ReportSettings(), [])
    assert (
        section(html, "mining") == "Similar hands This run has no pre-training set, so no pairs were mined."
    )
    assert section(html, "pretraining") == "Pre-training No encoder was pre-trained in this run."
    assert section(html, "finetuning") == "Fine-tuning No model was fine-tuned in this run."
    assert section(html, "predictions").endswith(
        "No model was fine-tuned in this run, so there are no predictions."
    )
    assert section(html, "tables").endswith("No table of the paper was asked for in this run.")
    assert section(html, "times").endswith("This run has no benchmark files, so its run times are not known.")


@pytest.mark.parametrize(
    ("without", "message"),
    [
        ("videos.tsv", "videos.tsv does not exist"),
        ("provenance.json", "provenance.json does not exist; run record_provenance first"),
        ("figures/index.json", "index.json does not exist; run draw_figures first"),
        ("figures/dag.png", "dag.png does not exist; run draw_figures again"),
        ("tables/table2.html", "table2.html does not exist; run make_tables first"),
        ("sets/all.parquet", "all.parquet does not exist"),
        ("pairs/all.json", r"all\.json does not tell who serves as a partner"),
    ],
)
def test_missing_inputs_are_named(changed, without, message):
    run = changed(without)
    with pytest.raises(DataError, match=message):
        build_report(run, run / "provenance.json", ReportSettings(), TABLES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("provenance.json", "{", "provenance.json is not JSON"),
        ("provenance.json", "[]", "provenance.json holds no mapping"),
        ("tables/table2.html", "<p>not closed", "is not a table that make_tables wrote"),
        ("tables/table2.html", "<html><body/></html>", "holds no table"),
        ("figures/dag.png", "no image", "dag.png is not an image"),
        ("benchmarks/draw_figures.tsv", "a\tb\n1\t2\n", "is not a Snakemake benchmark"),
    ],
)
def test_damaged_inputs_are_named(changed, name, content, message):
    run = changed()
    (run / name).write_text(content)
    with pytest.raises(DataError, match=message):
        build_report(run, run / "provenance.json", ReportSettings(), TABLES)


def test_unknown_provenance_is_said_to_be_unknown(changed):
    run = changed()
    facts = json.loads((run / "provenance.json").read_text()) | {"git_commit": None, "git_changes": None}
    (run / "provenance.json").write_text(json.dumps(facts))
    text = section(build_report(run, run / "provenance.json", ReportSettings(), TABLES), "provenance")
    assert "Commit not known" in text and "GPU none" in text


def test_remarks_are_not_failures(changed):
    run = changed()
    path = run / "crops" / "exo" / "0000.status.parquet"
    rows = read_table(path, "status").to_pylist()
    rows[0] |= {"hands": 0, "reason": "no hands found"}
    write_table(path, "status", rows)
    found = incidents(RunFolder.open(run))
    assert [(one.stage, one.failed, one.count) for one in found] == [("frames", True, 1), ("crops", False, 1)]
    assert [row.failed for row in source_rows(RunFolder.open(run))] == [1, 0]


def test_many_videos_with_one_reason_are_counted_and_some_named(changed):
    run = changed()
    rows = [
        {"video_id": f"v{i}", "ok": False, "frames": 1, "hands": 0, "reason": "no picture"} for i in range(30)
    ]
    write_table(run / "crops" / "exo" / "0000.status.parquet", "status", rows)
    found = next(one for one in incidents(RunFolder.open(run)) if one.reason == "no picture")
    assert (found.count, len(found.videos)) == (30, 12)


def test_jobs_too_short_to_measure_have_no_memory(tmp_path):
    (tmp_path / "rule.tsv").write_text("s\th:m:s\tmax_rss\n0.1\t0:00:00\t-\n")
    times = stage_times(tmp_path)
    assert (times[0].rule, times[0].total_s, times[0].peak_memory_mb) == ("rule", 0.1, None)
    assert times_table(times) == "rule,jobs,total_s,longest_s,peak_memory_mb\nrule,1,0.1,0.1,\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (3599.7, "1 h 00 min")],
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text
