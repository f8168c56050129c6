"""Figures: all of them are made, are sane PNG files, the same bytes each time, and show what they claim."""

import io
import json
import shutil
from pathlib import Path

import miniature_run
import numpy as np
import pytest
from PIL import Image

from simhand.errors import DataError
from simhand.files.tables import make_table, read_table, write_table
from simhand.report.figures.contact_sheet import Sheet, Tile, draw_sheet, fitted
from simhand.report.figures.curves import draw_finetuning, read_history
from simhand.report.figures.draw import RunParts, draw_all
from simhand.report.figures.drawing import draw_skeleton, moved, square_around
from simhand.report.figures.mining import draw_distances
from simhand.report.figures.pairs import draw_pairs, draw_ranks
from simhand.report.figures.photographs import draw_crops, draw_frames, spread
from simhand.report.figures.predicted import (
    best_median_worst,
    load_errors,
    load_predicted,
    one_seed_each,
    ranked,
)
from simhand.report.figures.short_labels import short_labels
from simhand.report.figures.style import method_colour
from simhand.report.figures.timeline import draw_timeline
from simhand.report.mined_set import MinedSet
from simhand.settings.experiment_names import experiment_parts
from simhand.settings.experiments import METHOD_TITLES, METHODS
from simhand.settings.report import ReportSettings

EXPECTED = [
    "dag",
    "frames",
    "crops",
    "pca_all",
    "pairs_all",
    "ranks_all",
    "timeline_all",
    "distances_all",
    "pretraining",
    "finetuning",
    "comparison",
    "predictions_1",
    "failures",
]


def index(run: Path) -> list[dict]:
    return json.loads((run / "figures" / "index.json").read_text())["figures"]


