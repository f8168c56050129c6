"""Boxes that the user gives: MediaPipe's own, written out in every form and read back, and bad files."""

import json
import logging

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from box_formats import BOX, COLUMNS, FORMATS, columns, write_csv, write_detector_output, write_parquet
from hand_frames import rows_of, run_crops, write_frames

from simhand.errors import DataError
from simhand.files.tables import read_table
from simhand.hands.detector import FrameKey
from simhand.hands.given.boxes_of_shard import DetectionsFiles, Shard, read_boxes_of_shard
from simhand.hands.given.file_names import BOXES, files_of_shard
from simhand.hands.stored_detections import StoredDetections
from simhand.videos.index_table import IndexedVideo


@pytest.fixture
def shard(rendered):
    """The rendered videos as a shard, and one of another shard."""
    names = dict.fromkeys(row["video_id"] for row in rows_of(rendered[0], "frames"))
    index = [IndexedVideo(name, "demo", "", "0000") for name in names]
    return Shard("demo", "0000", [*index, IndexedVideo("later", "demo", "", "0001")])


def read(given, rendered, shard, folder, tolerance_s=0.05):
    files = DetectionsFiles(rendered[0], folder / "detections.parquet", folder / "detections.status.parquet")
    read_boxes_of_shard(given, tolerance_s, shard, files)
    statuses = {row["video_id"]: row for row in read_table(files.status, "status").to_pylist()}
    return files.detections, read_table(files.detections, "detections").to_pylist(), statuses


@pytest.mark.parametrize("name", FORMATS)
def test_boxes_written_out_and_read_back_give_the_same_crops(name, rendered, rendered_hands, shard, tmp_path):
    """Even when the file has the frames in another order and another video first."""
    later = {**rendered_hands[0], "video_id": "later"}
    frames_turned = sorted(rendered_hands, key=lambda hand: -hand["frame_index"])
    FORMATS[name](tmp_path / name, [later, *frames_turned])
    detections, rows, _ = read(tmp_path / name, rendered, shard, tmp_path)
    crops, status = run_crops(
        rendered[0], tmp_path, threads=2, detections=detections, detector="boxes", boxes=name
    )
    hands = rows_of(crops)
    scored = name != "annotations.json"
    expected = [
        {**hand, "score": hand["score"] if scored else 1.0, "landmarks": None} for hand in rendered_hands
    ]
    assert hands == expected
    assert {row["hands"] for row in status} >= {1, 2}
    order = [(row["video_id"], row["frame_index"]) for row in rows_of(rendered[0], "frames")]
    places = [order.index((row["video_id"], row["frame_index"])) for row in rows]
    assert places == sorted(places)
    objects = [row for row in rows if row["kind"] == "object"]
    assert len(objects) == (0 if scored else sum(hand["side"] == "left" for hand in hands))
    contact_states = {row["contact_state"] for row in rows if row["kind"] == "hand"}
    assert contact_states == ({3} if name in ("annotations.json", "detector.json") else {None})


def test_an_object_is_no_hand_and_keeps_its_box(rendered, rendered_hands, shard, tmp_path):
    left = next(hand for hand in rendered_hands if hand["side"] == "left")
    FORMATS["annotations.json"](tmp_path / "a.json", [left])
    detections, rows, _ = read(tmp_path / "a.json", rendered, shard, tmp_path)
    assert [row["kind"] for row in rows] == ["hand", "object"]
    assert [rows[1][name] for name in BOX] == pytest.approx([48, 72, 144, 144], rel=1e-6)
    key = FrameKey(left["video_id"], left["frame_index"], 0)
    assert [
        hand.side for hand in StoredDetections(detections).detect(np.zeros((1, 1, 3), np.uint8), key)
    ] == ["left"]


def test_the_detectors_numbers_keep_their_meaning(rendered, rendered_hands, shard, tmp_path):
    write_detector_output(tmp_path / "d.json", rendered_hands[:1])
    _, (row,), _ = read(tmp_path / "d.json", rendered, shard, tmp_path)
    offset = [row["offset_x"], row["offset_y"], row["offset_magnitude"]]
    assert offset == pytest.approx([0.06, -0.08, 0.01])
    assert (row["kind"], row["contact_state"], row["side"]) == ("hand", 3, rendered_hands[0]["side"])


