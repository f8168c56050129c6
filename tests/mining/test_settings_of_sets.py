"""Ranks and dimensions that a set of known size cannot hold are config errors before anything runs."""

import pytest
import yaml

from simhand.errors import ConfigError
from simhand.settings.check import load_config


def demo(repository, **changes):
    return yaml.safe_load((repository / "config.yaml").read_text()) | changes


def test_ranks_and_dimensions_must_fit_into_every_set(repository):
    sets = {"all": {}, "small": {"size": 50}, "tiny": {"size": 14}}
    with pytest.raises(ConfigError) as caught:
        load_config(demo(repository, sets=sets, pca={"dimensions": 14}))
    message = str(caught.value)
    assert "3 problem(s)" in message
    for name, size in (("small", 50), ("tiny", 14)):
        assert (
            f"pairs.ranks: rank 50, but sets.{name} has {size} hands, so a hand has at most {size - 1}"
            in message
        )
    assert "pca.dimensions: 14, but the 14 hands of sets.tiny span at most 13" in message


def test_what_just_fits_is_accepted(repository):
    load_config(demo(repository, sets={"all": {}, "small": {"size": 51}}, pca={"dimensions": 40}))


def test_problems_elsewhere_hide_nothing_and_break_nothing(repository):
    wrong = {"pairs": {"ranks": [1, "x"]}, "pca": {"dimensions": "many"}, "sets": {"all": {"size": "1k"}}}
    with pytest.raises(ConfigError, match="pairs.ranks"):
        load_config(demo(repository, **wrong))
    with pytest.raises(ConfigError, match="pairs.ranks"):
        load_config(demo(repository, pairs={"ranks": 3}, sets={"all": {"size": 9}}))
