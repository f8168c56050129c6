"""The contrastive loss of the paper (Eq. 3), NT-Xent with separate weights for positives and negatives.

It is computed for a block of anchors at a time, and its gradient with it, as nothing above the loss is
needed for that. Memory grows with the number of views, not with its square.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from simhand.pretraining.adaptive_weights import AdaptiveWeights, NegativeWeights
from simhand.pretraining.processes import sum_over_processes
from simhand.pretraining.row_blocks import own_row_blocks


def nt_xent(embeddings: Tensor, temperature: float, weights: AdaptiveWeights) -> Tensor:
    """Mean over all anchors i of the mean over positives p of -log(exp(w_ip s_ip / t) / Z_i).

    Z_i is the sum over all k but i of exp(W_ik s_ik / t). s are dot products of the rows, t is the
    temperature. An anchor's positives are the other views of its hand: one if there are two views, and
    then this is Eq. 3; without weights it is the NT-Xent loss of SimCLR. Positives stay in the sum, with
    their entry of W. A batch in several parts has the mean of their losses.

    With several processes each is given the whole batch and does its share of the anchors; all end with
    the same loss and the same, full gradient. The gradient has no gradient of its own.

    Args:
        embeddings: (V N, D) rows of unit length, V views of N hands, view by view.
        temperature: t > 0.
        weights: w and W of this batch.

    Returns:
        The loss, a scalar. Finite for any finite input: the sum is taken as a log-sum-exp.
    """
    by_view = embeddings.unflatten(0, (-1, weights.hands))
    losses = [
        _NtXent.apply(
            by_view[:, part.hands].flatten(0, 1), temperature, len(by_view), part.positive, part.negative
        )
        for part in weights.parts
    ]
    return torch.stack(losses).mean()


class _NtXent(torch.autograd.Function):
    """The loss of M = V N views; its gradient is made with it and kept until it is asked for."""

    @staticmethod
    def forward(
        ctx: Any,
        embeddings: Tensor,
        temperature: float,
        views: int,
        positive: Tensor | None,
        negative: NegativeWeights | None,
    ) -> Tensor:
        total = torch.zeros((), dtype=torch.float64, device=embeddings.device)
        gradient = torch.zeros_like(embeddings) if ctx.needs_input_grad[0] else None
        for rows in own_row_blocks(embeddings):
            logits = (embeddings[rows] @ embeddings.T).div_(temperature)
            anchor = torch.arange(rows.start, rows.stop, device=logits.device)[:, None]
            same_hand = _views_of_same_hand(anchor, len(embeddings), views)
            share = (same_hand != anchor) / logits.new_tensor(views - 1)
            if positive is not None:
                share = share * positive[rows]
            attraction = logits.gather(1, same_hand).mul_(share).sum(dim=1)
            weight = negative(rows) if negative is not None else None
            if weight is not None:
                logits.mul_(weight)
            logits.scatter_(1, anchor, -torch.inf)
            log_sum = logits.logsumexp(dim=1)
            total += (log_sum - attraction).sum(dtype=torch.float64)
            if gradient is not None:
                # d loss / d s is softmax * W - share, up to the temperature and the mean over all anchors.
                pull = logits.sub_(log_sum[:, None]).exp_()
                if weight is not None:
                    pull.mul_(weight)
                pull.scatter_add_(1, same_hand, -share)
                gradient[rows].addmm_(pull, embeddings)
                gradient.addmm_(pull.T, embeddings[rows])
        if gradient is not None:
            ctx.save_for_backward(sum_over_processes(gradient).div_(temperature * len(embeddings)))
        return (sum_over_processes(total) / len(embeddings)).to(embeddings.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_loss: Tensor) -> tuple[Tensor, None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return of_loss * gradient, None, None, None, None


def _views_of_same_hand(anchor: Tensor, rows: int, views: int) -> Tensor:
    """The rows (R, V) that show the hand of each ``anchor`` row (R, 1), itself among them."""
    hands = rows // views
    return anchor % hands + hands * torch.arange(views, device=anchor.device)