def test_doh_images_are_the_odd_seconds(rendered, rendered_hands, tmp_path):
    """Frame 1 of 100DOH's own naming was taken at 1 s; the video may be named with or without the genre."""
    frames = {row["video_id"]: row for row in rows_of(rendered[0], "frames") if row["timestamp_s"] == 1.0}
    names = list(frames)[:2]
    index = [
        IndexedVideo("abc-_DEFghi" if number else "diy_v_01234567890", "demo", "", "0000")
        for number in (0, 1)
    ]
    renamed = dict(zip(names, (video.video_id for video in index), strict=True))
    box = {
        "x1": 0.25,
        "y1": 0.25,
        "x2": 0.5,
        "y2": 0.5,
        "hand_side": "r",
        "contact_state": 0,
        "obj_bbox": None,
    }
    images = {
        "raw/diy/diy_v_01234567890_frame000001.jpg": [box],
        "diy_v_01234567890_frame000002.jpg": [box],
        "raw\\diy\\food_v_abc-_DEFghi_frame000001.jpg": [box, box],
    }
    (tmp_path / "trainval.json").write_text(json.dumps(images))
    few = [
        (renamed[r["video_id"]], r["frame_index"], r["jpeg"])
        for r in rows_of(rendered[0], "frames")
        if r["video_id"] in names
    ]
    frames_file = write_frames(tmp_path / "frames.arrow", few, size=(480, 360))
    files = DetectionsFiles(frames_file, tmp_path / "d.parquet", tmp_path / "s.parquet")
    read_boxes_of_shard(tmp_path / "trainval.json", 0.05, Shard("demo", "0000", index), files)
    rows = read_table(files.detections, "detections").to_pylist()
    assert [(row["video_id"], row["timestamp_s"]) for row in rows] == [
        ("diy_v_01234567890", 1.0),
        ("abc-_DEFghi", 1.0),
        ("abc-_DEFghi", 1.0),
    ]
    reasons = [row["reason"] for row in read_table(files.status, "status").to_pylist()]
    assert reasons == ["1 boxes at frames that are not sampled", ""]


def test_unusable_boxes_are_counted_and_told(rendered, rendered_hands, shard, tmp_path):
    good = {name: rendered_hands[0][name] for name in ("video_id", "frame_index", *BOX, "side")}
    bad = [
        {**good, "x2": good["x1"]},
        {**good, "y1": 300.0, "y2": 20.0},
        {**good, "x1": 480.0, "x2": 500.0},
        {**good, "x1": -20.0, "x2": 0.0},
        {**good, "y1": None},
        {**good, "side": None},
        {**good, "score": 1.5},
        {**good, "x1": -1000.0, "x2": 1000.0},
        {**good, "frame_index": 700},
    ]
    (tmp_path / "boxes.json").write_text(json.dumps([bad[0], good, *bad[1:]]))
    _, rows, statuses = read(tmp_path / "boxes.json", rendered, shard, tmp_path)
    assert [row["score"] for row in rows] == [1.0]
    assert [rows[0][name] for name in BOX] == [good[name] for name in BOX]
    status = statuses[good["video_id"]]
    assert (status["ok"], status["frames"], status["hands"]) == (True, 3, 1)
    assert status["reason"].startswith(
        "1 boxes at frames that are not sampled; 8 unusable boxes: 2 empty, 2 outside of the frame, "
        "1 not all numbers, 1 without side, 1 with a score outside of 0 to 1, 1 far larger than the frame "
        "(the first: "
    )
    others = {row["reason"] for name, row in statuses.items() if name != good["video_id"]}
    assert others == {"no boxes given"}


def test_nan_in_a_table_is_unusable_too(rendered, rendered_hands, shard, tmp_path):
    table = columns(rendered_hands[:3])
    table["x1"] = [float("nan"), *table["x1"][1:]]
    table["frame_index"] = [float(index) for index in table["frame_index"]]
    pq.write_table(pa.table(table), tmp_path / "b.parquet")
    _, rows, statuses = read(tmp_path / "b.parquet", rendered, shard, tmp_path)
    assert len(rows) == 2
    assert "1 unusable boxes: 1 not all numbers" in statuses[rendered_hands[0]["video_id"]]["reason"]


