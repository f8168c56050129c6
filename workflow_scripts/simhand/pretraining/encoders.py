"""The network: an encoder without its classifier, and a projection head above it."""

from torch import nn

from simhand.backbones import make_encoder
from simhand.settings.pretrain import PretrainSettings


class ContrastiveModel(nn.Module):
    """Encoder E of the paper, images (M, 3, H, W) to features (M, F), and head g, these to (M, D)."""

    def __init__(self, settings: PretrainSettings) -> None:
        super().__init__()
        self.encoder, self.features = make_encoder(settings.encoder, settings.image_size_px)
        self.head = projection_head(self.features, settings.head_width, settings.embedding_size)


def projection_head(features: int, width: int, embedding_size: int) -> nn.Sequential:
    """Linear, BatchNorm, ReLU, Linear without bias, as in PeCLR and the released SiMHand."""
    return nn.Sequential(
        nn.Linear(features, width),
        nn.BatchNorm1d(width),
        nn.ReLU(inplace=True),
        nn.Linear(width, embedding_size, bias=False),
    )
