"""What makes float32 searches exact, the inverted file's recall, and selection."""

import numpy as np
import pytest
from hands_to_search import by_definition, clusters, normal

from simhand.mining import shortlists
from simhand.mining.faiss_search import search_by_faiss_ivf
from simhand.mining.search import partner_counts
from simhand.mining.selection import select_smallest
from simhand.mining.shortlists import search_shortlists, to_float32


@pytest.mark.parametrize("dimensions", [1, 14, 42])
@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("direct", [True, False])
def test_no_hand_seems_farther_than_the_bound(dimensions, offset, direct):
    """For every pair, in the direct and in the expanded form of the squared distance."""
    rng = np.random.default_rng(dimensions)
    scales = 10.0 ** rng.integers(-6, 2, (300, 1))
    points = offset + scales * rng.normal(size=(300, dimensions))
    rounded = to_float32(points)
    a = rounded.coordinates
    if direct:
        seeming = ((a[:, None] - a) ** 2).sum(axis=2, dtype=np.float32)
    else:
        squared = (a**2).sum(axis=1)
        seeming = squared[:, None] + squared - 2 * (a @ a.T)
    rows = np.arange(300)
    for other in range(300):
        distances = np.sqrt(((points - points[other]) ** 2).sum(axis=1))
        assert (seeming[rows, other] <= rounded.farthest_seeming(rows, distances)).all()


def test_points_are_scaled_into_the_unit_box():
    points = np.array([[1e6, 5.0], [1e6 + 3, 5.0], [1e6 + 1, 5.5]])
    rounded = to_float32(points)
    assert rounded.unit == 2.0
    np.testing.assert_allclose(rounded.coordinates[:, 0], [-0.75, 0.75, -0.25])
    assert to_float32(np.ones((3, 2))).unit == 1.0


@pytest.fixture
def float32_shortlists():
    """A shortlist by float32 distances that a library might give, and the lengths asked for."""
    lengths = []

    def make(points):
        rounded = to_float32(points)

        def shortlist(rows, length):
            lengths.append(length)
            squared = ((rounded.coordinates[rows, None] - rounded.coordinates) ** 2).sum(axis=2)
            order = np.argsort(squared, axis=1)[:, :length]
            return order, np.take_along_axis(squared, order, axis=1)[:, -1].astype(float)

        return shortlist, lambda rows, last, limit: limit > rounded.farthest_seeming(rows, last)

    return make, lengths


def test_longer_lists_are_asked_for_where_single_precision_cannot_tell(float32_shortlists):
    make, lengths = float32_shortlists
    points, groups, _ = clusters(np.random.default_rng(0))
    ranks = np.array([1, 2])
    found = search_shortlists(points, groups.astype(np.int32), ranks, *make(points), 4)
    rows, distances = by_definition(points, groups, np.arange(len(points)), ranks)
    assert np.array_equal(found.rows, rows) and np.array_equal(found.distances, distances)
    assert set(lengths) >= {4, 16, 64}


def test_lists_are_not_longer_than_needed(float32_shortlists):
    make, lengths = float32_shortlists
    points, groups, _ = normal(np.random.default_rng(0), groups=300)
    search_shortlists(points, groups.astype(np.int32), np.array([1]), *make(points), 20)
    assert set(lengths) == {20}


def test_small_blocks_give_the_same(float32_shortlists, monkeypatch):
    make, _ = float32_shortlists
    points, groups, _ = clusters(np.random.default_rng(1))
    groups, ranks = groups.astype(np.int32), np.array([1, 3])
    expected = search_shortlists(points, groups, ranks, *make(points), 5)
    monkeypatch.setattr(shortlists, "CANDIDATES_AT_ONCE", 100)
    found = search_shortlists(points, groups, ranks, *make(points), 5)
    assert np.array_equal(found.rows, expected.rows)


@pytest.mark.parametrize("probes", [1, 1000])
def test_recall_of_the_inverted_file_is_what_it_is(probes):
    points, groups, hand_ids = normal(np.random.default_rng(2), count=3000, groups=50)
    ranks = np.array([1, 4])
    found = search_by_faiss_ivf(points, groups.astype(np.int32), ranks, 2, probes)
    rows, _ = by_definition(points, groups, np.arange(len(points)), ranks)
    assert (found.rows >= 0).all() and (groups[found.rows] != groups[:, None]).all()
    true_recall = (found.rows == rows).mean()
    assert found.checked == 2000
    assert found.correct / found.checked == pytest.approx(true_recall, abs=0.05)
    assert (true_recall == 1.0) == (probes == 1000)


def test_recall_counts_only_partners_that_are_there():
    """One recording has all hands but three, so most hands have no fourth partner to be found or missed."""
    points, _, _ = normal(np.random.default_rng(4), count=500)
    groups = (np.arange(500) < 3).astype(np.int32)
    found = search_by_faiss_ivf(points, groups, np.array([1, 4]), 1, probes=16)
    assert found.checked == 500 + 3


def test_inverted_file_finds_partners_beyond_the_lists_it_would_look_through():
    """Every recording lies in a corner of its own, so all near lists hold its own hands only."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(4), 200).astype(np.int32)
    points = 100 * rng.normal(size=(4, 6))[groups] + rng.normal(size=(800, 6))
    found = search_by_faiss_ivf(points, groups, np.array([1]), 1, probes=1)
    assert (found.rows >= 0).all() and (groups[found.rows[:, 0]] != groups).all()


@pytest.mark.parametrize("seed", range(10))
def test_selection_puts_the_smallest_first(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 200))
    keys = rng.integers(0, 1 + count // 3, count).astype(float)
    rows = rng.permutation(count).astype(np.int32)
    wanted = int(rng.integers(1, count + 1))
    in_order = sorted(zip(keys, rows, strict=True))
    select_smallest(keys, rows, wanted)
    assert (keys[wanted - 1], rows[wanted - 1]) == in_order[wanted - 1]
    assert sorted(zip(keys[:wanted], rows[:wanted], strict=True)) == in_order[:wanted]
    assert sorted(rows) == list(range(count))


def test_partner_counts():
    assert partner_counts(np.array([2, 0, 2, 2, 0, 5], np.int32)).tolist() == [3, 4, 3, 3, 4, 5]
