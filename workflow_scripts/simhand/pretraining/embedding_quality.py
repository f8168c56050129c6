"""How good embeddings are, without labels: alignment and uniformity (Wang and Isola, 2020)."""

import torch
from torch import Tensor


def alignment(embeddings: Tensor, views: int = 2) -> float:
    """Mean squared distance of the first view of each of N hands from its other views; 0 is best.

    Args:
        embeddings: (V N, D) of unit length, view by view.
        views: V.
    """
    by_view = embeddings.detach().float().unflatten(0, (views, -1))
    return float((by_view[1:] - by_view[0]).square().sum(dim=2).mean())


def uniformity(embeddings: Tensor, at_most: int = 1024) -> float:
    """Log of the mean of exp(-2 d^2) over all pairs of rows; the lower, the more spread out.

    Of larger batches the first ``at_most`` rows are looked at.
    """
    rows = embeddings.detach().float()[:at_most]
    return float(torch.pdist(rows).square().mul(-2).exp().mean().log())
