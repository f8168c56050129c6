"""Normalisation of keypoints and the pose embedding."""

from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from simhand.errors import ConfigError, DataError
from simhand.mining import pca
from simhand.mining.embedding import ROWS_AT_ONCE, PoseEmbedding, project
from simhand.mining.normalisation import normalise_keypoints
from simhand.mining.pca import draw_hands, fit_embedding, with_fixed_signs
from simhand.settings.pca import COORDINATES, Normalisation, PcaSettings

CASES_WITH_KEYPOINTS = ("articulated_hands", "single_video_no_partner")


def some_keypoints(count=200, seed=0):
    """Keypoints of one shape with a few ways to vary, so that variances differ clearly."""
    rng = np.random.default_rng(seed)
    ways = rng.normal(size=(30, 42)) * (0.8 ** np.arange(30))[:, None]
    shape = rng.uniform(0.3, 0.7, 42)
    return (shape + 0.02 * rng.normal(size=(count, 30)) @ ways).reshape(-1, 21, 2).astype(np.float32)


@pytest.mark.parametrize("case", CASES_WITH_KEYPOINTS)
def test_equals_the_recorded_pca(golden, case):
    recorded = golden("mining.npz")
    keypoints = recorded[f"{case}__keypoints"].reshape(-1, 21, 2)
    embedding, description = fit_embedding(keypoints, PcaSettings(normalisation="crop"))
    coordinates, usable = embedding.embed(keypoints)
    assert usable.all()
    np.testing.assert_allclose(embedding.mean, recorded[f"{case}__mean"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(embedding.components, recorded[f"{case}__components"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(coordinates, recorded[f"{case}__coordinates"], rtol=0, atol=1e-9)
    singular_values = np.sqrt(embedding.explained_variance * (len(keypoints) - 1))
    np.testing.assert_allclose(singular_values, recorded[f"{case}__singular_values"][:14], rtol=1e-9)
    assert description["rank"] == recorded[f"{case}__rank"]


@pytest.mark.parametrize("normalisation", ["crop", "box", "wrist", "wrist_scale"])
def test_equals_a_singular_value_decomposition(normalisation):
    keypoints = some_keypoints()
    embedding, _ = fit_embedding(keypoints, PcaSettings(normalisation=normalisation, dimensions=6))
    features, _ = normalise_keypoints(keypoints, normalisation, 0.02)
    centred = features - features.mean(axis=0)
    _, singular_values, components = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign((embedding.components * components[:6]).sum(axis=1))
    np.testing.assert_allclose(embedding.components, components[:6] * signs[:, None], atol=1e-10)
    variances = singular_values**2 / (len(keypoints) - 1)
    np.testing.assert_allclose(embedding.explained_variance, variances[:6], rtol=1e-10)
    np.testing.assert_allclose(
        embedding.explained_variance_ratio, (variances / variances.sum())[:6], rtol=1e-10
    )


def test_largest_entry_of_each_component_is_positive():
    embedding, _ = fit_embedding(some_keypoints(), PcaSettings())
    largest = np.take_along_axis(
        embedding.components, np.abs(embedding.components).argmax(axis=1)[:, None], 1
    )
    assert (largest > 0).all()
    flipped = with_fixed_signs(np.array([[0.1, -0.9, 0.2], [-0.5, 0.5, 0.0]]))
    assert np.array_equal(flipped, [[-0.1, 0.9, -0.2], [0.5, -0.5, 0.0]])


def test_fit_in_float64_although_keypoints_are_float32():
    """Far from the origin, single precision would lose the components."""
    keypoints = some_keypoints().astype(np.float64)
    near, _ = fit_embedding(keypoints, PcaSettings(normalisation="crop"))
    far, _ = fit_embedding(keypoints + 1000.0, PcaSettings(normalisation="crop"))
    np.testing.assert_allclose(near.components, far.components, atol=1e-7)


def test_crop_normalisation_changes_nothing():
    keypoints = some_keypoints(5)
    features, usable = normalise_keypoints(keypoints, "crop", 0.02)
    assert features.dtype == np.float64 and usable.all()
    assert np.array_equal(features, keypoints.reshape(5, 42))


def test_wrist_normalisation_forgets_the_place():
    keypoints = some_keypoints(5).astype(np.float64)
    features, _ = normalise_keypoints(keypoints, "wrist", 0.02)
    assert np.array_equal(features[:, :2], np.zeros((5, 2)))
    np.testing.assert_allclose(
        features, normalise_keypoints(keypoints + [0.1, -0.2], "wrist", 0.02)[0], atol=1e-12
    )
    moved = keypoints.copy()
    moved[:, 8] += [0.01, 0.02]
    difference = normalise_keypoints(moved, "wrist", 0.02)[0] - features
    np.testing.assert_allclose(difference.reshape(5, 21, 2)[:, 8], np.tile([0.01, 0.02], (5, 1)), atol=1e-12)


def test_wrist_scale_normalisation_forgets_place_and_size():
    keypoints = some_keypoints(5).astype(np.float64)
    features, usable = normalise_keypoints(keypoints, "wrist_scale", 0.02)
    assert usable.all()
    np.testing.assert_allclose(np.linalg.norm(features[:, 18:20], axis=1), 1.0)
    np.testing.assert_allclose(features, normalise_keypoints(0.7 * keypoints + 0.1, "wrist_scale", 0.02)[0])


def test_box_normalisation_forgets_place_and_size():
    keypoints = some_keypoints(5).astype(np.float64)
    features, usable = normalise_keypoints(keypoints, "box", 0.02)
    assert usable.all()
    points = features.reshape(5, 21, 2)
    np.testing.assert_allclose(points.min(axis=1), -points.max(axis=1))
    np.testing.assert_allclose((points.max(axis=1) - points.min(axis=1)).max(axis=1), 1.0)
    np.testing.assert_allclose(features, normalise_keypoints(0.7 * keypoints + 0.1, "box", 0.02)[0])
    one_spot = np.full((1, 21, 2), 0.5)
    features, usable = normalise_keypoints(one_spot, "box", 0.02)
    assert not usable.any() and np.isfinite(features).all()


def with_a_tiny_hand(keypoints, length):
    """The first hand is a point, but for its middle knuckle."""
    keypoints = keypoints.copy()
    keypoints[0] = keypoints[0, 0]
    keypoints[0, 9] += [length, 0]
    return keypoints


@pytest.mark.parametrize("length", [0.0, 0.019])
@pytest.mark.parametrize("normalisation", ["box", "wrist_scale"])
def test_hand_without_scale_is_left_out(normalisation, length):
    keypoints = with_a_tiny_hand(some_keypoints(), length)
    settings = PcaSettings(normalisation=normalisation)
    embedding, description = fit_embedding(keypoints, settings)
    assert (description["excluded"], description["hands"]) == (1, 199)
    without, _ = fit_embedding(keypoints[1:], settings)
    assert np.array_equal(embedding.components, without.components)
    coordinates, usable = embedding.embed(keypoints)
    assert usable.tolist() == [False] + [True] * 199
    assert np.isfinite(coordinates).all()


@pytest.mark.parametrize("joint", [0, 9, 15])
@pytest.mark.parametrize("normalisation", get_args(Normalisation))
def test_keypoints_that_are_not_finite_are_an_error_wherever_they_are(normalisation, joint):
    """Not a hand without scale, nor too few dimensions."""
    settings = PcaSettings(normalisation=normalisation)
    embedding, _ = fit_embedding(some_keypoints(), settings)
    keypoints = some_keypoints()
    keypoints[3, joint, 1] = np.nan
    for use in (lambda: fit_embedding(keypoints, settings), lambda: embedding.embed(keypoints)):
        with pytest.raises(DataError, match="keypoints of 1 of 200 hands are not finite"):
            use()


@pytest.mark.parametrize("normalisation", ["box", "wrist_scale"])
def test_hand_just_large_enough_is_used(normalisation):
    settings = PcaSettings(normalisation=normalisation)
    _, description = fit_embedding(with_a_tiny_hand(some_keypoints(), 0.021), settings)
    assert description["excluded"] == 0


def test_more_dimensions_than_the_hands_span():
    with pytest.raises(ConfigError, match="pca.dimensions to at most 9 or"):
        fit_embedding(some_keypoints(10), PcaSettings(normalisation="crop"))
    fit_embedding(some_keypoints(10), PcaSettings(normalisation="crop", dimensions=9))
    fixed_wrist = np.random.default_rng(0).uniform(size=(300, 21, 2))
    fixed_wrist[:, 0] = 0.5
    with pytest.raises(ConfigError, match="at most 40"):
        fit_embedding(fixed_wrist, PcaSettings(normalisation="crop", dimensions=41))


@pytest.mark.parametrize("normalisation", get_args(Normalisation))
def test_a_hand_has_as_many_dimensions_as_the_settings_allow(normalisation):
    keypoints = np.random.default_rng(0).uniform(size=(300, 21, 2))
    most = COORDINATES[normalisation]
    _, description = fit_embedding(keypoints, PcaSettings(normalisation=normalisation, dimensions=most))
    assert description["rank"] == most


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"normalisation": "wrist", "dimensions": 41}, "at most 40"),
        ({"normalisation": "wrist_scale", "dimensions": 42}, "at most 40"),
        ({"dimensions": 43}, "less than or equal to 42"),
        ({"sample_size": 14}, "span.* at most 13"),
        ({"normalisation": "palm"}, "'crop', 'box', 'wrist' or 'wrist_scale'"),
        ({"min_palm_length": 0}, "greater than 0"),
    ],
)
def test_settings_that_are_rejected(wrong, message):
    with pytest.raises(ValidationError, match=message):
        PcaSettings(**wrong)


