"""The loss with adaptive weights and its gradient never hold a whole matrix of all views against all."""

import os
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from simhand.pretraining import row_blocks
from simhand.pretraining.adaptive_weights import adaptive_weights
from simhand.pretraining.nt_xent import nt_xent
from simhand.settings.pretrain import PretrainSettings

LARGE = """
from pathlib import Path
import torch
from test_loss_memory import loss_and_gradient

def most_mb():
    # ru_maxrss would begin with what the process that started this one holds
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    return int(line.split()[1]) / 1024

torch.set_num_threads(1)
loss_and_gradient(64)
before = most_mb()
loss_and_gradient(8192)
print(most_mb() - before)
"""


def loss_and_gradient(hands, function="linear"):
    """Of two views of each hand in 128 dimensions, in float32, with both weights."""
    torch.manual_seed(0)
    keypoints = torch.rand(2 * hands, 21, 2) * 128
    rows = F.normalize(torch.randn(2 * hands, 128), dim=1).requires_grad_()
    weights = adaptive_weights(keypoints, hands, "both", PretrainSettings(weight_function=function))
    nt_xent(rows, 0.5, weights).backward()
    return rows.grad


class LargestTensor(TorchDispatchMode):
    """Notes the most numbers of a storage that any operation returns, the backward ones among them."""

    numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor):
                held = tensor.untyped_storage().nbytes() // tensor.element_size()
                self.numbers = max(self.numbers, held)
        return result


@pytest.mark.parametrize("function", ["linear", "sigmoid"])
def test_no_tensor_is_larger_than_its_input_or_a_block(monkeypatch, function):
    """With blocks of 32 of 1,024 rows: 128 numbers per view at most, where a whole matrix has 1,024."""
    monkeypatch.setattr(row_blocks, "BLOCK_BYTES", 4 * 32 * 1024)
    with LargestTensor() as largest:
        loss_and_gradient(512, function)
    assert largest.numbers == 1024 * 128


def test_the_spy_sees_a_whole_matrix(monkeypatch):
    monkeypatch.setattr(row_blocks, "BLOCK_BYTES", 4 * 1024 * 1024)
    with LargestTensor() as largest:
        loss_and_gradient(512)
    assert largest.numbers == 1024 * 1024


@pytest.mark.long
def test_16384_views_need_less_than_a_gibibyte():
    """Each whole matrix would be one, and the direct formula holds about nine."""
    path = os.pathsep.join([*sys.path, os.path.dirname(__file__)])
    ran = subprocess.run(
        [sys.executable, "-c", LARGE], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    extra_mb = float(ran.stdout)
    assert 8192 * 2 * 128 * 4 / 2**20 < extra_mb < 1024
