"""Photos as queries: the run's own hands are found again, the search is exact, and errors say what to do."""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pyarrow.csv
import pytest
from PIL import Image

from query_hands import main
from simhand.errors import EXIT_NOTHING_FOUND, ConfigError, DataError, NothingFoundError
from simhand.files.tables import read_table
from simhand.hands.crop import crop_window
from simhand.query.found_with import FoundWith, for_photos
from simhand.query.nearest import nearest_hands
from simhand.query.photos import find_hands, read_photos
from simhand.query.queried_set import load_queried_set, set_to_query
from simhand.settings.crops import CropsSettings
from simhand.settings.hand_object_detector import HandObjectDetectorSettings
from simhand.settings.keypoints import KeypointsSettings


def query(run: Path, *photos: Path, out: Path | None = None, count: int = 16) -> None:
    main(argparse.Namespace(run_dir=run, set=None, photos=list(photos), out=out, count=count))


@pytest.fixture
def grey(tmp_path):
    """A photo without any hand."""
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((240, 320, 3), 128, np.uint8))
    return path


@pytest.fixture(scope="module")
def answered(mined_run, hands_of_frame, tmp_path_factory):
    """A frame of the run as a photo: its hands there, and the folder of the answer."""
    folder = tmp_path_factory.mktemp("answer")
    hands = hands_of_frame(folder / "frame.jpg")
    query(mined_run, folder / "frame.jpg", out=folder)
    return hands, folder / "frame"


def test_the_hands_of_a_frame_of_the_run_are_found_again(answered):
    hands, folder = answered
    assert len(hands) >= 2
    matches = read_table(folder / "matches.parquet", "matches").to_pylist()
    nearest = [match for match in matches if match["rank"] == 1]
    assert [match["hand_id"] for match in nearest] == [hand["hand_id"] for hand in hands]
    assert [match["query_side"] for match in nearest] == [hand["side"] for hand in hands]
    assert max(match["distance"] for match in nearest) < 1e-6
    assert [match["timestamp_s"] for match in nearest] == [hand["timestamp_s"] for hand in hands]


def test_matches_are_those_of_a_loop_over_the_set(answered, mined_run):
    hands, folder = answered
    of_set = read_table(mined_run / "keypoints/demo/0000.parquet", "keypoints").to_pylist()
    embedding = load_queried_set(mined_run, "all").embedding
    points, _ = embedding.embed(np.array([hand["keypoints"] for hand in of_set]).reshape(-1, 21, 2))
    place = {hand["hand_id"]: point for hand, point in zip(of_set, points, strict=True)}
    matches = read_table(folder / "matches.parquet", "matches").to_pylist()
    for number, hand in enumerate(hands):
        found = [match for match in matches if match["query_hand"] == number]
        to_all = {other: np.linalg.norm(point - place[hand["hand_id"]]) for other, point in place.items()}
        order = sorted(to_all, key=lambda other: (to_all[other], other))
        assert [match["rank"] for match in found] == list(range(1, len(found) + 1))
        assert [match["hand_id"] for match in found] == order[:16]
        assert [match["distance"] for match in found] == pytest.approx(
            [to_all[o] for o in order[:16]], abs=1e-6
        )


def test_an_answer_is_a_table_twice_and_a_picture(answered):
    _, folder = answered
    assert {path.name for path in folder.iterdir()} == {"matches.parquet", "matches.csv", "matches.png"}
    table = read_table(folder / "matches.parquet", "matches")
    csv = pyarrow.csv.read_csv(folder / "matches.csv")
    assert csv.column_names == table.column_names and csv.num_rows == table.num_rows
    assert csv["hand_id"].to_pylist() == table["hand_id"].to_pylist()
    assert csv["distance"].to_pylist() == table["distance"].to_pylist()
    with Image.open(folder / "matches.png") as image:
        assert image.width > 1000 and np.asarray(image.convert("L")).std() > 10


def test_a_photo_is_cropped_as_the_run_says(mined_run, hands_of_frame, tmp_path):
    hands_of_frame(tmp_path / "frame.jpg")
    found_with = load_queried_set(mined_run, "all").found_with
    assert (found_with.crops.box_scale, found_with.crops.size_px) == (1.5, 160)
    for hand in find_hands(read_photos([tmp_path / "frame.jpg"]), found_with):
        box = tuple(hand.crop[name] for name in ("x1", "y1", "x2", "y2"))
        photo = cv2.imread(str(tmp_path / "frame.jpg"))
        assert tuple(hand.crop["window"]) == crop_window(box, 1.5, "pad", *photo.shape[1::-1])


def test_a_photo_without_a_hand_is_an_answer_and_others_keep_theirs(
    mined_run, hands_of_frame, grey, tmp_path
):
    hands_of_frame(tmp_path / "frame.jpg")
    with pytest.raises(NothingFoundError, match=r"no hand to compare in 1 of 2 photos: grey;"):
        query(mined_run, grey, tmp_path / "frame.jpg", out=tmp_path / "out", count=3)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["frame"]
    assert read_table(tmp_path / "out/frame/matches.parquet", "matches")["rank"].to_pylist()[:4] == [
        1,
        2,
        3,
        1,
    ]


