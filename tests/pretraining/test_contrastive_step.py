"""From the encoder's output to the loss and all gradients, for every method, against the recordings."""

import numpy as np
import pytest
import torch
from recordings import cases, difference

from simhand.pretraining.adaptive_weights import adaptive_weights
from simhand.pretraining.augment import Views
from simhand.pretraining.encoders import projection_head
from simhand.pretraining.geometry import Geometry
from simhand.pretraining.methods.registry import find_method
from simhand.settings.pretrain import PretrainSettings
from simhand.settings.section import preset_defaults

RELEASE = preset_defaults(PretrainSettings, "release")
SIGMOID = {"weight_function": "sigmoid", "sigmoid_positive": 5.0, "sigmoid_negative": 0.05}
LOSSES = {
    "simclr": ("simclr", "none", {}),
    "peclr": ("peclr", "none", {}),
    "simhand_linear_both": ("simhand", "both", {}),
    "simhand_linear_positive": ("simhand", "positive", {}),
    "simhand_linear_negative": ("simhand", "negative", {}),
    "simhand_sigmoid_both": ("simhand", "both", SIGMOID),
}
HEAD_NAMES = {
    "0.weight": "head_linear1_weight",
    "0.bias": "head_linear1_bias",
    "1.weight": "head_norm_scale",
    "1.bias": "head_norm_shift",
    "3.weight": "head_linear2_weight",
}


def recorded_head(case, precision):
    width, features = case["head_linear1_weight"].shape
    head = projection_head(features, width, len(case["head_linear2_weight"])).to(precision)
    state = {name: case[recorded].to(precision) for name, recorded in HEAD_NAMES.items()}
    head.load_state_dict(head.state_dict() | state)
    return head


def contrast(case, head, encoder_output, name, precision):
    method, weighting, changes = LOSSES[name]
    settings = PretrainSettings(temperature=float(case["temperature"]), **RELEASE, **changes)
    jitter = torch.from_numpy(np.stack([case["jitter_x"], case["jitter_y"]], axis=1)).to(precision)
    unused = torch.zeros(len(jitter), 2, 3, dtype=precision)
    geometry = Geometry(unused, case["angle_degrees"].to(precision), jitter / int(case["image_side"]))
    keypoints = torch.cat([case["joints1"], case["joints2"]]).to(precision)
    views = Views(keypoints, geometry)
    weights = adaptive_weights(keypoints, len(case["joints1"]), weighting, settings)
    return find_method(method).contrast(head(encoder_output), views, weights, settings)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_gradients_equal_the_recordings(golden, name):
    """Gradients of some losses are not recorded."""
    compared = 0
    for _, case in cases(golden("contrastive_step.npz")):
        head, output = recorded_head(case, torch.float64), case["encoder_output"].requires_grad_()
        loss = contrast(case, head, output, name, torch.float64).loss
        compared += int(torch.isfinite(case[f"loss_{name}_f64"]))
        assert difference(loss, case[f"loss_{name}_f64"]) < 1e-9
        loss.backward()
        gradients = {"encoder_output": output.grad}
        gradients |= {at: head.get_parameter(parameter).grad for parameter, at in HEAD_NAMES.items()}
        for at, gradient in gradients.items():
            if f"grad_{name}_{at}_f64" in case:
                assert difference(gradient, case[f"grad_{name}_{at}_f64"]) < 1e-9
    assert compared, "the reference has no finite loss"


@pytest.mark.parametrize("name", LOSSES)
def test_float32_losses_equal_the_recordings(golden, name):
    compared = 0
    for _, case in cases(golden("contrastive_step.npz")):
        head = recorded_head(case, torch.float32)
        loss = contrast(case, head, case["encoder_output"].float(), name, torch.float32).loss
        compared += int(torch.isfinite(case[f"loss_{name}_f32"]))
        assert difference(loss, case[f"loss_{name}_f32"]) < 1e-4
    assert compared, "the reference has no finite loss"


@pytest.mark.parametrize("weighting", ["positive", "negative", "both"])
def test_the_weights_of_a_step_equal_the_recordings(golden, weighting):
    settings, compared = PretrainSettings(**RELEASE), 0
    for _, case in cases(golden("contrastive_step.npz")):
        pairs = len(case["joints1"])
        (part,) = adaptive_weights(
            torch.cat([case["joints1"], case["joints2"]]), pairs, weighting, settings
        ).parts
        if part.positive is not None:
            assert difference(part.positive[:pairs, 1], case["pair_weight_f64"]) < 1e-9
        if part.negative is not None:
            assert difference(part.negative(slice(0, 2 * pairs)), case["negative_weight_f64"]) < 1e-9
        compared += 1
    assert compared


def test_the_head_and_the_alignment_equal_the_recordings(golden):
    for _, case in cases(golden("contrastive_step.npz")):
        head = recorded_head(case, torch.float64)
        assert difference(head(case["encoder_output"]), case["raw_projection_f64"]) < 1e-9
        assert difference(head[1].running_mean, case["head_norm_running_mean_after_f64"]) < 1e-9
        assert difference(head[1].running_var, case["head_norm_running_var_after_f64"]) < 1e-9
        again = recorded_head(case, torch.float64)
        aligned = contrast(case, again, case["encoder_output"], "peclr", torch.float64).embeddings
        assert difference(aligned, case["aligned_projection_f64"]) < 1e-9
