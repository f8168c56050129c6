"""The export: what the released loaders see of a mined set."""

import json

import numpy as np
import pytest
from painted_run import COLOURS, WIDTH, colours_at, paint_run
from released_loader import ReleasedLoader

from simhand.errors import DataError
from simhand.files.packed import PackedReader, packed_writer
from simhand.files.tables import read_table
from simhand.hand100m.write_annotations import ExportedPairs, closed_under_positives, export_annotations


def export(run, rank=None):
    out = run.folder / f"export_{rank}.json"
    export_annotations(run.folder, run.set_file, run.pairs_file, rank, out)
    return json.loads(out.read_text())


def test_the_released_loader_sees_every_joint_where_it_is(exported):
    run, folder = exported
    loader = ReleasedLoader(folder / "annotations.json", folder)
    assert {int(hand["hand_id"]) for hand in loader.hands} == set(run.hands)
    assert {hand["left_right"] for hand in loader.hands} == {"Left", "Right"}
    for place in range(len(loader)):
        sample = loader[place]
        seen = colours_at(sample["image"], sample["joints"])
        assert np.abs(seen - COLOURS).max() < 40, sample["hand_id"]


def test_the_released_loader_finds_the_most_similar_hand(exported):
    run, folder = exported
    loader = ReleasedLoader(folder / "annotations.json", folder)
    first = {
        row["hand_id"]: row for row in read_table(run.pairs_file, "pairs").to_pylist() if row["rank"] == 1
    }
    for place in range(len(loader)):
        sample = loader[place]
        pair = first[sample["hand_id"]]
        assert (
            int(sample["positive"]) == loader[sample["positive_index"]]["hand_id"] == pair["positive_hand_id"]
        )
        assert sample["distance"] == pair["distance"]


def test_frames_are_written_byte_by_byte(exported):
    run, folder = exported
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in (folder / "frames").rglob("*.jpg")
    }
    source_of = {hand.video_id: hand.source for hand in run.hands.values()}
    assert files == {
        f"frames/{source_of[video_id]}/{video_id}/frame_{index:06d}.jpg": jpeg
        for (video_id, index), jpeg in run.jpegs.items()
    }


def test_types_are_those_of_the_release(exported):
    _, folder = exported
    content = json.loads((folder / "annotations.json").read_text())
    assert len({image["file_name"] for image in content["images"]}) == len(content["images"]) == 16
    for hand in content["annotations"]:
        box = json.loads(hand["boxes"])
        assert isinstance(hand["boxes"], str) and len(box) == 4 and all(isinstance(v, int) for v in box)
        assert all(isinstance(positive, str) for positive in hand["positive_sample"])
        assert len(hand["keypoint_25d"]) == 63 and hand["rank"] == [1, 2, 5]


def test_a_crop_that_is_cut_by_the_border_is_among_them(exported):
    """Else the tests above would not notice the difference between a padded and a clamped crop."""
    run, _ = exported
    with PackedReader(run.folder / "crops/ego/0000.arrow", "crops") as reader:
        windows = np.array(reader.table(["window"])["window"].to_pylist())
    assert (windows[:, 1] < 0).any() and not (windows[:, 2] > 2 * WIDTH).any()


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_a_top_k_file_has_the_positive_of_that_rank_alone(painted, rank):
    pairs = {
        str(row["hand_id"]): [str(row["positive_hand_id"])]
        for row in read_table(painted.pairs_file, "pairs").to_pylist()
        if row["rank"] == rank
    }
    hands = export(painted, rank)["annotations"]
    assert {hand["hand_id"]: hand["positive_sample"] for hand in hands} == pairs


def test_a_rank_that_was_not_mined(painted):
    with pytest.raises(DataError, match=r"no pair of rank 3, only of \[1, 2, 5\]"):
        export(painted, 3)


def test_every_positive_is_in_the_file(painted):
    """a -> b -> c, and c has none: c goes, then b, then a; the others stay."""
    ids = sorted(painted.hands)
    a, b, c, *rest = ids
    cycle = [(hand, 1, rest[place - 1], 0.5) for place, hand in enumerate(rest)]
    painted.write_pairs([(a, 1, b, 0.5), (b, 1, c, 0.5), *cycle, (rest[0], 2, a, 0.6)])
    content = export(painted)
    hands = {int(hand["hand_id"]): hand for hand in content["annotations"]}
    assert set(hands) == set(rest)
    assert hands[rest[0]]["positive_sample"] == [str(rest[-1])]
    named = {image["id"] for image in content["images"]}
    assert named == {hand["image_id"] for hand in content["annotations"]}


def test_closure_against_a_naive_loop():
    rng = np.random.default_rng(3)
    for _ in range(50):
        ids = np.arange(20)
        drawn = rng.integers(0, 20, (count := rng.integers(10, 30), 2))
        drawn = drawn[np.argsort(drawn[:, 0])]
        pairs = ExportedPairs(drawn[:, 0], np.ones(count, np.int32), drawn[:, 1], np.ones(count))
        alive = set(ids.tolist())
        while True:
            having = {
                a for a, b in zip(pairs.hand_ids, pairs.positives, strict=True) if a in alive and b in alive
            }
            if having == alive:
                break
            alive = having
        kept, within = closed_under_positives(ids, pairs)
        assert set(kept.tolist()) == alive == set(within.hand_ids.tolist())
        assert set(within.positives.tolist()) <= alive


def test_a_box_of_which_nothing_would_be_cut_out_is_left_out(painted):
    path = painted.folder / "crops/ego/0000.arrow"
    with PackedReader(path, "crops") as reader:
        rows = [reader.row(row) for row in range(len(reader))]
    rows[0] |= {"x1": 5.0, "y1": 5.0, "x2": 5.9, "y2": 5.9}
    with packed_writer(path, "crops") as writer:
        for row in rows:
            writer.append(row)
    left_out = rows[0]["hand_id"]
    hands = export(painted)["annotations"]
    assert left_out not in {int(hand["hand_id"]) for hand in hands}
    assert str(left_out) not in {positive for hand in hands for positive in hand["positive_sample"]}


def test_nothing_is_left_to_export(painted):
    ids = sorted(painted.hands)
    painted.write_pairs([(ids[0], 1, ids[1], 0.1)])
    with pytest.raises(DataError, match="no positive for any hand"):
        export(painted)


def test_frames_of_another_run_are_noticed(painted):
    path = painted.folder / "frames/ego/0000.arrow"
    with PackedReader(path, "frames") as reader:
        rows = [reader.row(row) for row in range(1, len(reader))]
    with packed_writer(path, "frames") as writer:
        for row in rows:
            writer.append(row)
    with pytest.raises(DataError, match="lack frame 0 of ego take/0"):
        export(painted)


def test_the_released_loader_reads_crops_of_either_border(tmp_path):
    """The keypoints of an export do not depend on how this project's own crops were cut."""
    files = []
    for border in ("pad", "clamp"):
        run = paint_run(tmp_path / border, border)
        files.append({hand["hand_id"]: hand for hand in export(run)["annotations"]})
    padded, clamped = files
    assert padded.keys() == clamped.keys()
    for hand_id, hand in padded.items():
        assert hand["keypoint_25d"] == pytest.approx(clamped[hand_id]["keypoint_25d"], abs=1e-5)
