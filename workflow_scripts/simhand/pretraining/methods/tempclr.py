"""TempCLR (Ziani et al., 2022), the baseline of the paper's Table 5: a hand agrees with itself a moment on.

Views: the anchor's crop, and the crop of the same hand in an adjacent frame. The paper (6.3) names no other
difference to the methods beside it, and the release tells TempCLR by its file of pairs alone, so
augmentation and alignment are SiMHand's. Ziani et al. pre-train for a hand model with augmentations that
are coherent in time; that is not what Table 5 compares with.
"""

import numpy as np
from torch import Tensor

from simhand.pretraining.adaptive_weights import AdaptiveWeights
from simhand.pretraining.augment import Views
from simhand.pretraining.geometry import GeometryRanges, geometry_ranges
from simhand.pretraining.latent_alignment import align
from simhand.pretraining.methods.method import Contrast
from simhand.pretraining.nt_xent import nt_xent
from simhand.pretraining.random_draws import Int64Array
from simhand.settings.pretrain import PretrainSettings


class TempClr:
    """Adjacent frames as positives, all augmentations, aligned embeddings."""

    def view_rows(self, anchors: Int64Array, positives: Int64Array | None) -> Int64Array:
        """The anchors, then the same hands in their adjacent frames."""
        assert positives is not None, "the trainer loads pairs for methods that learn from them"
        return np.stack([anchors, *positives[anchors].T])

    def geometry(self, settings: PretrainSettings) -> GeometryRanges:
        """Rotation, scale and translation."""
        return geometry_ranges(settings, rotation=True, scale=True, translation=True)

    def contrast(
        self, projections: Tensor, views: Views, weights: AdaptiveWeights, settings: PretrainSettings
    ) -> Contrast:
        """NT-Xent of the aligned projections."""
        embeddings = align(projections, views.geometry, settings.latent_alignment)
        return Contrast(nt_xent(embeddings, settings.temperature, weights), embeddings)


METHOD = TempClr()
