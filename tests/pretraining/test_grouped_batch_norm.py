"""Which views are normalised together, and what cannot be."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from simhand.errors import ConfigError
from simhand.pretraining import grouped_batch_norm, processes
from simhand.pretraining.grouped_batch_norm import check_groups, own_groups, view_groups, with_batch_norm
from simhand.settings.pretrain import PretrainSettings

SYNCHRONISED = PretrainSettings(batch_norm="synchronised", bn_group=None)


@pytest.fixture
def in_processes(monkeypatch):
    """Makes this process number ``rank`` of ``count``."""

    def be(rank, count):
        monkeypatch.setattr(processes, "process_rank", lambda: rank)
        for module in (processes, grouped_batch_norm):
            monkeypatch.setattr(module, "process_count", lambda: count)

    return be


def lengths(groups):
    assert all(first.stop == second.start for first, second in zip(groups, groups[1:], strict=False))
    return [group.stop - group.start for group in groups]


@pytest.mark.parametrize(
    ("views", "bn_group", "expected"),
    [
        (16_384, 2048, [2048] * 8),
        (96, 2048, [96]),
        (96, None, [96]),
        (20, 6, [6, 6, 6, 2]),
        (13, 6, [6, 7]),
        (2, 2, [2]),
        (3, 2, [3]),
    ],
)
def test_groups_are_consecutive_views(views, bn_group, expected):
    groups = view_groups(views, PretrainSettings(bn_group=bn_group))
    assert lengths(groups) == expected and groups[0].start == 0 and groups[-1].stop == views


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8])
def test_processes_do_every_group_once(in_processes, count):
    settings, shared = PretrainSettings(bn_group=4), []
    for rank in range(count):
        in_processes(rank, count)
        shared += own_groups(24, settings)
    assert shared == view_groups(24, settings)


def test_synchronised_groups_are_the_processes_shares(in_processes):
    in_processes(1, 4)
    assert lengths(view_groups(22, SYNCHRONISED)) == [5, 6, 5, 6]
    assert own_groups(22, SYNCHRONISED) == [slice(5, 11)]
    with pytest.raises(ConfigError, match="a last batch of 2 views is too small for 4 processes"):
        view_groups(2, SYNCHRONISED)


def test_a_batch_that_does_not_fall_into_groups_is_an_error(in_processes):
    check_groups(24, PretrainSettings(batch_size=12, bn_group=6))
    with pytest.raises(ConfigError, match=r"`pretrain.bn_group` is 7, but .* 24 views .*e.g. to bn_group 6"):
        check_groups(24, PretrainSettings(batch_size=12, bn_group=7))
    in_processes(0, 5)
    with pytest.raises(
        ConfigError, match="5 processes .* 24 views is only 4 x `pretrain.bn_group` 6; set bn_group to 4"
    ):
        check_groups(24, PretrainSettings(batch_size=12, bn_group=6))


def test_synchronised_batch_norm_needs_gpus():
    encoder = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    assert with_batch_norm(encoder, PretrainSettings(), torch.device("cpu")) is encoder
    with pytest.raises(ConfigError, match="SyncBatchNorm does not run on a CPU; use grouped"):
        with_batch_norm(encoder, SYNCHRONISED, torch.device("cpu"))
    converted = with_batch_norm(encoder, SYNCHRONISED, torch.device("cuda"))
    assert isinstance(converted[1], nn.SyncBatchNorm)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_norm": "synchronised"}, "bn_group: null"),
        ({"batch_norm": "synchronised", "bn_group": None, "gradient_caching": True}, "no gradient_caching"),
        ({"bn_group": None, "gradient_caching": True}, "give bn_group"),
        ({"bn_group": None, "processes": 2}, "give bn_group"),
        ({"bn_group": 1}, "greater than or equal to 2"),
    ],
)
def test_settings_that_exclude_each_other(changes, message):
    with pytest.raises(ValidationError, match=message):
        PretrainSettings(**changes)
