"""One step of a pre-training: the views of a batch, their contrast, and the gradient."""

import torch

from simhand.pretraining.adaptive_weights import adaptive_weights
from simhand.pretraining.augment import Views, augment, draws_for
from simhand.pretraining.epochs import Batch
from simhand.pretraining.geometry import Geometry
from simhand.pretraining.methods.method import Contrast
from simhand.pretraining.released_augment import augment_as_released
from simhand.pretraining.training import Training


def make_views(training: Training, batch: Batch, epoch: int) -> Views:
    """The augmented views of ``batch``, on the device of the training."""
    settings, device = training.settings, training.device
    ranges = training.method.geometry(settings)
    draws = draws_for(training.experiment.seed, epoch, batch.positions)
    if settings.augmentation == "release":
        views = augment_as_released(batch.crops, batch.keypoints, draws, ranges, settings.image_size_px)
        geometry = Geometry(*(part.to(device) for part in views.geometry))
        return Views(views.images.to(device), views.keypoints.to(device), geometry)
    return augment(
        torch.from_numpy(batch.crops).to(device),
        torch.from_numpy(batch.keypoints).to(device),
        torch.from_numpy(draws).float().to(device),
        ranges,
        settings.hue_turns,
        settings.image_size_px,
    )


def contrast_views(training: Training, views: Views) -> Contrast:
    """Loss and embeddings of ``views``; everything above the encoder's output is float32."""
    settings = training.settings
    half = settings.precision == "bfloat16"
    with torch.autocast(training.device.type, dtype=torch.bfloat16, enabled=half):
        projections = training.model(views.images)
    first, second = views.keypoints.chunk(2)
    weights = adaptive_weights(first, second, training.experiment.weighting, settings)
    return training.method.contrast(projections.float(), views, weights, settings)


def backpropagate(training: Training, batch: Batch, epoch: int) -> Contrast:
    """Leave the gradient of a batch's loss in the parameters of the model; returns what was contrasted."""
    contrast = contrast_views(training, make_views(training, batch, epoch))
    training.optimiser.zero_grad(set_to_none=True)
    contrast.loss.backward()
    return contrast
