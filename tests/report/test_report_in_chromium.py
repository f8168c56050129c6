"""The report in a real browser: complete, silent, offline, alive, and as wide as the window."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Page, find_chromium, opened_page

from simhand.report.page import build_report
from simhand.settings.report import ReportSettings

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("chromium")]

WIDTHS = [400, 800, 1400]
DRAWN = """[...document.querySelectorAll("#turned-hands canvas")].map((canvas) => canvas.toDataURL())"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened_page(find_chromium(), tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report and the page of pairs of the miniature run, alone in a folder."""
    folder = tmp_path_factory.mktemp("report")
    html = build_report(run, run / "provenance.json", ReportSettings(), ["table2"])
    (folder / "report.html").write_text(html, encoding="utf-8")
    shutil.copy(run / "pairs_all.html", folder)
    return folder / "report.html"


@pytest.mark.parametrize("name", ["report.html", "pairs_all.html"])
@pytest.mark.parametrize("width", WIDTHS)
def test_opens_in_silence_offline_and_no_wider_than_the_window(page, report, name, width):
    page.requests.clear()
    page.complaints.clear()
    page.open(report.with_name(name), width)
    assert page.ask("document.readyState") == "complete"
    assert page.complaints == []
    assert page.requests == [report.with_name(name).as_uri()]
    assert page.ask("document.documentElement.scrollWidth") <= width
    assert page.ask("document.body.innerText.length") > 200


def test_a_page_that_loads_complains_or_is_too_wide_is_found_out(page, tmp_path):
    """The test above can fail."""
    text = (
        "<img src='https://example.org/x.png'><script>console.error('a'); throw Error('b')</script>"
        "<div style='width: 900px'>wide</div>"
    )
    (tmp_path / "bad.html").write_text(text)
    page.requests.clear()
    page.complaints.clear()
    page.open(tmp_path / "bad.html", 400)
    assert "https://example.org/x.png" in page.requests
    assert len(page.complaints) >= 2
    assert page.ask("document.documentElement.scrollWidth") > 800


def test_every_figure_is_there(page, report, drawn_run):
    page.open(report, 1400)
    index = json.loads((drawn_run / "figures" / "index.json").read_text())
    shown = page.ask("[...document.querySelectorAll('figure.picture')].map((one) => one.id)")
    assert shown and sorted(shown) == sorted(f"figure-{entry['name']}" for entry in index["figures"])
    widths = page.ask("[...document.images].map((image) => image.naturalWidth)")
    assert len(widths) > len(shown) and min(widths) > 0
    targets = page.ask(
        "[...document.querySelectorAll('nav a')].map((a) => !!document.querySelector(a.getAttribute('href')))"
    )
    assert targets and all(targets)


@pytest.fixture
def hands(page, report) -> Page:
    """The page with the hands in 3D in view, each drawn."""
    page.open(report, 1000)
    page.ask("document.getElementById('hands-3d').scrollIntoView({behavior: 'instant'})")
    drawn = page.ask(DRAWN)
    assert len(drawn) == len(set(drawn)) == 3
    return page


def after(page: Page, *actions: dict) -> list[str]:
    """What is drawn after some input and the next frames."""
    for action in actions:
        method = "Input.dispatchKeyEvent" if "key" in action else "Input.dispatchMouseEvent"
        page.call(method, **action)
    page.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.ask(DRAWN)


def test_dragging_one_hand_turns_all(hands):
    before = hands.ask(DRAWN)
    box = hands.ask("document.querySelector('#turned-hands canvas').getBoundingClientRect().toJSON()")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    press = {"type": "mousePressed", "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}
    move = {"type": "mouseMoved", "x": x + 60, "y": y + 20, "button": "left", "buttons": 1}
    let_go = {"type": "mouseReleased", "x": x + 60, "y": y + 20, "button": "left", "clickCount": 1}
    dragged = after(hands, press, move)
    assert all(one != other for one, other in zip(before, dragged, strict=True))
    assert after(hands, let_go, {**move, "x": x - 60, "buttons": 0}) == dragged


def test_touch_turns_too(hands):
    before = hands.ask(DRAWN)
    box = hands.ask("document.querySelector('#turned-hands canvas').getBoundingClientRect().toJSON()")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    hands.call("Emulation.setTouchEmulationEnabled", enabled=True)
    hands.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    for step in range(1, 7):
        hands.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": x + 12 * step, "y": y}])
    turned = after(hands)
    hands.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    hands.call("Emulation.setTouchEmulationEnabled", enabled=False)
    assert all(one != other for one, other in zip(before, turned, strict=True))


def test_keys_turn_and_home_is_the_view_of_the_camera(hands):
    hands.ask("document.getElementById('turned-front').click()")
    camera = after(hands)
    hands.ask("document.querySelector('#turned-hands canvas').focus({preventScroll: true})")
    turned = after(hands, {"type": "keyDown", "key": "ArrowRight"})
    assert all(one != other for one, other in zip(camera, turned, strict=True))
    back = after(hands, {"type": "keyDown", "key": "ArrowLeft"})
    assert after(hands, {"type": "keyDown", "key": "Home"}) == camera and len(back) == 3


def test_another_model_shows_its_own_hands_and_errors(hands, drawn_run):
    expected = json.loads((drawn_run / "figures" / "hands_3d.json").read_text())
    before = hands.ask(DRAWN)
    hands.ask(
        "(() => { const chosen = document.getElementById('turned-model'); chosen.value = '1';"
        " chosen.dispatchEvent(new Event('change')); })()"
    )
    assert all(one != other for one, other in zip(before, after(hands), strict=True))
    told = hands.ask("[...document.querySelectorAll('#turned-hands strong')].map((one) => one.textContent)")
    assert told == [f"{hand['errors_mm'][1]:.1f} mm" for hand in expected["hands"]]
    labels = hands.ask("[...document.querySelectorAll('#turned-model option')].map((one) => one.textContent)")
    assert labels == expected["models"]


def test_without_scripts_the_page_says_what_is_missing(page, report):
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.open(report, 1000)
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "Turning the hands needs JavaScript" in page.ask("document.getElementById('hands-3d').innerText")


def test_a_report_without_predictions_has_no_view_and_no_complaint(page, drawn_run, tmp_path):
    run = tmp_path / "mini"
    shutil.copytree(drawn_run, run)
    (run / "figures" / "hands_3d.json").unlink()
    (tmp_path / "report.html").write_text(build_report(run, run / "provenance.json", ReportSettings(), []))
    page.complaints.clear()
    page.open(tmp_path / "report.html", 1000)
    assert page.complaints == [] and page.ask("document.getElementById('hands-3d')") is None