def test_the_script_ends_with_a_code_of_its_own_without_hands(mined_run, grey, repository, tmp_path):
    command = [sys.executable, repository / "workflow_scripts/query_hands.py", "--run-dir", mined_run]
    done = subprocess.run([*command, "--photos", grey, "--out", tmp_path], capture_output=True, text=True)
    assert done.returncode == EXIT_NOTHING_FOUND, done.stderr
    assert "no hand to compare in 1 of 1 photos: grey" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("seed", range(4))
def test_the_nearest_are_those_of_a_sort_with_ties(seed):
    rng = np.random.default_rng(seed)
    points, hand_ids = rng.integers(0, 3, (80, 3)).astype(float), rng.permutation(80) * 7
    query = rng.integers(0, 3, 3).astype(float)
    distances = [np.sqrt(sum((point - query) ** 2)) for point in points]
    order = sorted(range(80), key=lambda row: (distances[row], hand_ids[row]))
    for count in (1, 7, 80, 200):
        rows, near = nearest_hands(query, points, hand_ids, count)
        assert rows.tolist() == order[:count]
        assert near.tolist() == [distances[row] for row in order[:count]]


def test_what_was_given_for_frames_mediapipe_gives_for_photos():
    same = FoundWith(crops=CropsSettings(size_px=100), keypoints=KeypointsSettings(estimator="mediapipe"))
    assert for_photos(same) == (same, [])

    given = KeypointsSettings(estimator="given", given="keypoints.parquet")
    found, remarks = for_photos(FoundWith(crops=CropsSettings(size_px=100), keypoints=given))
    assert (found.keypoints, found.crops.size_px) == (KeypointsSettings(), 100)
    assert remarks == ["the keypoints of this set were given; those of photos come from MediaPipe"]

    boxes = CropsSettings(detector="boxes", boxes="boxes.csv", box_scale=2)
    found, remarks = for_photos(FoundWith(crops=boxes, keypoints=given))
    assert (found.crops, found.keypoints) == (CropsSettings(box_scale=2), KeypointsSettings())
    assert len(remarks) == 2

    detector = CropsSettings(detector="hand_object_detector")
    found, _ = for_photos(FoundWith(crops=detector, keypoints=given))
    assert (found.crops.detector, found.keypoints.estimator) == ("hand_object_detector", "mediapipe")

    found, remarks = for_photos(None)
    assert found.crops == CropsSettings(border="clamp")
    assert "imported" in remarks[0]


def test_photos_that_cannot_be_read_are_named(tmp_path, grey):
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "other").mkdir()
    shutil.copy(grey, tmp_path / "other" / "grey.jpg")
    with pytest.raises(DataError, match=r"absent\.jpg cannot be read \(No such file"):
        read_photos([tmp_path / "absent.jpg"])
    with pytest.raises(DataError, match=r"text\.jpg is not an image"):
        read_photos([grey, tmp_path / "text.jpg"])
    with pytest.raises(ConfigError, match="two photos are called grey"):
        read_photos([grey, tmp_path / "other" / "grey.jpg"])


def test_weights_that_are_gone_are_named(grey):
    settings = HandObjectDetectorSettings(weights="gone.pth")
    crops, keypoints = (
        CropsSettings(detector="hand_object_detector"),
        KeypointsSettings(estimator="mediapipe"),
    )
    found_with = FoundWith(crops=crops, keypoints=keypoints, hand_object_detector=settings)
    with pytest.raises(ConfigError, match=r"the weights gone\.pth, which are not there"):
        find_hands(read_photos([grey]), found_with)


def test_the_set_must_be_there_and_clear(mined_run, tmp_path):
    assert set_to_query(mined_run, None) == set_to_query(mined_run, "all") == "all"
    with pytest.raises(DataError, match="there is no run at .*nowhere"):
        set_to_query(tmp_path / "nowhere", None)
    with pytest.raises(DataError, match="has no mined pairs yet; run `snakemake pairs`"):
        set_to_query(tmp_path, None)
    with pytest.raises(ConfigError, match="ego is not a set of this run; the mined sets .*: all"):
        set_to_query(mined_run, "ego")
    run = shutil.copytree(mined_run, tmp_path / "run")
    shutil.copy(run / "pairs/all.parquet", run / "pairs/more.parquet")
    shutil.copy(run / "sets/all.parquet", run / "sets/ego.parquet")
    with pytest.raises(ConfigError, match="has several mined sets: all, more; name one"):
        set_to_query(run, None)
    with pytest.raises(ConfigError, match="ego is not mined yet"):
        set_to_query(run, "ego")


def test_a_set_without_its_embedding_is_an_error(mined_run, tmp_path):
    run = shutil.copytree(mined_run, tmp_path / "run")
    description = json.loads((run / "pca/all.json").read_text())
    del description["found_with"]
    (run / "pca/all.json").write_text(json.dumps(description))
    with pytest.raises(DataError, match=r"all\.json does not tell how the hands .*run fit_pca again"):
        load_queried_set(run, "all")
    (run / "pca/all.npz").unlink()
    with pytest.raises(DataError, match=r"all\.npz does not exist; run fit_pca first"):
        load_queried_set(run, "all")