def test_empty_cells_of_csv_are_missing_values(rendered, rendered_hands, shard, tmp_path):
    hands = [
        dict(rendered_hands[0]),
        {**rendered_hands[1], "frame_index": ""},
        {**rendered_hands[2], "side": ""},
    ]
    hands[0] |= {"timestamp_s": "", "score": ""}
    lines = [",".join(COLUMNS), *(",".join(str(hand[name]) for name in COLUMNS) for hand in hands)]
    (tmp_path / "b.csv").write_text("\n".join(lines))
    _, rows, statuses = read(tmp_path / "b.csv", rendered, shard, tmp_path)
    assert [(row["frame_index"], row["score"]) for row in rows] == [
        (hands[0]["frame_index"], 1.0),
        (rendered_hands[1]["frame_index"], rendered_hands[1]["score"]),
    ]
    assert "1 unusable boxes: 1 without side" in statuses[hands[2]["video_id"]]["reason"]


def test_boxes_of_videos_outside_the_run_are_told(rendered, rendered_hands, shard, tmp_path, caplog):
    strangers = [{**hand, "video_id": "stranger"} for hand in rendered_hands[:3]]
    for name, write in FORMATS.items():
        caplog.clear()
        write(tmp_path / name, [*strangers, *rendered_hands])
        with caplog.at_level(logging.WARNING, "simhand"):
            read(tmp_path / name, rendered, shard, tmp_path)
        assert "3 boxes of 1 videos that are not in the run are not used: stranger" in caplog.text
        write(tmp_path / name, strangers)
        with pytest.raises(
            DataError, match="are of videos that are not in the run, such as stranger; the run has"
        ):
            read(tmp_path / name, rendered, shard, tmp_path)


def test_boxes_at_no_sampled_frame_are_a_mistake(rendered, rendered_hands, shard, tmp_path):
    hands = [{**hand, "frame_index": hand["frame_index"] + 100} for hand in rendered_hands]
    write_csv(tmp_path / "b.csv", hands)
    with pytest.raises(DataError, match=r"none of the \d+ boxes .* such as 0 \(0.000 s\), 1 \(1.000 s\)"):
        read(tmp_path / "b.csv", rendered, shard, tmp_path)
    assert not (tmp_path / "detections.parquet").exists()


def test_a_folder_has_a_file_per_video_or_shard(rendered, rendered_hands, shard, tmp_path, caplog):
    given = tmp_path / "given"
    (given / "demo").mkdir(parents=True)
    first, *others = dict.fromkeys(hand["video_id"] for hand in rendered_hands)
    write_parquet(given / f"{first}.parquet", [hand for hand in rendered_hands if hand["video_id"] == first])
    write_csv(given / "demo" / "0000.csv", [hand for hand in rendered_hands if hand["video_id"] in others])
    (given / "unknown.json").write_text("no JSON, and nobody reads it")
    with caplog.at_level(logging.WARNING, "simhand"):
        _, rows, _ = read(given, rendered, shard, tmp_path)
    assert len(rows) == len(rendered_hands)
    assert "1 files belong to no video of the run: unknown" in caplog.text
    videos = shard.videos()
    assert files_of_shard(given, BOXES, "demo", "0001", ["later"]) == []
    assert files_of_shard(given, BOXES, "demo", "0000", videos) == [
        given / "demo/0000.csv",
        given / f"{first}.parquet",
    ]


