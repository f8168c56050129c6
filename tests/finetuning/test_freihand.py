"""FreiHAND's layout: what is read, what is refused and how it is said, and which labels are used."""

import hashlib
import json

import numpy as np
import pytest
from drawn_freihand import EVALUATION, UNIQUE, VERSIONS, random_hands
from PIL import Image

from simhand.errors import ConfigError, DataError
from simhand.finetuning.freihand import load_freihand
from simhand.finetuning.images import ImageStore
from simhand.finetuning.samples import HandSamples, project
from simhand.finetuning.subsets import labelled_rows, validation_split


def edit_json(path, change):
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def test_training_split_repeats_the_labels_for_every_version(freihand):
    samples = load_freihand(freihand, "training")
    assert len(samples) == UNIQUE * VERSIONS
    assert samples.image_ids.tolist() == list(range(UNIQUE * VERSIONS))
    assert samples.unique_ids.tolist() == list(range(UNIQUE)) * VERSIONS
    assert samples.images[9] == "training/rgb/00000009.jpg"
    expected = random_hands(UNIQUE, seed=1)
    np.testing.assert_allclose(samples.joints_3d_m[9], expected[9 - UNIQUE])
    np.testing.assert_allclose(project(samples.joints_3d_m, samples.intrinsics), samples.joints_2d_px)
    np.testing.assert_allclose(
        samples.bone_9_10_m, np.linalg.norm(samples.joints_3d_m[:, 9] - samples.joints_3d_m[:, 10], axis=-1)
    )
    assert samples.visible.all() and samples.has_joints


def test_evaluation_joints_may_be_absent(freihand):
    assert load_freihand(freihand, "evaluation").has_joints
    (freihand / "evaluation_xyz.json").unlink()
    samples = load_freihand(freihand, "evaluation")
    assert len(samples) == EVALUATION and not samples.has_joints
    assert np.isnan(samples.joints_3d_m).all() and np.isnan(samples.joints_2d_px).all()
    assert np.isfinite(samples.bone_9_10_m).all()


def test_scale_may_be_absent_only_where_it_is_not_asked_for(freihand):
    (freihand / "evaluation_scale.json").unlink()
    with pytest.raises(DataError, match="evaluation_scale.json does not exist"):
        load_freihand(freihand, "evaluation")
    assert np.isnan(load_freihand(freihand, "evaluation", scale_given=False).bone_9_10_m).all()


def test_missing_images_are_named_one_by_one_then_counted(make_freihand):
    root = make_freihand(unique=8, versions=3)
    for image_id in (3, 10):
        (root / f"training/rgb/{image_id:08d}.jpg").unlink()
    with pytest.raises(DataError, match=r"2 missing image\(s\): 00000003.jpg, 00000010.jpg\. Copy"):
        load_freihand(root, "training")
    for image_id in range(4, 16):
        (root / f"training/rgb/{image_id:08d}.jpg").unlink(missing_ok=True)
    with pytest.raises(DataError, match=r"13 missing image.*00000012.jpg and 3 more"):
        load_freihand(root, "training")


def test_fewer_labels_than_images_is_an_error_that_says_both_counts(freihand):
    for name in ("K", "xyz", "scale"):
        edit_json(freihand / f"training_{name}.json", lambda entries: entries[:-1])
    with pytest.raises(DataError, match=r"16 images.*training_K.json has 7 entries.*3 version"):
        load_freihand(freihand, "training")


def test_more_labels_than_images_is_an_error(freihand):
    for name in ("K", "xyz", "scale"):
        edit_json(freihand / f"evaluation_{name}.json", lambda entries: entries + entries[-1:])
    with pytest.raises(DataError, match=r"1 missing image\(s\): 00000004.jpg"):
        load_freihand(freihand, "evaluation")


@pytest.mark.parametrize("name", ["xyz", "scale"])
def test_label_files_of_different_lengths_are_refused(freihand, name):
    edit_json(freihand / f"training_{name}.json", lambda entries: entries[:-1])
    with pytest.raises(
        DataError, match=rf"training_{name}.json has 7 entries but training_K.json beside it has 8"
    ):
        load_freihand(freihand, "training")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "xyz",
            lambda entries: [hand[:20] for hand in entries],
            r"shape \(8, 20, 3\), expected \(samples, 21, 3\)",
        ),
        ("xyz", lambda entries: [entries[0][:20], *entries[1:]], "not a list of equal arrays"),
        (
            "K",
            lambda entries: [matrix[:2] for matrix in entries],
            r"shape \(8, 2, 3\), expected \(samples, 3, 3\)",
        ),
        ("K", lambda entries: [], "expected"),
        ("scale", lambda entries: [*entries[:-1], float("nan")], "not finite, in entries 7"),
        ("xyz", lambda entries: (1000 * np.array(entries)).tolist(), "expected 0.01 to 0.5 metres"),
        (
            "xyz",
            lambda entries: (-np.array(entries)).tolist(),
            r"behind the camera \(z <= 0\) in entries 0, 1",
        ),
    ],
)
def test_labels_of_another_shape_or_unit_are_refused(freihand, name, change, message):
    edit_json(freihand / f"training_{name}.json", change)
    with pytest.raises(DataError, match=message) as error:
        load_freihand(freihand, "training")
    assert f"training_{name}.json" in str(error.value)