def test_every_figure_is_made_and_listed(drawn_run):
    assert [entry["name"] for entry in index(drawn_run)] == EXPECTED
    assert {path.name for path in (drawn_run / "figures").iterdir()} == {
        "index.json",
        "hands_3d.json",
        *(f"{n}.png" for n in EXPECTED),
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_a_figure_is_a_png_of_sane_size_with_something_on_it(drawn_run, name):
    path = drawn_run / "figures" / f"{name}.png"
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert 500 <= image.width <= 2000
        assert 200 <= image.height <= 3000
        assert np.asarray(image.convert("L")).std() > 10
    assert path.stat().st_size < 3_000_000


def test_captions_say_something(drawn_run):
    for entry in index(drawn_run):
        assert len(entry["caption"]) > 80
        assert entry["caption"].endswith(".")


def test_the_same_run_gives_the_same_bytes(drawn_run, parts, few_examples):
    again = {figure.name: figure.png for figure in draw_all(drawn_run, parts, few_examples)}
    assert again == {name: (drawn_run / "figures" / f"{name}.png").read_bytes() for name in EXPECTED}


def test_a_run_of_videos_alone_has_only_their_figures(drawn_run, parts):
    few = ReportSettings(example_frames=1, example_crops=1)
    found = draw_all(drawn_run, RunParts(parts.sources, parts.frames, [], [], []), few)
    assert [figure.name for figure in found] == ["dag", "frames", "crops"]
    without_frames = draw_all(drawn_run, RunParts(parts.sources, [], [], [], []), few)
    assert [figure.name for figure in without_frames] == ["dag", "crops"]


def test_a_run_without_hands_has_no_photographs(tmp_path):
    from simhand.files.packed import packed_writer

    for stage in ("frames", "crops"):
        (tmp_path / stage / "s").mkdir(parents=True)
        with packed_writer(tmp_path / stage / "s" / "0000.arrow", stage):
            pass
    write_table(tmp_path / "keypoints" / "s" / "0000.parquet", "keypoints", [])
    assert draw_frames(tmp_path, ["s/0000"], 6) is None
    assert draw_crops(tmp_path, ["s/0000"], 6) is None


def test_a_set_without_pairs_has_no_pair_figures(drawn_run):
    mined = MinedSet.load(drawn_run, miniature_run.SET)
    empty = MinedSet(mined.name, mined.run_dir, mined.hands, make_table("pairs", []))
    assert draw_pairs(empty, 10) is None
    assert draw_ranks(empty, 3) is None
    assert draw_timeline(empty) is None
    assert draw_distances(empty) is None


def test_pairs_that_name_an_unknown_hand_are_an_error(drawn_run):
    mined = MinedSet.load(drawn_run, miniature_run.SET)
    row = {"hand_id": 10**12, "rank": 1, "positive_hand_id": 10**12 + 1, "distance": 0.1}
    broken = MinedSet(mined.name, mined.run_dir, mined.hands, make_table("pairs", [row]))
    with pytest.raises(DataError, match=r"sets/all\.parquet lacks 1 of 1 hands .*1000000000000"):
        draw_pairs(broken, 10)


@pytest.fixture
def sheets(monkeypatch):
    """The sheets that figures lay out, without their pictures."""
    found = []

    def picture(mined, hand, size_px):
        return np.zeros((size_px, size_px, 3), np.uint8)

    def draw(sheet):
        found.append(sheet)
        return Image.new("RGB", (10, 10))

    for module in ("pairs", "timeline"):
        monkeypatch.setattr(f"simhand.report.figures.{module}.draw_sheet", draw)
        monkeypatch.setattr(f"simhand.report.figures.{module}.hand_picture", picture)
    return found


def mined_set(groups, partners):
    """Hand n has hand_id 10 n; ``partners`` are (anchor, rank, partner), at distance anchor + rank / 100."""
    crops = np.arange(len(groups))
    hands = {"hand_id": 10 * crops, "video_id": groups, "group_id": groups, "source": ["s"] * len(groups)}
    hands |= {"side": ["left"] * len(groups), "crop_file": ["crops/s/0000.arrow"] * len(groups)}
    rows = [
        {"hand_id": 10 * a, "rank": rank, "positive_hand_id": 10 * b, "distance": a + rank / 100}
        for a, rank, b in partners
    ]
    table = make_table("set", {**hands, "crop_row": crops})
    return MinedSet("some", Path("."), table, make_table("pairs", rows))


def test_a_small_set_gives_a_small_grid_without_repeated_hands(sheets):
    """Eight hands, all with the same partner but one: two pairs have hands of their own."""
    partners = [(hand, 1, 0) for hand in range(1, 7)] + [(7, 1, 6)]
    figure = draw_pairs(mined_set(list("abababab"), partners), 100)
    tiles = [tile for row in sheets[0].rows for tile in row]
    assert [len(row) for row in sheets[0].rows] == [2]
    assert [tile.lines for tile in tiles] == [["1.010"], ["7.010"]]
    assert figure.caption.startswith("2 of 7 pairs of rank 1 in set some, of 2 recordings")


def test_a_large_set_gives_ten_rows_of_ten(sheets):
    hands = 600
    partners = [(hand, 1, hands - 1 - hand) for hand in range(hands)]
    draw_pairs(mined_set([str(n % 7) for n in range(hands)], partners), 100)
    assert [len(row) for row in sheets[0].rows] == [10] * 10
    shown = [float(tile.lines[0]) for row in sheets[0].rows for tile in row]
    assert shown == sorted(shown) and shown[0] < 20 and shown[-1] > 500


def test_every_mined_rank_is_shown_with_distance_and_recording(sheets):
    ranks = [*range(1, 12), 500]
    partners = [(0, rank, 1 + place) for place, rank in enumerate(ranks)]
    groups = [f"take {n}" for n in range(14)]
    assert draw_ranks(mined_set(groups, partners), 3) is not None
    first, second = sheets[0].rows
    assert (len(first), len(second)) == (10, 4)
    assert first[0].lines == ["query", "take 0"] and second[0].lines == ()
    expected = [[f"Top-{rank} · {rank / 100:.3f}", f"take {1 + n}"] for n, rank in enumerate(ranks)]
    assert [tile.lines for tile in [*first[1:], *second[1:]]] == expected


def test_a_timeline_is_the_longest_run_of_frames_of_one_hand(sheets, tmp_path):
    """Video b has more hands, but with a gap in time; a second hand of a frame is left out."""
    from simhand.files.packed import packed_writer

    videos = ["a"] * 5 + ["b"] * 6 + ["c"]
    times = [0.0, 1.0, 1.0, 3.0, 4.0, 0.0, 1.0, 5.0, 6.0, 7.0, 11.0, 0.0]
    with packed_writer(tmp_path / "crops/s/0000.arrow", "crops") as crops:
        for time in times:
            crops.append({"timestamp_s": time})
    everything = mined_set(videos, [(n, rank, 11) for n in range(11) for rank in (1, 5)])
    mined = MinedSet("some", tmp_path, everything.hands, everything.pairs)
    figure = draw_timeline(mined)
    queries, first, fifth = sheets[0].rows
    assert [tile.lines for tile in queries] == [[f"{t:.1f} s", "a"] for t in (0.0, 1.0, 3.0, 4.0)]
    assert [tile.lines for tile in first] == [[f"{n}.010", "c"] for n in (0, 1, 3, 4)]
    assert [tile.lines for tile in fifth] == [[f"{n}.050", "c"] for n in (0, 1, 3, 4)]
    assert "The left hand of a over 4 frames" in figure.caption


def test_distances_that_are_unknown_or_zero_are_told():
    distances = [0.0, 0.0, 1.0, 2.0, float("nan")]
    pair = {"rank": 1, "positive_hand_id": 9}
    rows = [{**pair, "hand_id": n, "distance": distance} for n, distance in enumerate(distances)]
    columns = {"hand_id": range(10), "group_id": list("abcdefghij"), "crop_row": range(10)}
    rest = {name: ["x"] * 10 for name in ("video_id", "source", "side", "crop_file")}
    mined = MinedSet("some", Path("."), make_table("set", {**columns, **rest}), make_table("pairs", rows))
    assert "first bar also holds 2 pairs" in draw_distances(mined).caption
    nothing = MinedSet("some", Path("."), mined.hands, make_table("pairs", rows[-1:]))
    assert draw_distances(nothing) is None


def test_an_image_of_the_evaluation_set_that_is_gone_is_named(drawn_run, parts, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(drawn_run / "finetune", run / "finetune")
    for name in parts.finetune:
        (run / "finetune" / name / "metrics.json").write_text(
            json.dumps({"data_root": str(tmp_path / "gone")})
        )
    from simhand.report.figures.predictions import draw_predictions

    with pytest.raises(
        DataError, match=r"gone/0000000\d\.jpg, an image of the evaluation set, cannot be read"
    ):
        draw_predictions(run, parts.finetune, 1)


def test_the_folder_of_the_images_must_be_known(drawn_run, parts, tmp_path):
    name = parts.finetune[0]
    shutil.copytree(drawn_run / "finetune" / name, tmp_path / "finetune" / name)
    (tmp_path / "finetune" / name / "metrics.json").write_text("{}")
    with pytest.raises(DataError, match="does not name its data_root"):
        load_predicted(tmp_path, name, [0])


def test_missing_or_damaged_histories_are_errors(drawn_run, tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        draw_finetuning(tmp_path, ["x"])
    path = tmp_path / "history.jsonl"
    path.write_text('{"epoch": 1')
    with pytest.raises(DataError, match="is not JSON lines"):
        read_history(path)
    path.write_text('{"kind": "step", "loss": 1.0}\n')
    with pytest.raises(DataError, match="no epochs with a loss"):
        read_history(path)


def test_records_of_steps_are_not_drawn(drawn_run):
    history = read_history(drawn_run / "pretrain" / miniature_run.PRETRAIN[0] / "history.jsonl")
    assert [record["epoch"] for record in history] == [1, 2, 3]


def test_errors_and_projections_of_predictions(drawn_run, parts):
    predicted = load_predicted(drawn_run, parts.finetune[0], [5, 3])
    table = read_table(drawn_run / "finetune" / parts.finetune[0] / "predictions.parquet", "predictions")
    row = table.to_pylist()[3]
    assert predicted.ids == ["00000005", row["id"]] and predicted.images[1].name == row["image"]
    truth, ours = (np.array(row[name]).reshape(21, 3) for name in ("ground_truth", "prediction"))
    scale = np.linalg.norm(truth[0] - truth[9]) / np.linalg.norm(ours[0] - ours[9])
    expected = 1000 * np.mean(
        [np.linalg.norm(truth[0] + scale * (o - ours[0]) - t) for o, t in zip(ours, truth, strict=True)]
    )
    assert predicted.errors_mm[1] == pytest.approx(expected, rel=1e-12)
    assert load_errors(drawn_run, parts.finetune[0]).errors_mm[3] == predicted.errors_mm[1]
    fx, _, cx, _, fy, cy, *_ = row["intrinsics"]
    pixels = [[fx * x / z + cx, fy * y / z + cy] for x, y, z in truth]
    assert predicted.truth_2d[1] == pytest.approx(np.array(pixels), rel=1e-12)


def test_the_best_median_and_worst_are_what_they_say():
    errors = np.array([5.0, np.nan, 1.0, 9.0, 3.0, 7.0, 2.0, np.inf])
    order = ranked(errors)
    assert errors[order].tolist() == [1, 2, 3, 5, 7, 9]
    chosen = best_median_worst(order, 2)
    assert [(kind, errors[row]) for kind, row in chosen] == [
        ("best", 1),
        ("best", 2),
        ("median", 3),
        ("median", 5),
        ("worst", 7),
        ("worst", 9),
    ]
    assert best_median_worst(ranked(np.array([4.0])), 2) == [("best", 0)]
    assert best_median_worst(ranked(np.array([np.nan])), 2) == []


def test_a_skeleton_is_drawn_where_its_joints_are():
    image = np.zeros((100, 100, 3), np.uint8)
    joints = np.full((21, 2), np.nan)
    joints[0], joints[5] = (10.0, 10.0), (90.0, 10.0)
    draw_skeleton(image, joints, width_px=3)
    assert image[10, 50].max() > 200
    assert image[30:].max() == 0


def test_a_square_is_cut_around_the_joints():
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:61, 140:161] = 255
    joints = np.array([[140.0, 40.0], [160.0, 60.0]])
    cut, affine = square_around(image, joints, margin=2.0, size_px=80)
    assert moved(joints, affine) == pytest.approx(np.array([[20.0, 20.0], [60.0, 60.0]]))
    assert cut.shape == (80, 80, 3)
    assert cut[40, 40].tolist() == [255, 255, 255]
    assert cut[5, 5].tolist() == [0, 0, 0]


def test_a_sheet_has_room_for_all_of_its_tiles():
    tile = Tile([np.full((10, 20, 3), 200, np.uint8)] * 2, ["one", "two"], ["left", "right"])
    image = draw_sheet(
        Sheet([[tile, tile], [tile]], 50, 40, row_titles=["a\nb", "c"], column_titles=["x", "y"])
    )
    assert image.width == 2 * 18 + 160 + 2 * 103 + 16
    assert image.height == 2 * 18 + 33 + 2 * (40 + 6 + 3 * 23) + 16
    buffer = io.BytesIO()
    image.save(buffer, "png")
    assert buffer.getvalue()


def test_long_text_loses_its_middle():
    assert fitted("short", 17, 200) == "short"
    text = fitted("a_very_long_recording_name_0042", 17, 120)
    assert text.startswith("a_") and text.endswith("42") and "\N{HORIZONTAL ELLIPSIS}" in text


def test_examples_are_evenly_spread():
    assert spread([1, 2, 3], 5) == [1, 2, 3]
    assert spread(range(101), 3) == [0, 50, 100]


def test_labels_name_only_what_differs():
    names = ["none_random_seed0__freihand_10pct", "simclr_ego_none_random_seed0__freihand_10pct"]
    assert short_labels(names) == ["no pre-training", "SimCLR"]
    weighted = [f"simhand_ego_{weighting}_top1_imagenet_seed0" for weighting in ("none", "both", "positive")]
    assert short_labels(weighted) == ["SiMHand", "SiMHand, weighted", "SiMHand, weighted (positive)"]
    ranks = [f"simhand_{name}_none_top{rank}_random_seed0" for name, rank in (("ego", 1), ("exo", 5))]
    assert short_labels(ranks) == ["SiMHand, ego, top-1", "SiMHand, exo, top-5"]
    assert short_labels(["peclr_ego_none_random_seed0", "peclr_ego_none_random_seed1"]) == [
        "PeCLR, seed 0",
        "PeCLR, seed 1",
    ]
    assert short_labels(["somebody-elses-model"]) == ["somebody-elses-model"]


@pytest.mark.parametrize("overrides", [{"finetune": {"epochs": 3}}, {"pretrain": {"epochs": 3}}])
def test_names_are_read_as_the_config_writes_them(overrides):
    from simhand.settings.experiments import ExperimentRow, expand_row

    row = ExperimentRow(
        method="simhand",
        set="ego",
        weighting="both",
        top_k=5,
        dataset="frei",
        label_fraction=0.105,
        label="long",
        **overrides,
    )
    experiment = next(expand_row(row, [3]))
    parts = {
        "method": "simhand",
        "set": "ego",
        "weighting": "both",
        "rank": "5",
        "init": "random",
        "label": "long",
    }
    parts |= {"seed": "3", "dataset": "frei", "percent": "10.5"}
    assert experiment_parts(experiment.finetune.name) == parts
    bare = next(expand_row(ExperimentRow(method="none", init="imagenet", dataset="frei"), [0]))
    expected = {"method": "none", "init": "imagenet", "seed": "0", "dataset": "frei", "percent": "100"}
    assert experiment_parts(bare.finetune.name) == expected


def test_every_method_has_a_title_and_a_colour_of_its_own():
    names = [f"{method}_ego_none_random_seed0" for method in METHODS]
    assert [experiment_parts(name).get("method") for name in names] == list(METHODS)
    assert short_labels(names) == [METHOD_TITLES[method] for method in METHODS]
    colours = {method_colour(method) for method in (*METHODS, "none", None)}
    assert len(colours) == len(METHODS) + 2


def test_a_method_added_later_takes_the_next_colour(monkeypatch):
    before = [method_colour(method) for method in METHODS]
    monkeypatch.setattr("simhand.report.figures.style.METHODS", (*METHODS, "another"))
    assert [method_colour(method) for method in METHODS] == before
    assert method_colour("another") not in {*before, method_colour("none"), method_colour(None)}


def test_models_are_compared_once_whatever_their_seeds():
    names = [
        f"{start}_seed{seed}__x_10pct" for start in ("none_random", "peclr_e_none_random") for seed in (0, 1)
    ]
    assert one_seed_each(names) == [names[0], names[2]]
