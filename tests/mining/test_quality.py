"""How good partners are: naive loops over hands of known pose, and real gestures."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import imageio_ffmpeg
import numpy as np
import pytest
from partner_quality import (
    PartnerQuality,
    mined_partners,
    one_per_frame,
    partner_quality,
    pose_errors_mm,
    same_label,
)

from simhand.evaluation.alignment import wrist_aligned
from simhand.evaluation.procrustes import procrustes_rotation
from simhand.files.tables import make_table
from simhand.mining.pca import fit_embedding
from simhand.settings.crops import CropsSettings
from simhand.settings.pca import Normalisation, PcaSettings

pytestmark = pytest.mark.xdist_group("gestures")


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def a_set(groups, hand_ids):
    count = len(groups)
    return make_table(
        "set",
        {
            "hand_id": hand_ids,
            "video_id": groups,
            "group_id": groups,
            "source": ["ego"] * count,
            "side": ["right"] * count,
            "crop_file": ["crops/ego/0000.arrow"] * count,
            "crop_row": np.arange(count),
        },
    )


def rotated(joints, rng):
    """Hands turned at random, made larger by a tenth, and moved."""
    turns = np.linalg.qr(rng.normal(size=(len(joints), 3, 3)))[0]
    turns[np.linalg.det(turns) < 0, :, 0] *= -1
    return 1.1 * joints @ turns + 0.3


def test_pose_errors_against_a_naive_loop(rng):
    joints, groups = rng.normal(scale=0.05, size=(12, 21, 3)), np.arange(12) % 4
    queries = np.array([7, 0, 3])
    errors = pose_errors_mm(joints, groups, queries, wrist_aligned)
    for row, query in enumerate(queries):
        for other in range(12):
            if groups[other] == groups[query]:
                assert np.isnan(errors[row, other])
                continue
            apart = [
                1000
                * np.linalg.norm(
                    (joints[query, j] - joints[query, 0]) - (joints[other, j] - joints[other, 0])
                )
                for j in range(21)
            ]
            assert errors[row, other] == pytest.approx(sum(apart) / 21)


def test_the_same_pose_in_another_view_is_far_only_where_rotation_counts(rng):
    joints = rng.normal(scale=0.05, size=(3, 21, 3))
    both, groups = np.concatenate([joints, rotated(joints, rng)]), np.repeat([0, 1], 3)
    free = pose_errors_mm(both, groups, np.arange(3), procrustes_rotation)
    np.testing.assert_allclose(np.diag(free[:, 3:]), 0, atol=1e-9)
    assert (free[:, 3:][~np.eye(3, dtype=bool)] > 10).all()
    assert (np.diag(pose_errors_mm(both, groups, np.arange(3), wrist_aligned)[:, 3:]) > 10).all()


def test_quality_against_a_naive_loop(rng):
    values, groups = rng.uniform(size=(20, 20)), rng.integers(0, 3, 20)
    values[groups[:, None] == groups] = np.nan
    partners = np.array([rng.choice(np.flatnonzero(groups != group)) for group in groups])
    partners[4] = -1
    queries = np.array([9, 4, 1, 17])
    found = partner_quality(values[queries], queries, partners)
    others = [
        [values[query, other] for other in range(20) if groups[other] != groups[query]]
        for query in (9, 1, 17)
    ]
    assert found.hands == 3
    assert found.mined == pytest.approx(np.mean([values[query, partners[query]] for query in (9, 1, 17)]))
    assert found.best == pytest.approx(np.mean([min(some) for some in others]))
    assert found.random == pytest.approx(np.mean([sum(some) / len(some) for some in others]))
    most = partner_quality(values[queries], queries, partners, best=np.nanmax)
    assert most.best == pytest.approx(np.mean([max(some) for some in others]))


def test_share_lost():
    assert PartnerQuality(10, 3.0, 2.0, 6.0).share_lost == 0.25
    assert PartnerQuality(10, 0.9, 1.0, 0.2).share_lost == pytest.approx(0.125)


def test_chance_of_the_same_label():
    """Chance counts the hands of other clips only."""
    labels, groups = np.array(["fist", "fist", "palm", "palm"]), np.array([0, 1, 1, 2])
    values = same_label(labels, groups, np.arange(4))
    expected = [[np.nan, 1, 0, 0], [1, np.nan, np.nan, 0], [0, np.nan, np.nan, 1], [0, 0, 1, np.nan]]
    assert np.array_equal(values, expected, equal_nan=True)
    found = partner_quality(values, np.arange(4), np.array([1, 0, 3, 1]), best=np.nanmax)
    assert found == PartnerQuality(4, 0.75, 1.0, pytest.approx((1 / 3 + 1 / 2 + 1 / 2 + 1 / 3) / 4))


def test_one_hand_of_each_frame():
    frames = np.array(["b", "a", "b", "c", "b", "a"])
    keys = np.array([2.0, 1.0, -1.0, 9.0, -1.0, 0.5])
    assert one_per_frame(frames, keys).tolist() == [2, 3, 5]


def test_mined_partners_whatever_the_order_of_the_set(rng):
    """Against a naive loop; hands without scale are nobody's partner and have none."""
    keypoints = rng.uniform(0.2, 0.8, (60, 21, 2)).astype(np.float32)
    keypoints[4] = keypoints[4, 0]
    groups = rng.choice(["a", "b", "c"], 60)
    points, usable = fit_embedding(keypoints, PcaSettings())[0].embed(keypoints)
    expected = []
    for hand in range(60):
        others = [other for other in range(60) if groups[other] != groups[hand] and usable[other]]
        nearest = min(others, key=lambda other: np.linalg.norm(points[other] - points[hand]))
        expected.append(nearest if usable[hand] else -1)
    assert expected[4] == -1
    assert any(expected[expected[hand]] != hand for hand in range(60))
    partners = mined_partners(a_set(groups, rng.permutation(1000)[:60]), keypoints, PcaSettings())
    assert partners.tolist() == expected


