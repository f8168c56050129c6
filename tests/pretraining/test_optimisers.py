"""LARS with Adam against the recorded trajectories, and which parameters are decayed."""

import pytest
import torch
from recordings import cases, difference
from torch import nn

from simhand.pretraining.encoders import ContrastiveModel
from simhand.pretraining.optimisers import LarsAdam, is_decayed, make_optimiser, released_name
from simhand.settings.pretrain import PretrainSettings


@pytest.mark.parametrize("precision, tolerance", [("f64", 1e-9), ("f32", 1e-5)])
def test_trajectories_equal_the_recordings(golden, precision, tolerance):
    dtype = torch.float64 if precision == "f64" else torch.float32
    recorded = golden("lars_adam.npz")
    for name, case in cases(recorded):
        names = case["tensor_names"].tolist() if "tensor_names" in case else recorded["tensor_names"].tolist()
        parameters = {tensor: nn.Parameter(case[f"start_{tensor}"].to(dtype)) for tensor in names}
        decay = float(case["weight_decay"])
        groups = [
            {"params": [parameters[tensor]], "weight_decay": decay if decayed else 0.0}
            for tensor, decayed in zip(names, case["is_decayed"].tolist(), strict=True)
        ]
        optimiser = (LarsAdam if case["uses_trust_ratio"] else torch.optim.Adam)(groups, lr=1.0, eps=1e-8)
        for step, rate in enumerate(case["learning_rate_per_step"].tolist()):
            for group in optimiser.param_groups:
                group["lr"] = rate
            for column, tensor in enumerate(names):
                present = bool(case["gradient_present"][step, column])
                gradient = case[f"gradients_{tensor}"][step].to(dtype)
                parameters[tensor].grad = gradient.clone() if present else None
            optimiser.step()
            for tensor in names:
                expected = case[f"trajectory_{tensor}_{precision}"][step + 1]
                assert difference(parameters[tensor], expected) < tolerance, (name, tensor, step)


def test_the_scaled_gradients_equal_the_recordings(golden):
    recorded = golden("lars_adam.npz")
    compared = 0
    for name, case in cases(recorded):
        if not case["uses_trust_ratio"] or "gradient_seen_by_adam_conv.weight_f64" not in case:
            continue
        decay = float(case["weight_decay"])
        for step, rate in enumerate(case["learning_rate_per_step"].tolist()):
            before = case["trajectory_conv.weight_f64"][step]
            parameter = nn.Parameter(before.clone())
            parameter.grad = case["gradients_conv.weight"][step].clone()
            LarsAdam([parameter], lr=rate, weight_decay=decay).step()
            seen = case["gradient_seen_by_adam_conv.weight_f64"][step]
            if torch.isfinite(seen).all():
                compared += 1
                assert difference(parameter.grad, seen) < 1e-9, (name, step)
    assert compared > 5


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
