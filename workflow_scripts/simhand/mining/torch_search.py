"""Search by comparing every hand with every other on a GPU (or CPU), in tiles; exact after ranking again."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from simhand.mining.search import Float64Array, Int32Array, Int64Array, Neighbours
from simhand.mining.shortlists import search_shortlists, to_float32

# A tile of squared distances: 2048 x 32768 float32 are 256 MiB.
TILE_QUERIES = 2048
TILE_HANDS = 32768


def search_by_torch(
    points: Float64Array, groups: Int32Array, ranks: Int64Array, threads: int, device: torch.device
) -> Neighbours:
    """Exact :data:`simhand.mining.search.Search` on ``device``.

    A tile is one matrix product, |a|² + |b|² - 2ab; hands of the same group are put infinitely far away,
    so a list that runs out of others has an infinite limit.
    """
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")
    rounded = to_float32(points)
    # In the order of groups, only few tiles hold hands of the groups that are searched for.
    order = np.argsort(groups, kind="stable")
    hands = torch.from_numpy(rounded.coordinates[order]).to(device)
    squared = hands.square().sum(dim=1, keepdim=True)
    ones = torch.ones_like(squared)
    as_query = torch.cat([-2 * hands, squared, ones], dim=1)
    as_candidate = torch.cat([hands, ones, squared], dim=1)
    sorted_groups = groups[order]
    group_of = torch.from_numpy(sorted_groups).to(device)
    first_groups = sorted_groups[::TILE_HANDS].tolist()
    last_groups = np.append(sorted_groups[TILE_HANDS - 1 :: TILE_HANDS], sorted_groups[-1]).tolist()
    place_of = np.empty(len(order), np.int64)
    place_of[order] = np.arange(len(order))

    def shortlist(rows: Int64Array, size: int) -> tuple[Int64Array, Float64Array]:
        found, limits = [], []
        for some in torch.from_numpy(place_of[rows]).to(device).split(TILE_QUERIES):
            near, places = nearest(as_query[some], group_of[some], size)
            found.append(places)
            limits.append(near[:, -1])
        return order[torch.cat(found).cpu().numpy()], torch.cat(limits).double().cpu().numpy()

    def nearest(queries: Tensor, query_groups: Tensor, size: int) -> tuple[Tensor, Tensor]:
        lowest, highest = int(query_groups.min()), int(query_groups.max())
        near = torch.empty(len(queries), 0, device=device)
        places = torch.empty(len(queries), 0, dtype=torch.int64, device=device)
        for number, start in enumerate(range(0, len(order), TILE_HANDS)):
            tile = queries @ as_candidate[start : start + TILE_HANDS].T
            if first_groups[number] <= highest and lowest <= last_groups[number]:
                tile.masked_fill_(query_groups[:, None] == group_of[start : start + TILE_HANDS], torch.inf)
            values, columns = tile.topk(min(size, tile.shape[1]), largest=False, sorted=False)
            near, places = torch.cat([near, values], dim=1), torch.cat([places, columns + start], dim=1)
            near, kept = near.topk(min(size, near.shape[1]), largest=False)
            places = places.gather(1, kept)
        return near, places

    def certain(rows: Int64Array, last: Float64Array, limit: Float64Array) -> npt.NDArray[np.bool_]:
        return limit > rounded.farthest_seeming(rows, last)

    return search_shortlists(points, groups, ranks, shortlist, certain, int(ranks[-1]) + 15)
