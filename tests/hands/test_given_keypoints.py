"""Keypoints that the user gives: the detector's own landmarks, written out in every form and read back."""

import json
import logging

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_keypoints import estimate, write_crops

from simhand.errors import DataError
from simhand.files.tables import write_table
from simhand.hands.hand_id import hand_id

BOX = ("x1", "y1", "x2", "y2")
PLACE = ("video_id", "frame_index")


def numbered(hands):
    """The hands with their number in the frame, told from their ids."""
    numbers = {
        hand["hand_id"]: next(
            n for n in range(9) if hand_id(hand["video_id"], hand["frame_index"], n) == hand["hand_id"]
        )
        for hand in hands
    }
    return [{**hand, "number": numbers[hand["hand_id"]]} for hand in hands]


def landmarks(hand):
    return np.array(hand["landmarks"]).reshape(21, 3)


@pytest.fixture(scope="module")
def mapped(rendered_crops, tmp_path_factory):
    """What the keypoints stage makes of the detector's landmarks."""
    return estimate(rendered_crops[0], tmp_path_factory.mktemp("mapped"))


@pytest.fixture
def crops(rendered_hands, tmp_path):
    """The crops as a detector without landmarks leaves them."""
    return write_crops(tmp_path / "crops.arrow", [{**hand, "landmarks": None} for hand in rendered_hands])


def by_hand_id(hands, path):
    columns = {
        "hand_id": [hand["hand_id"] for hand in hands],
        "keypoints": [hand["landmarks"] for hand in hands],
    }
    pq.write_table(pa.table(columns), path)


def by_number(hands, path):
    rows = [{name: hand[name] for name in (*PLACE, "number")} for hand in numbered(hands)]
    points = [landmarks(hand).tolist() for hand in hands]
    path.write_text(json.dumps([{**row, "keypoints": xyz} for row, xyz in zip(rows, points, strict=True)]))


def by_box(hands, path):
    columns = {name: [hand[name] for hand in hands] for name in (*PLACE, *BOX)}
    columns["x1"] = [x1 + 0.4 for x1 in columns["x1"]]
    columns["keypoints"] = [landmarks(hand)[:, :2].ravel().tolist() for hand in hands]
    columns["z"] = [landmarks(hand)[:, 2].tolist() for hand in hands]
    pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize(
    ("write", "suffix"), [(by_hand_id, ".parquet"), (by_number, ".json"), (by_box, ".parquet")]
)
def test_landmarks_written_out_and_read_back(write, suffix, rendered_hands, crops, mapped, tmp_path):
    """In the frame's pixels, left hands not mirrored, in another order, with hands of another shard."""
    stranger = {
        **rendered_hands[0],
        "video_id": "stranger",
        "hand_id": hand_id("stranger", rendered_hands[0]["frame_index"], 0),
    }
    path = tmp_path / f"given{suffix}"
    write([stranger, *rendered_hands[::-1]], path)
    given = estimate(crops, tmp_path, estimator="given", given="given", files=[path])
    assert {hand["side"] for hand in rendered_hands} == {"left", "right"}
    expected = [{**row, "score": 1.0} for row in mapped[0]]
    assert given == (expected, mapped[1])


def test_our_own_table_is_in_the_crop(crops, mapped, tmp_path):
    write_table(tmp_path / "keypoints.parquet", "keypoints", mapped[0])
    again = estimate(
        crops, tmp_path, estimator="given", given="g", given_in="crop", files=[tmp_path / "keypoints.parquet"]
    )
    assert again == mapped


def test_hands_left_out_or_without_all_numbers_are_invalid(rendered_hands, crops, mapped, tmp_path, caplog):
    columns = {"hand_id": [hand["hand_id"] for hand in rendered_hands[1:]]}
    points = [landmarks(hand)[:, :2].copy() for hand in rendered_hands[1:]]
    points[0][20, 1] = np.nan
    columns["keypoints"] = [xy.ravel().tolist() for xy in points]
    columns["keypoints"][1] = None
    columns["valid"] = [number != 2 for number in range(len(points))]
    columns["score"] = [0.25] * len(points)
    pq.write_table(pa.table(columns), tmp_path / "g.parquet")
    with caplog.at_level(logging.INFO, "simhand"):
        rows, _ = estimate(crops, tmp_path, estimator="given", given="g", files=[tmp_path / "g.parquet"])
    assert [row["valid"] for row in rows] == [False] * 4 + [True] * (len(rows) - 4)
    assert (
        f"{len(points)} of {len(rows)} hands have given keypoints, 3 of them without all numbers"
        in caplog.text
    )
    assert rows[4]["score"] == 0.25
    assert rows[4]["keypoints"] == mapped[0][4]["keypoints"]
    assert np.isnan(rows[4]["z"]).all()


def test_none_that_fit_leave_invalid_rows_and_a_warning(rendered_hands, crops, tmp_path, caplog):
    path = tmp_path / "g.json"
    path.write_text(json.dumps([{"hand_id": "77", "keypoints": [[1, 2]] * 21}]))
    with caplog.at_level(logging.WARNING, "simhand"):
        rows, _ = estimate(crops, tmp_path, estimator="given", given="g", files=[path])
    assert not any(row["valid"] for row in rows)
    assert f"0 of {len(rows)} hands have given keypoints" in caplog.text


def broken(hand):
    place = {"hand_id": str(hand["hand_id"])}
    good = {**place, "keypoints": landmarks(hand).tolist()}
    return {
        "joints": ([{**place, "keypoints": [[1, 2]] * 20}], "row 0: expected keypoints of 21 joints"),
        "ragged": ([{**place, "keypoints": [[1, 2]] * 20 + [[1]]}], "row 0: expected numbers"),
        "z": ([{**place, "keypoints": [[1, 2]] * 21, "z": [1, 2]}], "expected 21 numbers in z, found 2"),
        "word": ([{**place, "keypoints": "here"}], "row 0: expected numbers"),
        "twice": ([good, good], "row 1: the hand has keypoints already"),
        "key": ([{"video_id": "v", "keypoints": []}], "found video_id, keypoints"),
        "number": ([{**good, "hand_id": "left"}], "expected numbers in hand_id"),
        "object": ({"1": []}, "expected a JSON list with one record per hand"),
        "unit": ([{**place, "keypoints": [[0.5, 0.5]] * 21}], "set keypoints.given_in: crop"),
    }


CASES = ("joints", "ragged", "z", "word", "twice", "key", "number", "object", "unit")


@pytest.mark.parametrize("case", CASES)
def test_broken_files_are_explained(case, rendered_hands, crops, tmp_path):
    cases = broken(rendered_hands[0])
    assert set(cases) == set(CASES)
    content, message = cases[case]
    path = tmp_path / "given.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        estimate(crops, tmp_path, estimator="given", given="g", files=[path])


def test_pixels_are_not_taken_for_fractions(rendered_hands, crops, tmp_path):
    by_hand_id(rendered_hands, tmp_path / "g.parquet")
    with pytest.raises(DataError, match="set keypoints.given_in: frame"):
        estimate(
            crops, tmp_path, estimator="given", given="g", given_in="crop", files=[tmp_path / "g.parquet"]
        )


def test_no_parquet(crops, tmp_path):
    (tmp_path / "g.parquet").write_text("none")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        estimate(crops, tmp_path, estimator="given", given="g", files=[tmp_path / "g.parquet"])