def test_fit_to_a_sample_serves_all_hands():
    """Also: a sample of 15 hands is the least for 14 dimensions."""
    keypoints, hands = some_keypoints(400), pa.table({"hand_id": np.arange(400)})
    settings = PcaSettings(sample_size=15)
    drawn = draw_hands(hands, settings.sample_size)["hand_id"].to_numpy()
    embedding, description = fit_embedding(keypoints[drawn], settings)
    assert (description["hands"], description["rank"], description["sample_size"]) == (15, 14, 15)
    points, usable = embedding.embed(keypoints)
    assert usable.all() and points.shape == (400, 14) and np.isfinite(points).all()


def test_hands_that_are_all_the_same():
    with pytest.raises(DataError, match="all 20 hands are the same"):
        fit_embedding(np.repeat(some_keypoints(1), 20, axis=0), PcaSettings())


def test_too_few_hands():
    with pytest.raises(DataError, match="at least 2 hands, found 1"):
        fit_embedding(some_keypoints(1), PcaSettings())
    with pytest.raises(DataError, match="found 0 .*3 left out"):
        fit_embedding(np.zeros((3, 21, 2), np.float32), PcaSettings())


def test_fit_in_blocks(monkeypatch):
    keypoints = with_a_tiny_hand(some_keypoints(), 0.0)
    expected, description = fit_embedding(keypoints, PcaSettings())
    monkeypatch.setattr(pca, "ROWS_AT_ONCE", 17)
    embedding, again = fit_embedding(keypoints, PcaSettings())
    assert again["hands"] == description["hands"] == 199
    np.testing.assert_allclose(embedding.mean, expected.mean, atol=1e-14)
    np.testing.assert_allclose(embedding.components, expected.components, atol=1e-10)


