"""The recipe is the paper's, and every switch has its value in every preset."""

import pytest
from pydantic import ValidationError

from simhand.settings.experiments import (
    METHOD_TITLES,
    METHODS,
    METHODS_WITH_PAIRS,
    WEAKLY_SUPERVISED,
    Method,
)
from simhand.settings.pretrain import PretrainSettings
from simhand.settings.section import preset_defaults

RELEASE = {
    "augmentation": "release",
    "weight_distance": "joint_mean",
    "contrasted_pairs": 1024,
    "simclr_geometry": "translation",
    "latent_alignment": "release",
    "sampling": "with_replacement",
    "last_batch": "keep",
    "schedule": "release",
    "optimiser": "lars_adam",
    "decayed": "release_names",
}


def test_the_defaults_are_the_papers_recipe():
    recipe = PretrainSettings()
    assert (recipe.encoder, recipe.image_size_px, recipe.batch_size) == ("resnet50", 128, 8192)
    assert (recipe.learning_rate, recipe.temperature, recipe.epochs) == (3.2e-3, 0.5, 100)
    assert (recipe.head_width, recipe.embedding_size) == (512, 128)


def test_the_presets():
    assert preset_defaults(PretrainSettings, "release") == RELEASE
    stated = {"simclr_geometry": "scale", "weight_distance": "euclidean", "contrasted_pairs": None}
    assert preset_defaults(PretrainSettings, "paper") == RELEASE | stated
    ours = preset_defaults(PretrainSettings, "ours")
    same = {name for name in RELEASE if ours[name] == RELEASE[name]}
    assert ours.keys() == RELEASE.keys() and same == {"weight_distance"}
    assert PretrainSettings().model_dump() == PretrainSettings(**ours).model_dump()


def test_the_methods_are_those_of_the_experiments():
    assert set(Method.__args__) == {"none", WEAKLY_SUPERVISED, *METHODS} == set(METHOD_TITLES)
    assert METHODS_WITH_PAIRS == ("simhand", "tempclr")


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 1},
        {"embedding_size": 127},
        {"temperature": 0},
        {"epochs": 0},
        {"encoder": "vit"},
        {"lr": 1},
    ],
)
def test_impossible_values_are_rejected(wrong):
    with pytest.raises(ValidationError):
        PretrainSettings(**wrong)


def test_margins_may_be_equal_but_not_the_wrong_way_round():
    assert PretrainSettings(margin_min=1.2, margin_max=1.2).margin_max == 1.2
    with pytest.raises(ValidationError, match="margin_min 1.6 is above margin_max 1.5"):
        PretrainSettings(margin_min=1.6)
