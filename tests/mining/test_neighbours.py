"""Exact neighbours in other groups, against recorded answers and the definition."""

import numpy as np
import pytest
from hands_to_search import (
    EXACT_SEARCHES,
    PROBLEMS,
    by_definition,
    giant_recording,
    lattice,
    normal,
    tight_recordings,
)

from simhand.mining import torch_search, tree_search
from simhand.mining.neighbours import nearest_in_other_groups
from simhand.mining.pca import fit_embedding
from simhand.mining.search import NO_NEIGHBOUR
from simhand.mining.shortlists import search_shortlists
from simhand.settings.pca import PcaSettings

CASES = ("articulated_hands", "integer_grid_many_ties", "single_video_no_partner")


@pytest.fixture(params=EXACT_SEARCHES)
def search(request):
    return EXACT_SEARCHES[request.param]


def recorded_case(recorded, case):
    names = ("coordinates", "video_id", "sample_id", "neighbour_sample_id", "neighbour_squared_distance")
    return [recorded[f"{case}__{name}"] for name in names]


@pytest.mark.parametrize("case", CASES)
def test_equals_the_recorded_neighbours(golden, case, search):
    points, videos, hand_ids, expected_ids, expected = recorded_case(golden("mining.npz"), case)
    found = nearest_in_other_groups(points.astype(float), videos, hand_ids, range(1, 17), search)
    assert np.array_equal(np.where(found.rows == NO_NEIGHBOUR, -1, hand_ids[found.rows]), expected_ids)
    assert np.array_equal(np.isinf(found.distances), np.isinf(expected))
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found.distances[finite] ** 2, expected[finite], rtol=0, atol=1e-10)


@pytest.mark.parametrize("case", ["articulated_hands", "single_video_no_partner"])
def test_equals_the_recorded_neighbours_from_keypoints(golden, case):
    recorded = golden("mining.npz")
    _, videos, hand_ids, expected_ids, expected = recorded_case(recorded, case)
    keypoints = recorded[f"{case}__keypoints"].reshape(-1, 21, 2)
    embedding, _ = fit_embedding(keypoints, PcaSettings(normalisation="crop"))
    points = embedding.embed(keypoints)[0]
    found = nearest_in_other_groups(points, videos, hand_ids, range(1, 17), EXACT_SEARCHES["tree"])
    certain = ~recorded[f"{case}__may_swap_with_adjacent_rank"]
    ids = np.where(found.rows == NO_NEIGHBOUR, -1, hand_ids[found.rows])
    assert np.array_equal(ids[certain], expected_ids[certain])
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found.distances[finite] ** 2, expected[finite], rtol=0, atol=1e-10)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.__name__)
@pytest.mark.parametrize("ranks", [[1], [1, 2, 3], [2, 7, 30], [1, 190, 1000]], ids=str)
def test_same_bits_as_the_definition(problem, ranks, search):
    hands = problem(np.random.default_rng(len(ranks)))
    expected_rows, expected_distances = by_definition(*hands, ranks)
    found = nearest_in_other_groups(*hands, ranks, search, threads=2)
    assert np.array_equal(found.rows, expected_rows)
    assert np.array_equal(found.distances, expected_distances)
    assert found.checked == 0


@pytest.mark.parametrize("seed", range(20))
def test_same_bits_as_the_definition_on_random_problems(seed):
    """The tree on sets of any size and kind, up to five levels deep."""
    rng = np.random.default_rng(seed)
    count = int(np.exp(rng.uniform(np.log(2), np.log(20000))))
    dimensions = int(rng.integers(1, 43))
    points = rng.normal(size=(count, dimensions)) * 0.7 ** np.arange(dimensions)
    if seed % 4 == 1:
        points = points[rng.integers(0, count, count)]
    if seed % 4 == 2:
        points = np.round(points, 1)
    shares = rng.dirichlet(np.full(rng.integers(2, 40), 0.3))
    groups = rng.choice(len(shares), count, p=shares)
    hand_ids = rng.permutation(3 * count)[:count]
    ranks = np.unique(rng.integers(1, min(count, 400) + 1, 4))
    found = nearest_in_other_groups(points, groups, hand_ids, ranks, EXACT_SEARCHES["tree"], threads=2)
    some = rng.permutation(count)[:50]
    expected_rows, expected_distances = by_definition(points, groups, hand_ids, ranks, some)
    assert np.array_equal(found.rows[some], expected_rows)
    assert np.array_equal(found.distances[some], expected_distances)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("hands_at_once", [1, 7, 1000])
def test_answer_does_not_depend_on_blocks_or_threads(monkeypatch, threads, hands_at_once):
    hands = lattice(np.random.default_rng(3))
    expected = nearest_in_other_groups(*hands, [1, 4], EXACT_SEARCHES["tree"])
    monkeypatch.setattr(tree_search, "BLOCK", hands_at_once)
    found = nearest_in_other_groups(*hands, [1, 4], EXACT_SEARCHES["tree"], threads)
    assert found.rows.tobytes() == expected.rows.tobytes()
    assert found.distances.tobytes() == expected.distances.tobytes()