def test_drawn_hands_are_some_of_the_set_and_always_the_same():
    hands = pa.table({"hand_id": np.arange(1000, 3000)})
    drawn = draw_hands(hands, 300)["hand_id"].to_numpy()
    assert len(np.unique(drawn)) == 300 and (np.diff(drawn) > 0).all()
    assert abs(drawn.mean() - 2000) < 4 * 577 / 300**0.5
    shuffled = hands.take(np.random.default_rng(0).permutation(2000))
    assert set(draw_hands(shuffled, 300)["hand_id"].to_pylist()) == set(drawn)
    assert draw_hands(hands, None) is hands and draw_hands(hands, 2000) is hands


def test_embedding_does_not_depend_on_how_many_hands_come_at_once():
    keypoints = np.tile(some_keypoints(), (2 * ROWS_AT_ONCE // 200 + 1, 1, 1))
    embedding, _ = fit_embedding(some_keypoints(), PcaSettings())
    points, usable = embedding.embed(keypoints)
    assert usable.all() and np.array_equal(
        points, np.tile(embedding.embed(some_keypoints())[0], (len(points) // 200, 1))
    )


def test_equal_hands_get_equal_coordinates_wherever_they_lie():
    features = np.random.default_rng(0).normal(size=(3 * ROWS_AT_ONCE + 17, 42))
    features[[0, 5, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, len(features) - 1]] = features[3]
    embedding, _ = fit_embedding(some_keypoints(), PcaSettings())
    coordinates = project(features, embedding.mean, embedding.components)
    np.testing.assert_allclose(coordinates, (features - embedding.mean) @ embedding.components.T, atol=1e-12)
    for row in (0, 5, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, len(features) - 1):
        assert np.array_equal(coordinates[row], coordinates[3])
    alone = [project(features[[row]], embedding.mean, embedding.components)[0] for row in range(50)]
    assert np.array_equal(alone, coordinates[:50])


def test_saved_embedding_is_the_same_and_holds_the_published_arrays(tmp_path):
    embedding, _ = fit_embedding(some_keypoints(), PcaSettings(normalisation="wrist", min_palm_length=0.05))
    embedding.save(tmp_path / "a.npz")
    embedding.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    loaded = PoseEmbedding.load(tmp_path / "a.npz")
    assert (loaded.normalisation, loaded.min_palm_length) == ("wrist", 0.05)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as stored:
        shapes = {name: stored[name].shape for name in stored.files}
        assert np.array_equal(stored["components"], embedding.components)
    assert shapes["mean"] == (42,) and shapes["components"] == (14, 42)
    assert shapes["explained_variance"] == shapes["explained_variance_ratio"] == (14,)
    assert np.array_equal(loaded.embed(some_keypoints())[0], embedding.embed(some_keypoints())[0])


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_embedding_that_cannot_be_read(tmp_path, content):
    with pytest.raises(DataError, match="does not exist"):
        PoseEmbedding.load(tmp_path / "x.npz")
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(DataError, match="not a pose embedding"):
        PoseEmbedding.load(tmp_path / "x.npz")


def test_embedding_file_of_something_else(tmp_path):
    np.savez(tmp_path / "x.npz", mean=np.zeros(42))
    with pytest.raises(DataError, match="not a pose embedding"):
        PoseEmbedding.load(tmp_path / "x.npz")
