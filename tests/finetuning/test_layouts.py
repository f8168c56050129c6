"""In every layout, for both sides and after every augmentation: image, 2D, 3D and K tell of the same hand."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from rendered_layouts import WORLD, show_masks_of_dexycb, show_masks_of_freihand

from simhand.datasets.label_cache import LabelCache
from simhand.datasets.loaders import LOADERS
from simhand.datasets.samples import HandSamples, project
from simhand.finetuning.crop_geometry import crop_around
from simhand.finetuning.data import load_labels, open_images
from simhand.finetuning.epoch_batches import EVALUATION_EPOCH
from simhand.finetuning.experiment import run_experiment
from simhand.finetuning.hand_dataset import HandDataset
from simhand.finetuning.images import ImageStore
from simhand.settings.datasets import RenderedSettings
from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings
from simhand.settings.section import preset_defaults
from simhand.world.labelled_freihand import render_labelled_set

pytestmark = pytest.mark.xdist_group("layouts")

PRESETS = ["ours", "paper", "release"]
LAYOUTS = ["freihand", "dexycb", "assemblyhands"]
MARKED = (0, 4, 8, 12, 16, 20)


@pytest.fixture(scope="module")
def roots(dexycb, assemblyhands, tmp_path_factory) -> dict[str, Path]:
    freihand = tmp_path_factory.mktemp("layouts") / "freihand"
    render_labelled_set(WORLD, freihand)
    return {"freihand": freihand, "dexycb": dexycb, "assemblyhands": assemblyhands}


@pytest.fixture(scope="module")
def masks(roots, tmp_path_factory) -> dict[str, Path]:
    """The sets with masks for images, so that what lies under a joint is known."""
    folder = tmp_path_factory.mktemp("masks")
    copies = {name: shutil.copytree(roots[name], folder / name) for name in ("freihand", "dexycb")}
    show_masks_of_freihand(copies["freihand"])
    show_masks_of_dexycb(copies["dexycb"])
    return copies


@pytest.fixture(scope="module")
def marks(roots, tmp_path_factory) -> Path:
    """AssemblyHands with black images and a disc for wrist and tips, each joint in a grey of its own.

    Where they go is computed from the annotation files, without the loader.
    """
    root = shutil.copytree(roots["assemblyhands"], tmp_path_factory.mktemp("marks") / "assemblyhands")
    for split in ("train", "val"):
        stem = root / f"annotations/{split}/assemblyhands_{split}"
        images = json.loads(Path(f"{stem}_ego_data_v1-1.json").read_text())["images"]
        calib = json.loads(Path(f"{stem}_ego_calib_v1-1.json").read_text())["calibration"]
        joints = json.loads(Path(f"{stem}_joint_3d_v1-1.json").read_text())["annotations"]
        for image in images:
            frame, camera = f"{image['frame_idx']:06d}", image["camera"] + "_mono10bit"
            pose = np.array(calib[image["seq_name"]]["extrinsics"][frame][camera])
            world = np.array(joints[image["seq_name"]][frame]["world_coord"])
            seen = (world @ pose[:, :3].T + pose[:, 3]) @ np.array(
                calib[image["seq_name"]]["intrinsics"][camera]
            ).T
            picture = Image.new("L", (480, 636))
            for hand in (0, 21):
                for number, joint in enumerate((20, 0, 4, 8, 12, 16)):
                    x, y = seen[hand + joint, :2] / seen[hand + joint, 2]
                    ImageDraw.Draw(picture).ellipse([x - 5, y - 5, x + 4, y + 4], fill=95 + 30 * number)
            picture.save(root / "images" / image["file_name"], quality=95)
    return root


def load(root: Path, layout: str, part: str) -> HandSamples:
    """The samples; of layouts with both sides every third, which has both."""
    settings = RenderedSettings(kind="rendered", layout=layout)
    samples = LOADERS["rendered"](root, settings, part, LabelCache(None, 1))
    return samples if layout == "freihand" else samples.take(np.arange(0, len(samples), 3))


def settings_of(preset: str) -> FinetuneSettings:
    switches = {**preset_defaults(FinetuneSettings, preset), "negative_images": False}
    return FinetuneSettings(**switches, input_px=128)


def augmented(samples: HandSamples, images: ImageStore, settings: FinetuneSettings):
    dataset = HandDataset(samples, images, settings, 2.0, seed=3)
    for epoch in range(-1, 2):
        for row in range(len(samples)):
            yield row, dataset[(epoch, row)]


def shown(sample, margin: int) -> np.ndarray:
    """Joints (21,) at least ``margin`` pixels within the crop."""
    side = sample["image"].shape[0]
    return ((sample["joints_2d"] >= margin) & (sample["joints_2d"] < side - margin)).all(-1)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("part", ["training", "evaluation"])
def test_projection_of_3d_with_k_lands_on_2d(roots, layout, part, preset):
    samples = load(roots[layout], layout, part)
    np.testing.assert_allclose(
        project(samples.joints_3d_m, samples.intrinsics), samples.joints_2d_px, atol=1e-2
    )
    assert set(samples.mirror_width_px > 0) == ({False} if layout == "freihand" else {False, True})
    turned = 0
    for row, sample in augmented(samples, ImageStore(samples, 100, False, 1), settings_of(preset)):
        landed = project(sample["joints_3d"].astype(float), sample["intrinsics"])
        np.testing.assert_allclose(landed, sample["joints_2d"], atol=2e-2)
        np.testing.assert_array_equal(sample["visible"], samples.visible[row])
        turned += abs(np.arctan2(sample["affine"][1, 0], sample["affine"][0, 0])) > 0.5
    assert turned > 0


def share_on_the_hand(samples: HandSamples, images: ImageStore, settings: FinetuneSettings) -> float:
    """Of the joints of left hands (right ones in FreiHAND's layout) in the crop, those on the mask."""
    found, left = [], (samples.mirror_width_px > 0) | ~(samples.mirror_width_px > 0).any()
    for row, sample in augmented(samples, images, settings):
        columns, rows = sample["joints_2d"][shown(sample, 1)].astype(int).T
        found += (sample["image"][rows, columns, 0] > 127).tolist() if left[row] else []
    return float(np.mean(found))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("layout", ["freihand", "dexycb"])
def test_the_hand_lies_under_its_joints_after_mirroring_and_warping(masks, layout, preset):
    samples = load(masks[layout], layout, "training")
    settings = settings_of(preset)
    assert share_on_the_hand(samples, ImageStore(samples, 100, False, 1), settings) > 0.98
    if layout == "dexycb":
        not_mirrored = replace(samples, mirror_width_px=np.zeros_like(samples.mirror_width_px))
        seen_unmirrored = ImageStore(not_mirrored, 100, False, 1)
        assert share_on_the_hand(samples, seen_unmirrored, settings) < 0.6


@pytest.mark.parametrize("preset", PRESETS)
def test_each_marked_joint_lies_under_its_own_label(marks, preset):
    checked = {True: 0, False: 0}
    samples = load(marks, "assemblyhands", "training")
    for row, sample in augmented(samples, ImageStore(samples, 100, False, 1), settings_of(preset)):
        points = sample["joints_2d"][list(MARKED)]
        apart = np.linalg.norm(points[:, None] - points, axis=-1) + 1e3 * np.eye(len(MARKED))
        clear = (sample["visible"] > 0) & shown(sample, 3)
        inside = clear[list(MARKED)] & (apart.min(axis=1) > 12)
        for number in np.flatnonzero(inside):
            x, y = np.floor(points[number]).astype(int)
            assert abs(int(sample["image"][y, x, 0]) - (95 + 30 * number)) < 14, (row, number)
            checked[bool(samples.mirror_width_px[row])] += 1
    assert min(checked.values()) > 8


def test_crops_of_assemblyhands_are_the_annotated_boxes(roots):
    samples = load(roots["assemblyhands"], "assemblyhands", "evaluation")
    dataset = HandDataset(samples, ImageStore(samples, 100, False, 1), FinetuneSettings(), 2.0, seed=0)
    for row in range(len(samples)):
        low, high = samples.boxes_px[row].reshape(2, 2)
        corners = np.array([[*low, 1], [*high, 1]]) @ dataset[(-1, row)]["affine"].T
        np.testing.assert_allclose(corners[:, :2], [[0, 0], [128, 128]], atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_unmirrored_samples_are_those_of_the_images_as_they_are(roots, layout):
    samples = load(roots[layout], layout, "training")
    seen = samples.unmirrored()
    np.testing.assert_allclose(project(seen.joints_3d_m, seen.intrinsics), seen.joints_2d_px, atol=1e-2)
    left = samples.mirror_width_px > 0
    np.testing.assert_array_equal(seen.boxes_px[~left], samples.boxes_px[~left])
    width = samples.mirror_width_px[left, None]
    np.testing.assert_array_equal(seen.boxes_px[left][:, [2, 0]], width - samples.boxes_px[left][:, [0, 2]])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_experiments_data_of_every_layout(roots, layout, tmp_path):
    """From settings to batches, twice: read, then as kept."""
    dataset = RenderedSettings(kind="rendered", layout=layout)
    settings = FinetuneSettings(batch_size=2, input_px=32, validation_fraction=0.2, cache_mb=0)
    loaded = [
        open_images(
            load_labels(settings, dataset, roots[layout], 1.0, 1, tmp_path / "scans"), settings, 2.0, 0, 1
        )
        for _ in range(2)
    ]
    for one in loaded:
        unique = one.labelled.samples.unique_ids
        assert not set(unique[one.training_rows]) & set(unique[one.validation_rows])
        assert len(one.training_rows) + len(one.validation_rows) == len(one.labelled)
        assert len(one.evaluation) and one.evaluation.samples.has_joints
    first, again = (one.labelled[(0, 1)] for one in loaded)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    kept = sorted(path.name.rpartition("-")[0] for path in (tmp_path / "scans").glob("*"))
    expected = {"dexycb": ["dexycb-s1-test", "dexycb-s1-train"], "freihand": []}
    assert kept == expected.get(layout, ["assemblyhands-train", "assemblyhands-val"])


def test_prediction_cuts_as_wide_as_training_did(roots, tmp_path, tiny_encoder):
    """AssemblyHands' crops follow from wider boxes than the joints', which is all that prediction sees."""
    root, dataset = roots["assemblyhands"], RenderedSettings(kind="rendered", layout="assemblyhands")
    small = FinetuneSettings(head_width=8, input_px=32, batch_size=4, epochs=1, device="cpu")
    experiment = FinetuneExperiment(
        name="x", method="none", set=None, weighting="none", top_k=None, init="random", dataset="drawn",
        label_fraction=1.0, seed=0,
    )  # fmt: skip
    run_experiment(small, experiment, dataset, root, None, tmp_path, threads=1)
    samples = LOADERS["rendered"](root, dataset, "training", LabelCache(None, 1))
    cut = HandDataset(samples, ImageStore(samples, 500, False, 1), small, dataset.crop_factor, seed=0)
    trained_px = np.array([32 / cut[(EVALUATION_EPOCH, row)]["affine"][0, 0] for row in range(len(samples))])

    def predicted_px(factor: float) -> np.ndarray:
        return np.array([crop_around(joints, factor, False).side for joints in samples.joints_2d_px])

    crop_factor = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["crop_factor"]
    assert np.median(trained_px / predicted_px(crop_factor)) == pytest.approx(1, abs=0.05)
    assert np.median(trained_px / predicted_px(dataset.crop_factor)) > 1.1
