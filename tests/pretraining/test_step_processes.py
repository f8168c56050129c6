"""The gradient of a step is the same in 1, 2, 3 and 4 processes, for every method and weighting.

Three share neither the four groups of a batch evenly, nor the 16 views of the ResNet's.
"""

import dataclasses

import numpy as np
import pytest
from step_processes import FAULTS, Case, largest_difference, run_together

from simhand.settings.experiments import METHODS

pytestmark = pytest.mark.xdist_group("step_processes")

COUNTS = (2, 3, 4)
WEIGHTINGS = ("none", "positive", "negative", "both")
SIGMOID = {"weight_function": "sigmoid"}
CASES = {
    **{f"{method} {weighting}": Case(method, weighting) for method in METHODS for weighting in WEIGHTINGS},
    "sigmoid weights": Case("simhand", "both", SIGMOID),
    "as released": Case("simhand", "both", {"latent_alignment": "release", "contrasted_pairs": 4}),
    "two positives": Case("simhand", "both", positives=2),
    "a ResNet": Case("peclr", "both", {"batch_size": 8, "bn_group": 4}, resnet=True),
    "gradient caching": Case("simhand", "both", {"gradient_caching": True}),
    "a last batch with fewer groups than processes": Case(
        "simhand", "both", {"batch_size": 18, "last_batch": "keep"}, steps_before=1
    ),
}
FAULTY = {fault: Case("simhand", "both", fault=fault) for fault in FAULTS if fault != "none"}
ALL = CASES | FAULTY


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Per number of processes and case, what each process ended with."""
    folder = tmp_path_factory.mktemp("steps")
    found = {1: dict(zip(CASES, run_together(1, list(CASES.values()), folder), strict=True))}
    for count in COUNTS:
        found[count] = dict(zip(ALL, run_together(count, list(ALL.values()), folder), strict=True))
    return found


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", CASES)
def test_gradients_equal_those_of_one_process(results, name, count):
    (alone,) = results[1][name]
    assert all(np.isfinite(value).all() for value in alone.values())
    for found in results[count][name]:
        assert largest_difference(found, alone) < 1e-10


@pytest.mark.parametrize("count", COUNTS)
def test_parameters_are_the_same_bits_in_all_processes(results, count):
    for name in CASES:
        first, *others = results[count][name]
        assert all(np.array_equal(first["after"], other["after"]) for other in others)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("fault", FAULTY)
def test_a_mistake_between_processes_shows(results, fault, count):
    (alone,) = results[1]["simhand both"]
    assert max(largest_difference(found, alone) for found in results[count][fault]) > 1e-3


def test_gradient_caching_equals_the_direct_computation(results):
    (direct,), (cached,) = results[1]["simhand both"], results[1]["gradient caching"]
    assert largest_difference(cached, direct) < 1e-12


def test_cases_differ():
    """Were a case like another, a test of it would say nothing."""
    assert len({repr(dataclasses.astuple(case)) for case in ALL.values()}) == len(ALL)
