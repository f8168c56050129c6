"""LARS with Adam against the recorded trajectories, and which parameters are decayed."""

import pytest
import torch
from recordings import cases, difference
from torch import nn

from simhand.pretraining.encoders import ContrastiveModel
from simhand.pretraining.optimisers import LarsAdam, is_decayed, make_optimiser, released_name
from simhand.pretraining.schedule import released_warmup_cosine
from simhand.settings.pretrain import PretrainSettings

PRECISIONS = {"f64": (torch.float64, 1e-9), "f32": (torch.float32, 1e-5)}


def recorded_cases(golden):
    """Name, content and tensor names of each case; names may stand with the case or with the file."""
    recorded = golden("lars_adam.npz")
    for name, case in cases(recorded):
        names = case["tensor_names"] if "tensor_names" in case else recorded["tensor_names"]
        yield name, case, names.tolist()


def optimiser_of(case, parameters):
    """The optimiser of a case over its tensors in the order of its columns."""
    decay = float(case["weight_decay"])
    groups = [
        {"params": [parameter], "weight_decay": decay if decayed else 0.0}
        for parameter, decayed in zip(parameters, case["is_decayed"].tolist(), strict=True)
    ]
    if not case["uses_trust_ratio"]:
        return torch.optim.Adam(groups, lr=1.0)
    return LarsAdam(
        groups,
        lr=1.0,
        trust_coefficient=float(case["trust_coefficient"]),
        trust_epsilon=float(case["trust_epsilon"]),
        trust_clipped=bool(case["trust_ratio_clipped_at_one"]),
    )


def take_step(optimiser, parameters, names, case, step):
    """Take the recorded step with the recorded gradients and rate."""
    for group in optimiser.param_groups:
        group["lr"] = float(case["learning_rate_per_step"][step])
    for column, (tensor, parameter) in enumerate(zip(names, parameters, strict=True)):
        present = bool(case["gradient_present"][step, column])
        gradient = case[f"gradients_{tensor}"][step].to(parameter.dtype)
        parameter.grad = gradient.clone() if present else None
    optimiser.step()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_trajectories_equal_the_recordings(golden, precision):
    dtype, tolerance = PRECISIONS[precision]
    compared = 0
    for name, case, names in recorded_cases(golden):
        parameters = [nn.Parameter(case[f"start_{tensor}"].to(dtype)) for tensor in names]
        optimiser = optimiser_of(case, parameters)
        for step in range(len(case["learning_rate_per_step"])):
            take_step(optimiser, parameters, names, case, step)
            for tensor, parameter in zip(names, parameters, strict=True):
                expected = case[f"trajectory_{tensor}_{precision}"][step + 1]
                assert difference(parameter, expected) < tolerance, (name, tensor, step)
                compared += 1
    assert compared


def test_the_scaled_gradients_equal_the_recordings(golden):
    """Each step begins at the recorded weights, so that one step's error does not hide in the next."""
    compared = 0
    for name, case, names in recorded_cases(golden):
        seen = [tensor for tensor in names if f"gradient_seen_by_adam_{tensor}_f64" in case]
        if not case["uses_trust_ratio"] or not seen:
            continue
        for step in range(len(case["learning_rate_per_step"])):
            parameters = [nn.Parameter(case[f"trajectory_{tensor}_f64"][step].clone()) for tensor in names]
            take_step(optimiser_of(case, parameters), parameters, names, case, step)
            for tensor, parameter in zip(names, parameters, strict=True):
                if tensor in seen and parameter.grad is not None:
                    expected = case[f"gradient_seen_by_adam_{tensor}_f64"][step]
                    assert difference(parameter.grad, expected) < 1e-9, (name, tensor, step)
                    compared += 1
    assert compared


def test_recorded_rates_are_those_of_the_schedule(golden):
    compared = 0
    for name, case, _ in recorded_cases(golden):
        base, warmup = float(case["base_learning_rate"]), int(case["warmup_steps"])
        for step, rate in enumerate(case["learning_rate_per_step"].tolist()):
            planned = int(case["planned_steps"])
            constant = planned < 0
            found = released_warmup_cosine(step, base=base, warmup_steps=warmup, planned_steps=planned)
            assert (base if constant else found) == pytest.approx(rate, abs=1e-9 * base), (name, step)
            compared += not constant
    assert compared


@pytest.mark.parametrize("clipped", [True, False])
def test_the_trust_ratio_by_hand(clipped):
    """|p| = 5, |g| = 10, wd = 0.1: c |p| / (|g| + wd |p| + e) = 0.5 * 5 / 12.5, at a rate of 0.4."""
    parameter = nn.Parameter(torch.tensor([3.0, 4.0], dtype=torch.float64))
    parameter.grad = torch.tensor([6.0, 8.0], dtype=torch.float64)
    options = {"trust_coefficient": 0.5, "trust_epsilon": 2.0, "trust_clipped": clipped}
    LarsAdam([parameter], lr=0.4, weight_decay=0.1, **options).step()
    assert parameter.grad.tolist() == pytest.approx(
        [6.3 * (0.5 if clipped else 0.2), 8.4 * (0.5 if clipped else 0.2)]
    )


def test_release_names_and_their_decay_equal_the_recorded_model(golden):
    recorded = golden("lars_adam.npz")
    decayed = dict(
        zip(
            recorded["full_model_parameter_names"].tolist(),
            recorded["full_model_parameter_decayed"].tolist(),
            strict=True,
        )
    )
    model = ContrastiveModel(PretrainSettings(encoder="resnet50"))
    found = {
        released_name(name): is_decayed(name, parameter, "release_names")
        for name, parameter in model.named_parameters()
    }
    assert found == {name: value for name, value in decayed.items() if "final_layer" not in name}


def test_ours_decays_matrices_only():
    model = ContrastiveModel(PretrainSettings(encoder="resnet18"))
    decayed, others = make_optimiser(model, PretrainSettings(weight_decay=0.1)).param_groups
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    assert all(parameter.ndim > 1 for parameter in decayed["params"])
    assert all(parameter.ndim == 1 for parameter in others["params"])
    assert len(decayed["params"]) + len(others["params"]) == len(list(model.parameters()))


def test_the_setting_chooses_the_optimiser():
    model = nn.ModuleDict({"head": nn.Linear(2, 2)})
    assert isinstance(make_optimiser(model, PretrainSettings(optimiser="lars_adam")), LarsAdam)
    assert not isinstance(make_optimiser(model, PretrainSettings(optimiser="adam")), LarsAdam)
