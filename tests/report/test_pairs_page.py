"""The page to browse pairs: self-contained, consistent, bounded; and what a sample of pairs is."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import miniature_run
import numpy as np
import pytest
from PIL import Image

from simhand.errors import DataError
from simhand.files.tables import read_table, write_table
from simhand.report.mined_set import MinedSet, RankedPairs
from simhand.report.pair_sample import spread_pairs
from simhand.report.pairs_page import build_pairs_page
from simhand.settings.report import ReportSettings

SET = miniature_run.SET
ALL_PAIRS = 36 * len(miniature_run.RANKS)


class Page(HTMLParser):
    """What stands in a page: its tags with their attributes, and the text of its scripts."""

    VOID = {"meta", "input"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open += [] if tag in self.VOID else [tag]

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


def opened(html: str) -> SimpleNamespace:
    page = Page(html)
    assert page.open == []
    return SimpleNamespace(tags=page.tags, data=json.loads(page.scripts[0]), program=page.scripts[1])


def as_rows(data: dict) -> set[tuple]:
    """The pairs of a page as (anchor, rank, partner, distance)."""
    ids = [int(hand["id"]) for hand in data["hands"]]
    return {(ids[anchor], rank, ids[partner], distance) for anchor, partner, rank, distance in data["pairs"]}


def stored_rows(run) -> set[tuple]:
    pairs = read_table(run / "pairs" / f"{SET}.parquet", "pairs").to_pylist()
    return {(p["hand_id"], p["rank"], p["positive_hand_id"], round(p["distance"], 6)) for p in pairs}


@pytest.fixture(scope="module")
def html(drawn_run) -> str:
    return build_pairs_page(drawn_run, SET, ReportSettings())


def test_a_small_set_is_there_as_a_whole(html, drawn_run):
    data = opened(html).data
    assert as_rows(data) == stored_rows(drawn_run) and len(data["pairs"]) == ALL_PAIRS
    assert f"This page holds all {ALL_PAIRS} pairs of 9 recordings." in html


def test_what_it_says_of_a_hand_is_what_the_set_says(html, drawn_run):
    of_set = {
        row["hand_id"]: row for row in read_table(drawn_run / "sets" / f"{SET}.parquet", "set").to_pylist()
    }
    hands = opened(html).data["hands"]
    assert len(hands) == len({hand["id"] for hand in hands}) == 36
    for hand in hands:
        row = of_set[int(hand["id"])]
        said = (hand["recording"], hand["video"], hand["source"], hand["side"])
        assert said == (row["group_id"], row["video_id"], row["source"], row["side"])
        assert hand["time_s"] == float(row["crop_row"] % miniature_run.FRAMES_PER_VIDEO)


def test_every_thumbnail_is_the_picture_of_its_hand(html, drawn_run):
    mined = MinedSet.load(drawn_run, SET)
    from simhand.report.figures.pairs import hand_picture

    rows = {str(row["hand_id"]): row for row in mined.hands.to_pylist()}
    hands = opened(html).data["hands"]
    for hand in hands:
        kind, encoded = hand["image"].split(",")
        assert kind == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
            assert image.size == (112, 112)
            shown = np.asarray(image.convert("RGB"), float)
        assert np.abs(shown - hand_picture(mined, rows[hand["id"]], 112)).mean() < 12


def test_it_needs_nothing_from_outside(html):
    page = opened(html)
    assert {"link", "iframe", "img", "object"}.isdisjoint(tag for tag, _ in page.tags)
    addresses = [found[key] for _, found in page.tags for key in ("src", "href") if key in found]
    assert addresses == ["report.html"]
    policy = [found["content"] for tag, found in page.tags if found.get("http-equiv")]
    assert policy == [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    ]
    assert not re.search(r"https?:|fetch|import|XMLHttp|eval", page.program)


def test_the_program_finds_every_element_that_it_names(html):
    page = opened(html)
    named = set(re.findall(r'find\("(\w+)"\)|getElementById\("(\w+)"\)', page.program))
    ids = {found["id"] for _, found in page.tags if "id" in found}
    assert {first or second for first, second in named} <= ids
    offered = {found["value"] for tag, found in page.tags if tag == "option"}
    assert (
        offered == set(re.findall(r'^    "(-?\w+)": ', page.program, flags=re.MULTILINE))
        and len(offered) == 6
    )


def test_a_large_set_is_a_sample_of_anchors_with_all_their_ranks(drawn_run):
    html = build_pairs_page(drawn_run, SET, ReportSettings(browsable_pairs=32))
    shown = as_rows(opened(html).data)
    assert len(shown) == 30 and shown <= stored_rows(drawn_run)
    assert {rank for _, rank, _, _ in shown} == set(miniature_run.RANKS)
    assert len({anchor for anchor, *_ in shown}) == 10
    text = " ".join(html.split())
    assert f"This page holds 30 of {ALL_PAIRS} pairs: 10 of 36 hands" in text
    assert len(opened(build_pairs_page(drawn_run, SET, ReportSettings(browsable_pairs=1))).data["pairs"]) == 3


def test_names_cannot_leave_their_place(drawn_run, tmp_path):
    run = tmp_path / "run"
    hands = read_table(drawn_run / "sets" / f"{SET}.parquet", "set").to_pylist()
    for hand in hands:
        hand["group_id"] = "</script><b>ü " + hand["group_id"]
    write_table(run / "sets" / f"{SET}.parquet", "set", hands)
    (run / "crops").symlink_to(drawn_run / "crops")
    (run / "pairs").symlink_to(drawn_run / "pairs")
    page = opened(build_pairs_page(run, SET, ReportSettings()))
    assert all(hand["recording"].startswith("</script><b>ü ") for hand in page.data["hands"])
    assert "b" not in [tag for tag, _ in page.tags]


def test_pairs_without_a_distance_are_null(drawn_run, tmp_path):
    run = tmp_path / "run"
    pairs = read_table(drawn_run / "pairs" / f"{SET}.parquet", "pairs").to_pylist()
    pairs[0]["distance"] = float("nan")
    write_table(run / "pairs" / f"{SET}.parquet", "pairs", pairs)
    for name in ("crops", "sets"):
        (run / name).symlink_to(drawn_run / name)
    found = [pair[3] for pair in opened(build_pairs_page(run, SET, ReportSettings())).data["pairs"]]
    assert found.count(None) == 1


def test_a_set_that_is_not_mined_is_an_error(drawn_run):
    with pytest.raises(DataError, match=r"none\.parquet does not exist"):
        build_pairs_page(drawn_run, "none", ReportSettings())


def random_pairs(rng, hands, count, recordings):
    groups = rng.integers(0, recordings, hands).astype(np.int32)
    anchors, partners = rng.integers(0, hands, (2, count))
    ranks = np.ones(count, np.int32)
    return RankedPairs(anchors, partners, ranks, np.sort(rng.random(count))), groups


def test_a_sample_has_one_pair_of_every_part_of_the_distances():
    pairs, groups = random_pairs(np.random.default_rng(0), 500, 1000, 20)
    chosen = spread_pairs(pairs, groups, 50)
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert (chosen // 20).tolist() == list(range(50))
    assert spread_pairs(pairs, groups, 2000).tolist() == list(range(1000))


def test_a_sample_prefers_recordings_that_were_rarely_shown():
    groups = np.array([0] * 900 + list(range(1, 101)))
    anchors = np.random.default_rng(0).permutation(1000)
    pairs = RankedPairs(anchors, anchors, np.ones(1000, np.int32), np.arange(1000.0))
    shown = groups[anchors[spread_pairs(pairs, groups, 40)]]
    assert len(set(shown)) > 35
    assert len(set(groups[anchors[::25]])) < 10


@pytest.mark.parametrize(("hands", "count"), [(40, 100), (60, 25), (1000, 100)])
def test_no_hand_is_shown_twice_and_as_many_pairs_as_there_are(hands, count):
    pairs, groups = random_pairs(np.random.default_rng(hands), hands, 2 * hands, 12)
    chosen = spread_pairs(pairs, groups, count, each_hand_once=True)
    shown = pairs.take(chosen)
    ends = [(a, b) for a, b in zip(shown.anchors.tolist(), shown.partners.tolist(), strict=True)]
    used = [hand for a, b in ends for hand in {a, b}]
    assert len(used) == len(set(used))
    assert len(chosen) == count or not [
        1 for a, b in zip(pairs.anchors, pairs.partners, strict=True) if a not in used and b not in used
    ]
    assert len(chosen) <= count
