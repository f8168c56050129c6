"""When a pre-training has collapsed and must stop, rather than go on for days.

All embeddings are alike: two of them are less than 0.02 apart on the unit sphere. The contrastive loss is
bounded, so that a training whose learning rate is too high ends there if it does not end in NaN. It is not
saved while it is so, which leaves a checkpoint from before; and it stops if two epochs in a row end so, or
the last one.
"""

import torch
from torch import Tensor

from simhand.pretraining.training import Training
from simhand.training_runs.divergence import DivergedError

COLLAPSED_DISTANCE = 0.02
COLLAPSED_EPOCHS = 2
TELLING_HANDS = 16
"""A batch of fewer hands tells nothing. The views of one hand ought to be alike, and an epoch's last batch
may be of one hand, or of one that was drawn repeatedly; of 16, 3 % of the pairs of views are of one hand."""


def typical_distance(embeddings: Tensor) -> Tensor:
    """Root of the mean squared distance of two of the rows (M, D), a scalar."""
    variance: Tensor = embeddings.detach().var(dim=0).sum()
    return torch.sqrt(2 * variance)


def notice_collapse(training: Training, distance: float, hands: int) -> None:
    """After the embeddings of a batch of ``hands`` were found to be a typical ``distance`` apart."""
    if hands >= TELLING_HANDS:
        training.alike = distance < COLLAPSED_DISTANCE


def check_epoch(training: Training, last: bool) -> None:
    """At the end of an epoch, which may be the ``last``.

    Raises:
        DivergedError: the embeddings have been alike for two epochs, or are at the end.
    """
    training.collapsed_epochs = training.collapsed_epochs + 1 if training.alike else 0
    if training.collapsed_epochs >= COLLAPSED_EPOCHS or (training.alike and last):
        raise DivergedError(
            training,
            f"all embeddings are alike (less than {COLLAPSED_DISTANCE:g} apart) after "
            f"{'the last epoch' if last else f'{COLLAPSED_EPOCHS} epochs'}",
        )
