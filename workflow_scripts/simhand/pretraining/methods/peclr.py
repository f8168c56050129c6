"""PeCLR (Spurr et al., 2021), the paper's second baseline: embeddings turn with the image.

Views: both from the anchor's own crop. Augmentation: scale, rotation, translation and colour. The
transform of each view is undone on its embedding (T^-1), so that the encoder must not ignore the
geometry but reproduce it.
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


class PeClr:
    """Self-positives, all augmentations, aligned embeddings."""

    def view_rows(self, anchors: Int64Array, positives: Int64Array | None) -> Int64Array:
        """The anchors, twice."""
        return np.stack([anchors, anchors])

    def geometry(self, settings: PretrainSettings) -> GeometryRanges:
        """Rotation, scale and translation."""
        return geometry_ranges(settings, rotation=True, scale=True, translation=True)

    def contrast(
        self, projections: Tensor, views: Views, weights: AdaptiveWeights, settings: PretrainSettings
    ) -> Contrast:
        """NT-Xent of the aligned projections."""
        embeddings = align(projections, views.geometry, settings.latent_alignment)
        return Contrast(nt_xent(embeddings, settings.temperature, weights), embeddings)


METHOD = PeClr()