def broken_files():
    box = {"video_id": "v", "frame_index": 0, "x1": 0, "y1": 0, "x2": 5, "y2": 5}
    csv = "video_id,frame_index,x1,y1,x2,y2,side\nv,0,0,0,5,5,"
    return {
        "noside.json": (json.dumps([box]), "record 0: a hand without side"),
        "side.json": (json.dumps([{**box, "side": "both"}]), "expected a side left, right, .* found 'both'"),
        "number.json": (json.dumps([{**box, "side": 0, "x1": "left"}]), "record 0, x1: expected a number"),
        "half.json": (
            json.dumps([{**box, "side": 0, "frame_index": 0.5}]),
            "expected a whole number, found 0.5",
        ),
        "columns.json": (json.dumps([{"video": "v"}]), "record 0: expected video_id, .* found video"),
        "kind.json": (json.dumps([{**box, "side": 0, "kind": "face"}]), "expected kind hand or object"),
        "keys.json": (json.dumps({"video_id": {"0": "v"}}), "'video_id' does not tell which frame it is"),
        "nine.json": (
            json.dumps({"v/frame_000000.jpg": [[0] * 9]}),
            "the 10 numbers of the hand_object_detector",
        ),
        "nan.json": (json.dumps([{**box, "x1": float("nan"), "side": 0}]), "is not JSON .* NaN is none"),
        "text.json": ('"boxes"', "expected a JSON list of boxes or an object by image path"),
        "cut.json": (json.dumps([{**box, "side": 0}])[:-5], "is not JSON"),
        "empty.json": ("", "is not JSON"),
        "side.csv": (
            csv.replace(",side", "")[:-1],
            r"no column side \(left or right, .* mirrored\)",
        ),
        "value.csv": (f"{csv}up\n", "column side: expected a side"),
        "number.csv": (csv.replace("0,0,0", "0,zero,0") + "left\n", "cannot be read as a CSV table"),
        "frame.csv": (csv.replace("frame_index", "frame") + "left\n", "no column frame_index or timestamp_s"),
        "half.csv": (csv.replace("v,0", "v,0.5") + "left\n", "cannot be read as a CSV table"),
        "file.parquet": ("no Parquet", "cannot be read as a Parquet table"),
    }


@pytest.mark.parametrize("name", broken_files())
def test_broken_files_are_explained(name, rendered, tmp_path):
    text, message = broken_files()[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read(
            tmp_path / name,
            rendered,
            Shard("demo", "0000", [IndexedVideo("v", "demo", "", "0000")]),
            tmp_path,
        )
    assert name in str(caught.value)


def test_names_of_videos_stay_text(rendered, rendered_hands, shard, tmp_path):
    """A video named 0012 is not the number 12, in CSV nor in Parquet."""
    frames = write_frames(
        tmp_path / "frames.arrow",
        [("0012", row["frame_index"], row["jpeg"]) for row in rows_of(rendered[0], "frames")[:3]],
        size=(480, 360),
    )
    hand = {**rendered_hands[0], "video_id": "0012", "frame_index": 1, "timestamp_s": 1.0}
    index = [IndexedVideo("0012", "demo", "", "0000")]
    files = DetectionsFiles(frames, tmp_path / "d.parquet", tmp_path / "s.parquet")
    for name in ("boxes.csv", "records.json"):
        FORMATS[name](tmp_path / name, [hand])
        read_boxes_of_shard(tmp_path / name, 0.05, Shard("demo", "0000", index), files)
        assert len(read_table(files.detections, "detections")) == 1
    numbers = columns([{**hand, "video_id": 12}])
    pq.write_table(pa.table(numbers), tmp_path / "n.parquet")
    twelve = [IndexedVideo("12", "demo", "", "0000"), IndexedVideo("0012", "demo", "", "0000")]
    with pytest.raises(DataError, match="none of the 1 boxes|not in the run"):
        read_boxes_of_shard(tmp_path / "n.parquet", 0.05, Shard("demo", "0000", twelve[1:]), files)


def test_hands_of_a_frame_keep_the_order_of_the_file(rendered, rendered_hands, shard, tmp_path):
    """Numbers of hands, and so their ids, come from it; and a threshold drops hands without renumbering."""
    place = {name: rendered_hands[0][name] for name in ("video_id", "frame_index", "timestamp_s")}
    lefts = [float(x) for x in np.random.default_rng(0).permutation(200)]
    hands = [
        {**place, "x1": x, "y1": 10.0, "x2": x + 50, "y2": 80.0, "score": x / 200, "side": "right"}
        for x in lefts
    ]
    write_parquet(tmp_path / "b.parquet", hands)
    detections, _, _ = read(tmp_path / "b.parquet", rendered, shard, tmp_path)
    all_crops, _ = run_crops(rendered[0], tmp_path, detections=detections, detector="boxes", boxes="b")
    found = rows_of(all_crops)
    assert [row["x1"] for row in found] == lefts
    ids = {row["x1"]: row["hand_id"] for row in found}
    some, _ = run_crops(
        rendered[0], tmp_path, detections=detections, detector="boxes", boxes="b", min_score=0.5
    )
    assert {row["x1"]: row["hand_id"] for row in rows_of(some)} == {x: ids[x] for x in lefts if x >= 100}


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        StoredDetections(tmp_path / "none.parquet")
