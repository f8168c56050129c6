"""What the trainer asks of a method."""

from typing import NamedTuple, Protocol

from torch import Tensor

from simhand.pretraining.adaptive_weights import AdaptiveWeights
from simhand.pretraining.augment import Views
from simhand.pretraining.geometry import GeometryRanges
from simhand.pretraining.random_draws import Int64Array
from simhand.settings.pretrain import PretrainSettings


class Contrast(NamedTuple):
    """A loss, and the embeddings (V N, D) of unit length that it compared."""

    loss: Tensor
    embeddings: Tensor


class Method(Protocol):
    """A pre-training method: the object ``METHOD`` of ``methods/<name>.py``.

    A batch is V views of each of N hands, view by view: rows 0 to N - 1 are the anchors, N to 2 N - 1
    their first positives, and so on. A new method is a new file here, and a line in ``METHODS`` of
    settings/experiments.py.
    """

    def view_rows(self, anchors: Int64Array, positives: Int64Array | None) -> Int64Array:
        """The hands (V, N) of the set whose crops give the views of ``anchors`` (N,).

        ``positives`` (hands of the set, P) holds each hand's partners, None where the method uses no pairs.
        """
        ...

    def geometry(self, settings: PretrainSettings) -> GeometryRanges:
        """The geometric augmentations of its views; colour is augmented in all methods."""
        ...

    def contrast(
        self, projections: Tensor, views: Views, weights: AdaptiveWeights, settings: PretrainSettings
    ) -> Contrast:
        """The loss of a whole batch from the head's outputs (V N, D).

        Every process is given the whole batch, and must come to the same loss and the same gradient.
        """
        ...
