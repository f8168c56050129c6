"""Exact neighbours in other groups, against recorded answers and a naive loop."""

import numpy as np
import pytest

from simhand.mining import neighbours
from simhand.mining.neighbours import NO_NEIGHBOUR, nearest_in_other_groups
from simhand.mining.pca import fit_embedding
from simhand.settings.pca import PcaSettings

CASES = ("articulated_hands", "integer_grid_many_ties", "single_video_no_partner")


def by_loops(points, groups, hand_ids, ranks):
    """The definition, one hand at a time."""
    found = np.full((len(points), len(ranks)), NO_NEIGHBOUR)
    squared = np.full((len(points), len(ranks)), np.inf)
    for hand, point in enumerate(points):
        others = [row for row in range(len(points)) if groups[row] != groups[hand]]
        order = sorted((sum((point - points[row]) ** 2), hand_ids[row], row) for row in others)
        for position, rank in enumerate(ranks):
            if rank <= len(order):
                squared[hand, position], _, found[hand, position] = order[rank - 1]
    return found, squared


def recorded_case(recorded, case):
    names = ("coordinates", "video_id", "sample_id", "neighbour_sample_id", "neighbour_squared_distance")
    return [recorded[f"{case}__{name}"] for name in names]


@pytest.mark.parametrize("case", CASES)
def test_equals_the_recorded_neighbours(golden, case):
    coordinates, videos, hand_ids, expected_ids, expected = recorded_case(golden("mining.npz"), case)
    found, squared = nearest_in_other_groups(coordinates.astype(float), videos, hand_ids, range(1, 17))
    assert np.array_equal(np.where(found == NO_NEIGHBOUR, -1, hand_ids[found]), expected_ids)
    assert np.array_equal(np.isinf(squared), np.isinf(expected))
    finite = np.isfinite(expected)
    np.testing.assert_allclose(squared[finite], expected[finite], rtol=0, atol=1e-10)


@pytest.mark.parametrize("case", ["articulated_hands", "single_video_no_partner"])
def test_equals_the_recorded_neighbours_from_keypoints(golden, case):
    recorded = golden("mining.npz")
    _, videos, hand_ids, expected_ids, expected = recorded_case(recorded, case)
    keypoints = recorded[f"{case}__keypoints"].reshape(-1, 21, 2)
    embedding, _ = fit_embedding(keypoints, PcaSettings(normalisation="crop"))
    found, squared = nearest_in_other_groups(embedding.embed(keypoints)[0], videos, hand_ids, range(1, 17))
    certain = ~recorded[f"{case}__may_swap_with_adjacent_rank"]
    ids = np.where(found == NO_NEIGHBOUR, -1, hand_ids[found])
    assert np.array_equal(ids[certain], expected_ids[certain])
    finite = np.isfinite(expected)
    np.testing.assert_allclose(squared[finite], expected[finite], rtol=0, atol=1e-10)


def random_hands(seed, count=60, dimensions=3, groups=5, distinct=4):
    """Hands on a small grid: many equal distances and many equal hands."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, distinct, (count, dimensions)).astype(float)
    return points, rng.integers(0, groups, count), rng.permutation(10 * count)[:count] - 100


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ranks", [[1], [1, 2, 3], [2], [7, 40], [1, 55, 1000]])
def test_equals_a_naive_loop(seed, ranks):
    hands = random_hands(seed)
    found, squared = nearest_in_other_groups(*hands, ranks)
    expected, expected_squared = by_loops(*hands, ranks)
    assert np.array_equal(found, expected)
    assert np.array_equal(squared, expected_squared)


@pytest.mark.parametrize("ranks", [[1], [1, 3, 10]])
def test_equals_a_naive_loop_on_real_numbers(ranks):
    rng = np.random.default_rng(0)
    hands = rng.normal(size=(80, 14)), rng.integers(0, 6, 80), rng.permutation(80)
    found, squared = nearest_in_other_groups(*hands, ranks)
    expected, expected_squared = by_loops(*hands, ranks)
    assert np.array_equal(found, expected)
    np.testing.assert_allclose(squared, expected_squared, rtol=1e-14)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("rows_per_block", [1, 7, 1000])
def test_answer_does_not_depend_on_blocks_or_threads(monkeypatch, threads, rows_per_block):
    hands = random_hands(3)
    expected = nearest_in_other_groups(*hands, [1, 4])
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", rows_per_block * 8 * len(hands[0]))
    found, squared = nearest_in_other_groups(*hands, [1, 4], threads)
    assert np.array_equal(found, expected[0]) and np.array_equal(squared, expected[1])


def test_answer_does_not_depend_on_the_order_of_rows():
    points, groups, hand_ids = random_hands(4)
    found, _ = nearest_in_other_groups(points, groups, hand_ids, [1, 2])
    order = np.random.default_rng(1).permutation(len(points))
    shuffled, _ = nearest_in_other_groups(points[order], groups[order], hand_ids[order], [1, 2])
    assert np.array_equal(hand_ids[found][order], hand_ids[order][shuffled])


def test_differences_are_taken_directly():
    """The expanded form |a|² + |b|² - 2ab cannot tell these hands apart."""
    points = np.array([[1e8, 0.0], [1e8, 1e-3], [1e8, 2e-3]])
    found, squared = nearest_in_other_groups(points, np.arange(3), np.array([5, 6, 7]), [1, 2])
    assert found.tolist() == [[1, 2], [0, 2], [1, 0]]
    np.testing.assert_allclose(squared[0], [1e-6, 4e-6])


def test_one_recording_that_holds_nearly_all_hands():
    rng = np.random.default_rng(2)
    points, groups = rng.normal(size=(50, 2)), np.array([0] * 49 + [1])
    found, squared = nearest_in_other_groups(points, groups, np.arange(50), [1, 2])
    assert (found[:49, 0] == 49).all() and (found[:49, 1] == NO_NEIGHBOUR).all()
    assert np.isinf(squared[:49, 1]).all() and np.isfinite(squared[49]).all()
