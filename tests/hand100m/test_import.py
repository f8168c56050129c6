"""The import: annotation files to crops, keypoints, a set and its pairs."""

import json

import numpy as np
import pytest
from painted_run import COLOURS, colours_at
from released_loader import ReleasedLoader

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.files.tables import read_table
from simhand.hand100m.crop_annotations import CropFiles, crop_annotations
from simhand.hand100m.import_set import check_left_out, import_set
from simhand.hand100m.read_annotations import read_annotations
from simhand.hands.crop import out_of_crop
from simhand.hands.images import decode_rgb
from simhand.mining.sets import hand_ids_of, load_keypoints
from simhand.settings.imported_sets import ImportedSetSettings


class Imported:
    """What an import wrote below ``folder``."""

    def __init__(self, folder, annotations, images, threads=1, **settings):
        self.settings = ImportedSetSettings(
            kind="hand100m",
            annotations={k: str(v) for k, v in annotations.items()},
            images=str(images),
            **settings,
        )
        self.folder, self.files = folder, annotations
        self.annotations = folder / "annotations/given.arrow"
        read_annotations(annotations, self.settings.fps, self.annotations)
        names = [f"{shard:04d}" for shard in range(self.settings.shards)]
        self.crops = [folder / f"crops/given/{name}.arrow" for name in names]
        self.status = [folder / f"crops/given/{name}.status.parquet" for name in names]
        for shard, name in enumerate(names):
            keypoints = folder / f"keypoints/given/{name}.parquet"
            files = CropFiles(self.crops[shard], keypoints, self.status[shard])
            crop_annotations(self.annotations, files, shard, self.settings, threads)
        self.hands, self.pairs, self.counts = import_set(folder, self.annotations, self.crops)

    def crop_rows(self):
        """The row of the crops table of each hand of the set."""
        for hand in self.hands.to_pylist():
            with PackedReader(self.folder / hand["crop_file"], "crops") as reader:
                yield reader.row(hand["crop_row"])


def entry(hand_id, image_id=0, **changes):
    """A valid annotation."""
    return {
        "hand_id": str(hand_id),
        "image_id": image_id,
        "boxes": "[10, 20, 70, 90]",
        "keypoint_25d": [0.25] * 63,
        "left_right": "Right",
        "positive_sample": [],
        "distance": [],
        **changes,
    }


def write_annotations(path, annotations, images=None, reverse=False):
    images = [{"id": 0, "file_name": "v/frame_000060.jpg"}] if images is None else images
    parts = {"images": images, "annotations": annotations}
    path.write_text(json.dumps(dict(reversed(parts.items())) if reverse else parts))
    return path


def rows_read(folder, files, fps=30.0):
    read_annotations(files, fps, folder / "read.arrow")
    with PackedReader(folder / "read.arrow", "annotations") as reader:
        return [reader.row(row) for row in range(len(reader))]


@pytest.fixture(scope="module")
def imported(exported, tmp_path_factory):
    run, folder = exported
    files = {"ours": folder / "annotations.json"}
    return Imported(tmp_path_factory.mktemp("imported"), files, folder, shards=3)


def test_export_and_import_give_the_same_set_and_pairs(exported, imported):
    run, _ = exported
    before = read_table(run.set_file, "set")
    for column in ("hand_id", "side"):
        assert imported.hands[column].to_pylist() == before[column].to_pylist()
    assert imported.pairs.equals(read_table(run.pairs_file, "pairs"))
    videos = zip(imported.hands["video_id"].to_pylist(), before.to_pylist(), strict=True)
    assert all(video == f"frames/{row['source']}/{row['video_id']}" for video, row in videos)
    assert imported.hands["group_id"].equals(imported.hands["video_id"])
    counts = imported.counts
    assert (counts.annotated_hands, counts.hands, counts.pairs) == (32, 32, 96)
    assert counts.left_out_hands == counts.unknown_positives == counts.hands_without_positive == 0


