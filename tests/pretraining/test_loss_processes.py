"""Two processes share the work on a loss and its weights; both end with the whole of it."""

import itertools
from unittest import mock

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import multiprocessing

from simhand.pretraining.adaptive_weights import adaptive_weights
from simhand.pretraining.nt_xent import nt_xent
from simhand.settings.pretrain import PretrainSettings

VIEWS, HANDS = 3, 5
CASES = list(itertools.product(["none", "both"], ["linear", "sigmoid"], [None, 2]))
PLACE = "simhand.pretraining"
FAULTS = {
    "the loss and the gradient are not summed": f"{PLACE}.nt_xent.sum_over_processes",
    "the mean distance is not summed": f"{PLACE}.adaptive_weights.sum_over_processes",
    "the extremes are each process's own": f"{PLACE}.adaptive_weights.maximum_over_processes",
}


def losses():
    """Loss, gradient and the first row of W of every case, from the same draws in any process."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(VIEWS * HANDS, 8, dtype=torch.float64, generator=generator)
    keypoints = torch.rand(VIEWS * HANDS, 21, 2, dtype=torch.float64, generator=generator) * 128
    found = {}
    for weighting, function, pairs in CASES:
        settings = PretrainSettings(weight_function=function, contrasted_pairs=pairs)
        weights = adaptive_weights(keypoints, HANDS, weighting, settings)
        embeddings = F.normalize(rows, dim=1).requires_grad_()
        loss = nt_xent(embeddings, 0.3, weights)
        loss.backward()
        negative = weights.parts[-1].negative
        row = negative(slice(0, 1)) if negative else torch.zeros(1)
        found[weighting, function, pairs] = [loss.detach(), embeddings.grad, row]
    return found


def in_a_process(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/rendezvous", rank=rank, world_size=2)
    found = {None: losses()}
    for fault, name in FAULTS.items():
        with mock.patch(name, lambda tensor: tensor):
            found[fault] = losses()
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def of_two(tmp_path_factory):
    """What each of two processes found, without a fault and with each of them."""
    folder = tmp_path_factory.mktemp("processes")
    multiprocessing.spawn(in_a_process, (folder,), nprocs=2)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


def agree(found, expected):
    pairs = ((found[case], expected[case]) for case in CASES)
    return all(torch.allclose(a, b, rtol=0, atol=1e-12) for two in pairs for a, b in zip(*two, strict=True))


def test_two_processes_find_what_one_finds(of_two):
    alone = losses()
    assert agree(of_two[0][None], alone) and agree(of_two[1][None], alone)


def test_both_processes_find_the_same_bits(of_two):
    for case in CASES:
        pairs = zip(*(found[None][case] for found in of_two), strict=True)
        assert all(torch.equal(first, second) for first, second in pairs)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_sum_is_needed(of_two, fault):
    alone = losses()
    assert not (agree(of_two[0][fault], alone) and agree(of_two[1][fault], alone))
