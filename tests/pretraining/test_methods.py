"""The methods: each is there, and its views are of the hands that it says."""

import numpy as np
import pytest
import torch

from simhand.pretraining.adaptive_weights import adaptive_weights
from simhand.pretraining.augment import Views
from simhand.pretraining.geometry import GeometryRanges, place_views
from simhand.pretraining.methods.registry import find_method
from simhand.settings.experiments import METHODS
from simhand.settings.pretrain import PretrainSettings

ANCHORS = np.array([4, 0, 2])
POSITIVES = np.array([[5, 1], [6, 2], [7, 3], [8, 4], [9, 0]])


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_a_file_with_views_for_the_pairs_it_learns_from(method):
    with_pairs = METHODS[method].pairs is not None
    rows = find_method(method).view_rows(ANCHORS, POSITIVES[:, :1] if with_pairs else None)
    assert rows.tolist() == [[4, 0, 2], [9, 5, 7] if with_pairs else [4, 0, 2]]


def test_several_positives_are_several_views():
    rows = find_method("simhand").view_rows(ANCHORS, POSITIVES)
    assert rows.tolist() == [[4, 0, 2], [9, 5, 7], [0, 1, 3]]


def test_tempclr_differs_from_simhand_in_its_pairs_alone():
    settings = PretrainSettings()
    tempclr, simhand = find_method("tempclr"), find_method("simhand")
    assert tempclr.geometry(settings) == simhand.geometry(settings) == GeometryRanges(45, 0.9, 1.5, 15 / 224)
    assert METHODS["tempclr"].pairs == "adjacent" and METHODS["simhand"].pairs == "similar"
    assert torch.equal(contrast("tempclr", 2).loss, contrast("simhand", 2).loss)


def contrast(method, views, hands=6, **settings):
    """The contrast of ``views`` views of some hands, always the same as far as they go."""
    torch.manual_seed(0)
    keypoints = torch.rand(4 * hands, 21, 2, dtype=torch.float64)[: views * hands]
    draws = torch.rand(4 * hands, 4, dtype=torch.float64)[: views * hands]
    projections = torch.randn(4 * hands, 16, dtype=torch.float64)[: views * hands].requires_grad_()
    settings = PretrainSettings(**settings)
    geometry = place_views(2 * keypoints - 1, draws, find_method(method).geometry(settings))
    weights = adaptive_weights(keypoints * 128, hands, "both", settings)
    return find_method(method).contrast(projections, Views(keypoints * 128, geometry), weights, settings)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alignment", ["exact", "release"])
def test_embeddings_have_unit_length_and_the_loss_a_gradient(method, alignment):
    found = contrast(method, 2, latent_alignment=alignment)
    assert torch.allclose(found.embeddings.norm(dim=1), torch.ones(12, dtype=torch.float64))
    found.loss.backward()
    assert torch.isfinite(found.loss)