def test_export_and_import_keep_the_joints_of_the_frame(exported, imported):
    run, _ = exported
    keypoints = load_keypoints(imported.folder, imported.hands)
    for crop, points in zip(imported.crop_rows(), keypoints, strict=True):
        hand = run.hands[crop["hand_id"]]
        in_frame = out_of_crop(np.c_[points, np.zeros(21)], crop["window"], crop["side"] == "left")
        assert in_frame[:, :2] == pytest.approx(hand.joints, abs=1e-4)
        assert (crop["frame_index"], crop["timestamp_s"]) == (hand.frame_index, hand.frame_index / 30)


def test_imported_crops_are_those_of_the_released_loader(exported, imported):
    _, folder = exported
    loader = ReleasedLoader(folder / "annotations.json", folder)
    released = {sample["hand_id"]: sample for sample in (loader[place] for place in range(len(loader)))}
    keypoints = load_keypoints(imported.folder, imported.hands)
    for crop, points in zip(imported.crop_rows(), keypoints, strict=True):
        image, sample = decode_rgb(crop["jpeg"]), released[crop["hand_id"]]
        assert 224 * points == pytest.approx(sample["joints"], abs=1e-3)
        # the stored crop is a JPEG, theirs is not
        assert np.abs(image.astype(int) - sample["image"]).mean() < 3
        assert np.abs(colours_at(image, 224 * points) - COLOURS).max() < 60


def test_neither_threads_nor_shards_change_what_is_imported(exported, imported, tmp_path):
    _, folder = exported
    again = Imported(tmp_path, imported.files, folder, threads=2, shards=1)
    assert hand_ids_of(again.hands).tolist() == hand_ids_of(imported.hands).tolist()
    assert again.pairs.equals(imported.pairs)
    same = [
        crop["jpeg"] == other["jpeg"]
        for crop, other in zip(again.crop_rows(), imported.crop_rows(), strict=True)
    ]
    assert all(same)
    assert np.array_equal(
        load_keypoints(tmp_path, again.hands), load_keypoints(imported.folder, imported.hands)
    )


def test_left_hands_are_mirrored_and_right_ones_are_not(tmp_path):
    keypoints = np.linspace(0, 1, 63)
    path = write_annotations(
        tmp_path / "a.json",
        [
            entry(1, keypoint_25d=keypoints.tolist()),
            entry(2, keypoint_25d=keypoints.tolist(), left_right="Left"),
        ],
    )
    right, left = rows_read(tmp_path, {"ego": path})
    points = keypoints.reshape(21, 3)
    assert np.reshape(right["keypoints"], (21, 2)) == pytest.approx(points[:, :2], abs=1e-6)
    mirrored = np.c_[1 - points[:, 0], points[:, 1]]
    assert np.reshape(left["keypoints"], (21, 2)) == pytest.approx(mirrored, abs=1e-6)
    assert left["z"] == right["z"] == pytest.approx(points[:, 2], abs=1e-6)
    assert (right["side"], left["side"]) == ("right", "left")


def test_columns_of_a_hand(tmp_path):
    images = [{"id": "x", "file_name": "Ego4D/some-uid/frame_000090.jpg", "width": 3}]
    hand = entry(2**62 + 7, "x", positive_sample=["4", 5], distance=[0.5, 1], boxes="[1, 2.5, 30, 40]")
    row = rows_read(tmp_path, {"ego": write_annotations(tmp_path / "a.json", [hand], images)}, fps=60)[0]
    assert (row["hand_id"], row["source"], row["video_id"]) == (2**62 + 7, "ego", "Ego4D/some-uid")
    assert (row["frame_index"], row["timestamp_s"]) == (90, 1.5)
    assert [row[name] for name in ("x1", "y1", "x2", "y2")] == [1, 2.5, 30, 40]
    assert (row["positives"], row["ranks"], row["distances"]) == ([4, 5], [1, 2], [0.5, 1.0])


