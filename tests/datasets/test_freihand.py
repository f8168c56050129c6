"""FreiHAND's layout: what is read, what is refused and how it is said."""

import json

import numpy as np
import pytest
from drawn_freihand import EVALUATION, UNIQUE, VERSIONS, random_hands

from simhand.datasets.freihand import load_freihand
from simhand.datasets.samples import project
from simhand.errors import DataError


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


def test_projection_equals_the_recording(repository):
    samples = json.loads((repository / "tests/golden/splits.json").read_text())["freihand"][
        "projection_samples"
    ]
    for sample in samples:
        found = project(np.array(sample["xyz_m"]), np.array(sample["K"]))
        np.testing.assert_allclose(found, sample["uv_px"], atol=1e-3)
