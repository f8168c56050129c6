"""SimCLR (Chen et al., 2020), the paper's first baseline: two views of one crop must agree.

Views: both from the anchor's own crop. Augmentation: scale and colour (paper, 4.1; the released
commands shift instead of scaling). Embeddings are compared as they are, so the encoder is asked to
ignore where and how large the hand is.
"""

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from simhand.pretraining.adaptive_weights import AdaptiveWeights
from simhand.pretraining.augment import Views
from simhand.pretraining.geometry import GeometryRanges, geometry_ranges
from simhand.pretraining.methods.method import Contrast
from simhand.pretraining.nt_xent import nt_xent
from simhand.pretraining.random_draws import Int64Array
from simhand.settings.pretrain import PretrainSettings


class SimClr:
    """Self-positives, no rotation, no alignment."""

    def view_rows(self, anchors: Int64Array, positives: Int64Array | None) -> Int64Array:
        """The anchors, twice."""
        return np.stack([anchors, anchors])

    def geometry(self, settings: PretrainSettings) -> GeometryRanges:
        """Scale, or a shift, as ``simclr_geometry`` says."""
        scale = settings.simclr_geometry == "scale"
        return geometry_ranges(settings, rotation=False, scale=scale, translation=not scale)

    def contrast(
        self, projections: Tensor, views: Views, weights: AdaptiveWeights, settings: PretrainSettings
    ) -> Contrast:
        """NT-Xent of the normalised projections."""
        embeddings = F.normalize(projections, dim=1)
        return Contrast(nt_xent(embeddings, settings.temperature, weights), embeddings)


METHOD = SimClr()