def test_an_image_whose_name_tells_no_frame_number(tmp_path):
    path = write_annotations(tmp_path / "a.json", [entry(1)], [{"id": 0, "file_name": "v/still.png"}])
    row = rows_read(tmp_path, {"ego": path})[0]
    assert row["frame_index"] is None and row["timestamp_s"] is None


def test_either_list_may_come_first(tmp_path):
    hands = [entry(1, positive_sample=["2"], distance=[0.1]), entry(2)]
    paths = [write_annotations(tmp_path / f"{order}.json", hands, reverse=order) for order in (False, True)]
    first, second = (rows_read(tmp_path, {"ego": path}) for path in paths)
    assert first == second and len(first) == 2


def test_fewer_distances_than_positives_are_nan(tmp_path):
    path = write_annotations(tmp_path / "a.json", [entry(1, positive_sample=["2", "3"], distance=[0.5])])
    distances = rows_read(tmp_path, {"ego": path})[0]["distances"]
    assert distances[0] == 0.5 and np.isnan(distances[1])


def test_hands_of_two_files_are_told_apart(tmp_path):
    """The release numbers each file for itself; a positive is a hand of the same file."""
    hands = [entry(1, positive_sample=["2"], distance=[0.1]), entry(2, positive_sample=["1"], distance=[0.1])]
    path = write_annotations(tmp_path / "a.json", hands)
    rows = rows_read(tmp_path, {"ego": path, "exo": path})
    assert len({row["hand_id"] for row in rows}) == 4 and min(row["hand_id"] for row in rows) >= 0
    ego, exo = rows[:2], rows[2:]
    for of_file in (ego, exo):
        assert [row["positives"] for row in of_file] == [[of_file[1]["hand_id"]], [of_file[0]["hand_id"]]]


def test_a_file_is_read_as_a_stream(tmp_path):
    """The first hands are there before the end of the file is looked at."""
    from simhand.hand100m.annotation_format import HandAnnotation
    from simhand.hand100m.read_annotations import BUFFER_BYTES, entries

    path = write_annotations(tmp_path / "a.json", [entry(number) for number in range(5000)])
    assert path.stat().st_size > BUFFER_BYTES
    path.write_bytes(path.read_bytes()[:-100])
    hands = entries(path, "annotations", HandAnnotation)
    assert [next(hands).hand_id for _ in range(100)] == [str(number) for number in range(100)]
    with pytest.raises(DataError, match="not whole JSON"):
        list(hands)


@pytest.mark.parametrize(
    ("hand", "message"),
    [
        ({"hand_id": 7}, r"annotations.1.hand_id: .*string, found 7"),
        ({"hand_id": "seven"}, "annotations.1.hand_id"),
        ({"hand_id": str(2**63)}, "does not fit into 64 bits"),
        ({"hand_id": "1"}, "more than one hand"),
        ({"image_id": 4}, "image 4, which it does not list"),
        ({"boxes": [1, 2, 3, 4]}, "annotations.1.boxes"),
        ({"boxes": "[1, 2, 3]"}, "annotations.1.boxes"),
        ({"keypoint_25d": [0.5] * 42}, "annotations.1.keypoint_25d"),
        ({"left_right": "left"}, "annotations.1.left_right"),
        ({"positive_sample": ["a"]}, "hand 7.*'a'"),
        ({"positive_sample": ["2", "3"], "rank": [1]}, "1 ranks for 2 positive samples"),
    ],
)
def test_a_broken_hand_is_named(tmp_path, hand, message):
    path = write_annotations(tmp_path / "a.json", [entry(1), entry(7) | hand])
    with pytest.raises(DataError, match=message):
        rows_read(tmp_path, {"ego": path})
    assert not (tmp_path / "read.arrow").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "does not exist"),
        ("", "not whole JSON"),
        ('{"images": [{"id": NaN, "file_name": "a"}]}', "not whole JSON"),
        ("[]", "has no images"),
        ('{"images": [{"id": 1, "file_name": "a"}]}', "has no annotations"),
        ('{"images": [{"id": 1}]}', "images.0.file_name: Field required"),
        ('{"images": [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}]}', "stands for two files"),
    ],
)
def test_a_broken_file_is_named(tmp_path, text, message):
    path = tmp_path / "a.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        rows_read(tmp_path, {"ego": path})
    assert str(path) in str(caught.value)