SECONDS = 6
NORMALISATIONS = get_args(Normalisation)
CLIPS = 12


def cut_short(clip, copy):
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", clip, "-t", SECONDS]
    subprocess.run([*map(str, program), "-c", "copy", copy], check=True)


@pytest.fixture(scope="module")
def gestures(realdata, tmp_path_factory):
    """The rows of benchmarks/mining_quality.py for the first six seconds of every gesture clip."""
    folder = tmp_path_factory.mktemp("gestures")
    # only here: it imports MediaPipe
    from clip_stages import find_hands
    from mining_quality import gesture_rows, hands_that_count

    (folder / "clips").mkdir()
    shutil.copy(realdata / "gesture_pairs/manifest.json", folder / "clips")
    for row in json.loads((realdata / "gesture_pairs/manifest.json").read_text()):
        cut_short(realdata / "gesture_pairs" / row["file"], folder / "clips" / row["file"])
    found = find_hands(folder / "clips", folder / "run", CropsSettings(), threads=2)
    embeddings = [PcaSettings(normalisation=normalisation) for normalisation in NORMALISATIONS]
    rows = gesture_rows(folder / "clips", hands_that_count(found), embeddings, threads=2)
    return {(row["measure"], row["normalisation"]): row for row in rows}


@pytest.mark.realdata
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_partners_of_raised_hands_show_the_same_gesture(gestures, normalisation):
    """In 95 of 100 cases with the default number of dimensions; chance is one clip of the eleven others."""
    raised = gestures["same gesture, raised hands", normalisation]
    assert raised["hands"] >= 0.95 * SECONDS * CLIPS
    assert raised["mined"] >= 0.95
    assert raised["random"] == pytest.approx(1 / 11, abs=0.01)


@pytest.mark.realdata
def test_which_hand_of_a_frame_counts_matters(gestures):
    """A hanging arm shows no gesture, so the fewer of them count the better."""
    raised, surest, every = (
        gestures[f"same gesture, {which}", PcaSettings().normalisation]
        for which in ("raised hands", "surest side", "all hands")
    )
    assert raised["hands"] == surest["hands"] < every["hands"]
    assert raised["mined"] > surest["mined"] > every["mined"] > 0.5