@pytest.mark.parametrize("tile", [(50, 64), (1, 33), (1000, 7)], ids=str)
@pytest.mark.parametrize("problem", [normal, tight_recordings, lattice], ids=lambda problem: problem.__name__)
def test_answer_does_not_depend_on_tiles(monkeypatch, problem, tile):
    hands = problem(np.random.default_rng(6))
    monkeypatch.setattr(torch_search, "TILE_QUERIES", tile[0])
    monkeypatch.setattr(torch_search, "TILE_HANDS", tile[1])
    found = nearest_in_other_groups(*hands, [1, 9], EXACT_SEARCHES["torch"])
    rows, distances = by_definition(*hands, [1, 9])
    assert np.array_equal(found.rows, rows) and np.array_equal(found.distances, distances)


def test_torch_lists_no_hand_of_the_same_recording(monkeypatch):
    """Not even where tiles begin and end in the middle of a recording."""
    points, groups, hand_ids = tight_recordings(np.random.default_rng(6))
    shortlists = []

    def noting_search(*arguments):
        shortlists.append(arguments[3])
        return search_shortlists(*arguments)

    monkeypatch.setattr(torch_search, "search_shortlists", noting_search)
    monkeypatch.setattr(torch_search, "TILE_QUERIES", 1)
    monkeypatch.setattr(torch_search, "TILE_HANDS", 16)
    nearest_in_other_groups(points, groups, np.sort(hand_ids), [1], EXACT_SEARCHES["torch"])
    listed, _ = shortlists[0](np.arange(len(points)), 40)
    assert (groups[listed] != groups[:, None]).all()


def test_answer_does_not_depend_on_the_order_of_rows(search):
    points, groups, hand_ids = lattice(np.random.default_rng(4))
    found = nearest_in_other_groups(points, groups, hand_ids, [1, 2], search)
    order = np.random.default_rng(1).permutation(len(points))
    shuffled = nearest_in_other_groups(points[order], groups[order], hand_ids[order], [1, 2], search)
    assert np.array_equal(hand_ids[found.rows][order], hand_ids[order][shuffled.rows])


def test_some_ranks_are_columns_of_all_ranks(search):
    hands = normal(np.random.default_rng(5))
    every = nearest_in_other_groups(*hands, range(1, 41), search)
    some = nearest_in_other_groups(*hands, [3, 17, 40], search)
    assert np.array_equal(some.rows, every.rows[:, [2, 16, 39]])
    assert np.array_equal(some.distances, every.distances[:, [2, 16, 39]])


def test_differences_are_taken_directly(search):
    """The expanded form |a|² + |b|² - 2ab cannot tell these hands apart."""
    points = np.array([[1e8, 0.0], [1e8, 1e-3], [1e8, 2e-3]])
    found = nearest_in_other_groups(points, np.arange(3), np.array([5, 6, 7]), [1, 2], search)
    assert found.rows.tolist() == [[1, 2], [0, 2], [1, 0]]
    np.testing.assert_allclose(found.distances[0], [1e-3, 2e-3])


def test_hands_rank_by_distance_not_by_its_square(search):
    """Two squares that round to one distance are a tie, which the lower hand_id wins."""
    points = np.array([[0.0, 0.0], [1.25, 2.0**-26], [1.25, 0.0]])
    squares = (points**2).sum(axis=1)
    assert squares[1] > squares[2] and np.sqrt(squares[1]) == np.sqrt(squares[2])
    found = nearest_in_other_groups(points, np.arange(3), np.array([1, 2, 3]), [1], search)
    assert found.rows[0] == 1


def test_one_recording_that_holds_nearly_all_hands(search):
    rng = np.random.default_rng(2)
    points, groups = rng.normal(size=(50, 2)), np.array([0] * 49 + [1])
    found = nearest_in_other_groups(points, groups, np.arange(50), [1, 2], search)
    assert (found.rows[:49, 0] == 49).all() and (found.rows[:49, 1] == NO_NEIGHBOUR).all()
    assert np.isinf(found.distances[:49, 1]).all() and np.isfinite(found.distances[49]).all()


def test_hands_of_a_giant_recording_search_a_tree_without_it(monkeypatch):
    points, groups, hand_ids = giant_recording(np.random.default_rng(0))
    built = []
    build_tree = tree_search.build_tree
    monkeypatch.setattr(
        tree_search,
        "build_tree",
        lambda points, groups: built.append(len(points)) or build_tree(points, groups),
    )
    nearest_in_other_groups(points, groups, hand_ids, [1], EXACT_SEARCHES["tree"])
    assert built == [np.count_nonzero(groups != 3), len(points)]


def test_search_for_some_hands_only():
    points, groups, _ = giant_recording(np.random.default_rng(1))
    groups = groups.astype(np.int32)
    ranks = np.array([1, 5])
    every = tree_search.search_by_tree(points, groups, ranks, 1)
    some = np.array([300, 7, 12])
    found = tree_search.search_by_tree(points, groups, ranks, 1, only=some)
    assert np.array_equal(found.rows, every.rows[some])
    assert np.array_equal(found.distances, every.distances[some])
