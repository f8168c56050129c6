"""What a result depends on is all of a section's settings but those that it names as without effect."""

import json

import pytest

from simhand.settings.config import Config
from simhand.settings.section import sections_in

SECTIONS = [model for model in sections_in(Config) if model.without_effect]


@pytest.mark.parametrize("model", SECTIONS, ids=lambda model: model.__name__)
def test_settings_without_effect_are_left_out(model):
    settings = model()
    left_out = json.loads(settings.model_dump_json()).keys() - json.loads(settings.effective_json()).keys()
    assert left_out == model.without_effect


def test_other_sections_count_as_a_whole():
    names = {model.__name__ for model in SECTIONS}
    stages = {"FramesSettings", "CropsSettings", "KeypointsSettings", "HandObjectDetectorSettings"}
    assert names == stages | {"PretrainSettings", "FinetuneSettings"}
    assert Config().pca.effective_json() == Config().pca.model_dump_json()
