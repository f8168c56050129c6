"""How good embeddings are, without labels: alignment and uniformity (Wang and Isola, 2020)."""

import torch
from torch import Tensor


def alignment(embeddings: Tensor) -> float:
    """Mean squared distance of the pairs of [first; second] (2N, D) of unit length; 0 is best."""
    first, second = embeddings.detach().float().chunk(2)
    return float((first - second).square().sum(dim=1).mean())


def uniformity(embeddings: Tensor, at_most: int = 1024) -> float:
    """Log of the mean of exp(-2 d^2) over all pairs of rows; the lower, the more spread out.

    Of larger batches the first ``at_most`` rows are looked at.
    """
    rows = embeddings.detach().float()[:at_most]
    return float(torch.pdist(rows).square().mul(-2).exp().mean().log())
