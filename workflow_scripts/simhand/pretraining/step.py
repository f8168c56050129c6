"""One step of a pre-training: the views of a batch, their contrast, and the gradient.

One path for all: each process encodes its own groups of views; features and what is known of the views
are shared, so that every process contrasts the whole batch; and the gradient of the features goes back
through the encoder group by group. With gradient caching (Gao et al. 2021, "Scaling deep contrastive
learning batch size under memory limited setup") a group is encoded once without a graph, and again when
its gradient is due: the memory is that of one group.
"""

import torch
from torch import Tensor

from simhand.pretraining.adaptive_weights import adaptive_weights
from simhand.pretraining.augment import Augmented, Views, augment, draws_for
from simhand.pretraining.epochs import Batch
from simhand.pretraining.geometry import Geometry
from simhand.pretraining.grouped_batch_norm import one_update, view_groups
from simhand.pretraining.methods.method import Contrast
from simhand.pretraining.processes import (
    process_count,
    process_rank,
    sum_all_over_processes,
    sum_over_processes,
)
from simhand.pretraining.random_draws import ENCODER_STREAM, Float64Array, random_bits
from simhand.pretraining.released_augment import augment_as_released
from simhand.pretraining.training import Training


def backpropagate(training: Training, batch: Batch, epoch: int) -> Contrast:
    """Leave the gradient of a batch's loss in the parameters of the model; returns what was contrasted.

    Every process ends with the same gradient, that of the whole batch, and with the encoder's running
    statistics moved once.
    """
    total, hands = len(batch.keypoints), len(batch.positions)
    draws = draws_for(training.experiment.seed, epoch, batch.positions, total // hands)
    caching = training.settings.gradient_caching
    encoder, head = training.model.encoder, training.model.head
    precision = next(head.parameters()).dtype
    features = torch.zeros(total, training.model.features, dtype=precision, device=training.device)
    views = _unknown_views(features)
    training.optimiser.zero_grad(set_to_none=True)

    with one_update(encoder, len(view_groups(total, training.settings))) as collect_statistics:
        graphs: list[Tensor] = []
        for group in batch.groups:
            augmented = _augment_group(training, batch, draws, group)
            with torch.set_grad_enabled(not caching):
                encoded = _encode(training, augmented.images, group, precision)
            collect_statistics()
            features[group] = encoded.detach()
            _fill_in(views, group, augmented.views)
            if not caching:
                graphs.append(encoded)
        _share(features, views)

        features.requires_grad_()
        contrast = _contrast(training, features, views, hands)
        contrast.loss.backward()
        assert features.grad is not None
        for group in batch.groups:
            if caching:
                augmented = _augment_group(training, batch, draws, group)
                encoded = _encode(training, augmented.images, group, precision)
            else:
                encoded = graphs.pop(0)
            encoded.backward(features.grad[group])
        _sum_gradients(training)
    return contrast


def _augment_group(training: Training, batch: Batch, draws: Float64Array, group: slice) -> Augmented:
    """The next group of the batch's crops, augmented, on the device of the training."""
    settings, device = training.settings, training.device
    ranges = training.method.geometry(settings)
    crops, keypoints, draws = next(batch.crops), batch.keypoints[group], draws[group]
    if settings.augmentation == "release":
        images, views = augment_as_released(crops.numpy(), keypoints, draws, ranges, settings.image_size_px)
        geometry = Geometry(*(part.to(device) for part in views.geometry))
        return Augmented(images.to(device), Views(views.keypoints.to(device), geometry))
    return augment(
        crops.to(device, non_blocking=True),
        torch.from_numpy(keypoints).to(device),
        torch.from_numpy(draws).float().to(device),
        ranges,
        settings.hue_turns,
        settings.image_size_px,
    )


def _encode(training: Training, images: Tensor, group: slice, precision: torch.dtype) -> Tensor:
    """Features (M, F) of a group's images; what the encoder draws for them is the same everywhere."""
    seed = random_bits(training.experiment.seed, ENCODER_STREAM, training.step, group.start)
    torch.manual_seed(int(seed[0]) >> 1)
    half = training.settings.precision == "bfloat16"
    with torch.autocast(training.device.type, dtype=torch.bfloat16, enabled=half):
        features: Tensor = training.model.encoder(images.to(precision))
    return features.to(precision)


def _contrast(training: Training, features: Tensor, views: Views, hands: int) -> Contrast:
    """Loss and embeddings of the whole batch; all above the encoder's output is in full precision."""
    weights = adaptive_weights(views.keypoints, hands, training.experiment.weighting, training.settings)
    return training.method.contrast(training.model.head(features), views, weights, training.settings)


def _unknown_views(features: Tensor) -> Views:
    """Room for what is known of all views, zero so far."""
    total = len(features)
    geometry = Geometry(
        features.new_zeros(total, 2, 3), features.new_zeros(total), features.new_zeros(total, 2)
    )
    return Views(features.new_zeros(total, 21, 2), geometry)


def _fill_in(views: Views, group: slice, known: Views) -> None:
    views.keypoints[group] = known.keypoints
    for whole, part in zip(views.geometry, known.geometry, strict=True):
        whole[group] = part


def _share(features: Tensor, views: Views) -> None:
    """Fill in what other processes know; zeros stand in their places, so that a sum does it."""
    for tensor in (features, views.keypoints, *views.geometry):
        sum_over_processes(tensor)


def _sum_gradients(training: Training) -> None:
    """The encoder's gradient is the sum over processes; the head's, the same in all, is the first one's."""
    if process_count() == 1:
        return
    for name, parameter in training.model.named_parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        elif name.startswith("head.") and process_rank() > 0:
            parameter.grad.zero_()
    gradients = [parameter.grad for parameter in training.model.parameters()]
    sum_all_over_processes([gradient for gradient in gradients if gradient is not None])