@pytest.fixture
def damaged(exported, tmp_path):
    """The export with one missing and one broken image, and positives that are not in the file."""
    run, folder = exported
    content = json.loads((folder / "annotations.json").read_text())
    for image in content["images"]:
        place = tmp_path / "images" / image["file_name"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((folder / image["file_name"]).read_bytes())
    missing, broken = (tmp_path / "images" / image["file_name"] for image in content["images"][:2])
    missing.unlink()
    broken.write_bytes(b"no image")
    lost = {hand["hand_id"] for hand in content["annotations"] if hand["image_id"] in (0, 1)}
    content["annotations"][-1]["positive_sample"][0] = "123456789"
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    return content, lost, tmp_path


def test_hands_without_an_image_are_left_out_and_counted(damaged):
    content, lost, folder = damaged
    imported = Imported(folder / "run", {"ego": folder / "annotations.json"}, folder / "images", shards=2)
    expected = {
        (int(hand["hand_id"]), rank, int(positive))
        for hand in content["annotations"]
        for rank, positive in zip(hand["rank"], hand["positive_sample"], strict=True)
        if not {hand["hand_id"], positive} & lost and positive != "123456789"
    }
    rows = imported.pairs.to_pylist()
    assert {(row["hand_id"], row["rank"], row["positive_hand_id"]) for row in rows} == expected
    assert set(imported.hands["hand_id"].to_pylist()) == {
        int(hand["hand_id"]) for hand in content["annotations"] if hand["hand_id"] not in lost
    }
    counts = imported.counts
    assert (counts.left_out_hands, counts.hands, counts.unknown_positives) == (len(lost), 32 - len(lost), 1)
    assert counts.left_out_positives == 96 - 1 - len(expected) > 0
    assert counts.hands_without_positive == counts.hands - len({pair[0] for pair in expected})
    status = [row for path in imported.status for row in read_table(path, "status").to_pylist()]
    assert sum(row["hands"] for row in status) == counts.hands and len(status) == 4
    assert sum(row["frames"] for row in status) == 16
    reasons = " ".join(row["reason"] for row in status if not row["ok"])
    assert "2 hands: image is missing" in reasons and "2 hands: image cannot be decoded" in reasons


def test_too_many_missing_images_stop_the_import(damaged):
    _, lost, folder = damaged
    imported = Imported(folder / "run", {"ego": folder / "annotations.json"}, folder / "images", shards=2)
    with pytest.raises(DataError, match=rf"{len(lost)} of 32 annotated hands.*(?s:.*)image is missing"):
        check_left_out(imported.counts, imported.status, imported.settings)
    lenient = imported.settings.model_copy(update={"max_failed_fraction": len(lost) / 32})
    check_left_out(imported.counts, imported.status, lenient)


def test_a_box_outside_of_its_image(exported, tmp_path):
    _, folder = exported
    content = json.loads((folder / "annotations.json").read_text())
    content["annotations"][0]["boxes"] = "[1000, 1000, 1100, 1100]"
    (tmp_path / "a.json").write_text(json.dumps(content))
    imported = Imported(tmp_path / "run", {"ego": tmp_path / "a.json"}, folder, shards=1)
    rows = read_table(imported.status[0], "status").to_pylist()
    assert [row["reason"] for row in rows if not row["ok"]] == ["1 hands: box outside of the image"]


def test_two_positives_of_one_rank(exported, tmp_path):
    _, folder = exported
    content = json.loads((folder / "annotations.json").read_text())
    content["annotations"][0]["rank"] = [1, 1, 2]
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="two positives of rank 1"):
        Imported(tmp_path / "run", {"ego": tmp_path / "a.json"}, folder, shards=1)