def test_files_that_are_missing_or_not_json_are_named(freihand):
    (freihand / "training_K.json").write_text("{[")
    with pytest.raises(DataError, match="training_K.json is not JSON"):
        load_freihand(freihand, "training")
    (freihand / "training_K.json").unlink()
    with pytest.raises(DataError, match=r"training_K.json does not exist.*correct the data set's `root`"):
        load_freihand(freihand, "training")


def test_folders_without_images_are_named(freihand):
    for image in (freihand / "training/rgb").iterdir():
        image.rename(image.with_suffix(".jpeg"))
    with pytest.raises(DataError, match="no image named like 00000000.jpg"):
        load_freihand(freihand, "training")
    (freihand / "training").rename(freihand / "train")
    with pytest.raises(DataError, match="training/rgb does not exist"):
        load_freihand(freihand, "training")


def test_unreadable_images_are_named_and_the_store_holds_the_others(freihand):
    folder = freihand / "training/rgb"
    whole = (folder / "00000002.jpg").read_bytes()
    (folder / "00000002.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "00000005.jpg").write_bytes(b"")
    (folder / "00000007.jpg").write_text("an error page")
    store = ImageStore(load_freihand(freihand, "training"), 100, False, 2)
    assert store.unreadable == [2, 5, 7]
    with pytest.raises(
        DataError, match=r"3 image\(s\) cannot be decoded: .*00000002.jpg.*00000005.jpg.*00000007.jpg"
    ):
        store.raise_unreadable()
    assert np.array_equal(store[3], np.asarray(Image.open(folder / "00000003.jpg")))


def test_images_are_the_same_with_and_without_room_to_keep_them(freihand):
    samples = load_freihand(freihand, "training")
    kept, read_again = ImageStore(samples, 100, False, 1), ImageStore(samples, 0, False, 1)
    assert kept[4] is kept[4] and read_again[4] is not read_again[4]
    assert np.array_equal(kept[4], read_again[4])


def test_negatives_are_the_released_byte_wrap(freihand):
    samples = load_freihand(freihand, "training")
    image = ImageStore(samples, 100, False, 1)[0]
    negative = ImageStore(samples, 100, True, 1)[0]
    assert np.array_equal(negative, (256 - image.astype(int)) % 256)


def test_projection_equals_the_recording(repository):
    samples = json.loads((repository / "tests/golden/splits.json").read_text())["freihand"][
        "projection_samples"
    ]
    for sample in samples:
        found = project(np.array(sample["xyz_m"]), np.array(sample["K"]))
        np.testing.assert_allclose(found, sample["uv_px"], atol=1e-3)


def stub(unique: int, versions: int) -> HandSamples:
    count = unique * versions
    ids = np.arange(count)
    empty = np.zeros((count, 1))
    single = np.full(count, "")
    return HandSamples(None, ids.astype(str), ids, ids % unique, *[empty] * 7, single, empty, empty)


def test_first_subsets_are_the_released_ones(repository):
    record = json.loads((repository / "tests/golden/splits.json").read_text())["freihand"]
    samples = stub(record["unique_training_samples"], len(record["versions_in_order"]))
    for ratio, expected in record["released_training_subsets"].items():
        rows = labelled_rows(samples, float(ratio), "first")
        assert len(rows) == expected["length"]
        assert len(np.unique(samples.unique_ids[rows])) == expected["distinct_unique_frames"]
        assert hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest() == expected["sha256_of_int64"]
    missing = set(range(len(samples))) - set(labelled_rows(samples, 1.0, "first").tolist())
    assert sorted(missing) == record["released_validation_ids"]


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.2, 0.4, 0.8, 1.0])
def test_stratified_subset_has_all_versions_of_evenly_spaced_ids(fraction):
    samples = stub(1000, 4)
    rows = labelled_rows(samples, fraction, "stratified")
    ids = np.unique(samples.unique_ids[rows])
    assert len(ids) == 1000 * fraction and len(rows) == 4 * len(ids)
    assert np.ptp(np.diff(ids)) <= 1
    assert np.histogram(ids, bins=5, range=(0, 1000))[0].tolist() == [200 * fraction] * 5


def test_label_fraction_outside_0_to_1_is_refused():
    for fraction in (0.0, -0.1, 1.1):
        with pytest.raises(ConfigError, match="label_fraction"):
            labelled_rows(stub(10, 1), fraction, "stratified")


@pytest.mark.parametrize(
    ("unique", "fraction", "held_out"), [(1000, 0.1, 100), (128, 0.1, 13), (8, 0.1, 1), (5, 0.5, 2)]
)
def test_validation_never_shares_a_photograph_and_spreads_over_the_capture(unique, fraction, held_out):
    samples = stub(unique, 4)
    training, validation = validation_split(samples, fraction)
    assert sorted([*training, *validation]) == list(range(len(samples)))
    ids = set(samples.unique_ids[validation])
    assert not ids & set(samples.unique_ids[training])
    assert len(ids) == held_out and len(validation) == 4 * held_out
    if unique == 1000:
        assert np.histogram(sorted(ids), bins=10, range=(0, 1000))[0].tolist() == [10] * 10
        assert max(np.diff(sorted(ids))) > 1


def test_no_validation_keeps_every_row_for_training():
    training, validation = validation_split(stub(8, 2), 0.0)
    assert len(training) == 16 and len(validation) == 0
