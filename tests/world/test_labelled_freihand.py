"""The labelled set: FreiHAND's files, complete and consistent."""

import json

import numpy as np
import pytest
from PIL import Image

from simhand.world.labelled_freihand import plan_labelled_hand, render_labelled_set


@pytest.fixture(scope="module")
def labelled(small_world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels") / "freihand"
    render_labelled_set(small_world, folder)
    return folder


def annotations(folder, split):
    return {name: json.loads((folder / f"{split}_{name}.json").read_text()) for name in ("K", "xyz", "scale")}


def test_layout_is_complete(small_world, labelled):
    names = sorted(path.name for path in (labelled / "training" / "rgb").iterdir())
    assert names == [f"{number:08d}.jpg" for number in range(6 * 4)]
    assert sorted(p.name for p in (labelled / "evaluation" / "rgb").iterdir()) == [
        "00000000.jpg",
        "00000001.jpg",
    ]
    assert sorted(p.name for p in (labelled / "training" / "mask").iterdir()) == [
        f"{n:08d}.jpg" for n in range(6)
    ]
    for split, count in (("training", 6), ("evaluation", 2)):
        for values in annotations(labelled, split).values():
            assert len(values) == count


def test_annotations_are_consistent(labelled):
    for split in ("training", "evaluation"):
        labels = annotations(labelled, split)
        for intrinsics, xyz, scale in zip(
            *(np.array(labels[name]) for name in ("K", "xyz", "scale")), strict=True
        ):
            assert intrinsics.shape == (3, 3) and xyz.shape == (21, 3)
            assert scale == pytest.approx(np.linalg.norm(xyz[9] - xyz[10]))
            assert 0.02 < scale < 0.06 and (xyz[:, 2] > 0.3).all(), "metres"
            pixels = xyz @ intrinsics.T
            pixels = pixels[:, :2] / pixels[:, 2:]
            assert ((pixels > 0) & (pixels < 128)).mean() > 0.9


def test_mask_and_versions_show_the_annotated_hand(labelled):
    labels = annotations(labelled, "training")
    for number in range(6):
        mask = np.asarray(Image.open(labelled / "training" / "mask" / f"{number:08d}.jpg")) > 127
        pixels = np.array(labels["xyz"][number]) @ np.array(labels["K"][number]).T
        x, y = (pixels[:, :2] / pixels[:, 2:]).astype(int).T
        inside = (x >= 0) & (x < 128) & (y >= 0) & (y < 128)
        assert mask[y[inside], x[inside]].all()
        pictures = [
            np.asarray(Image.open(labelled / "training" / "rgb" / f"{number + 6 * version:08d}.jpg")).astype(
                int
            )
            for version in range(4)
        ]
        assert pictures[0].shape == (128, 128, 3)
        same = np.abs(pictures[1] - pictures[2]).mean(-1)
        assert same[~mask].mean() > 1.5 * same[mask].mean(), "another background, the same hand"
        green = pictures[0][~mask].mean(0)
        assert green[1] > green[0] and green[1] > green[2]


def test_right_hands_only(small_world):
    for number in range(40):
        hand = plan_labelled_hand(small_world, "training", number)
        wrist, index, little = (hand.xyz_m[joint] for joint in (0, 5, 17))
        dorsal = hand.skeleton.rotations[0, 0, :, 2].numpy()
        assert np.dot(np.cross(index - wrist, little - wrist), dorsal) < 0


def test_the_same_files_with_two_processes(small_world, labelled, tmp_path):
    render_labelled_set(small_world, tmp_path / "again", threads=2)
    files = sorted(path.relative_to(labelled) for path in labelled.rglob("*.*"))
    assert files == sorted(path.relative_to(tmp_path / "again") for path in (tmp_path / "again").rglob("*.*"))
    for path in files:
        assert (labelled / path).read_bytes() == (tmp_path / "again" / path).read_bytes(), path


def test_a_larger_set_keeps_its_first_hands(small_world, labelled, tmp_path):
    more = small_world.labels.model_copy(update={"unique_training": 7, "background_versions": 1})
    render_labelled_set(small_world.model_copy(update={"labels": more}), tmp_path / "more")
    for number in range(6):
        name = f"training/rgb/{number:08d}.jpg"
        assert (tmp_path / "more" / name).read_bytes() == (labelled / name).read_bytes()
    assert annotations(tmp_path / "more", "training")["xyz"][:6] == annotations(labelled, "training")["xyz"]


def test_training_and_evaluation_differ(small_world):
    people = {
        split: {plan_labelled_hand(small_world, split, number).person for number in range(30)}
        for split in ("training", "evaluation")
    }
    assert not people["training"] & people["evaluation"]
