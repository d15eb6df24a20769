"""What chapter 9 calls right agrees with the networks, and what it calls wrong does not."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: python3 course.py setup")
from torch import nn

from coursekit import models
from coursekit.misconceptions import deeper
from coursekit.models.googlenet import BLOCKS
from coursekit.models.resnet import STAGES


def test_modules_are_counted_as_they_are_built():
    inputs, work = 192, 0
    for name, maps in BLOCKS.items():
        work += deeper.module_macs({"3": 28, "4": 14, "5": 7}[name[0]], inputs, maps)
        inputs = maps[0] + maps[2] + maps[4] + maps[5]
    rows = [row for row in models.table("googlenet").rows if row.kind == "conv"]
    assert len(rows) == 57
    assert work == sum(row.macs for row in rows[3:])


def test_a_branch_is_part_of_its_module():
    maps = BLOCKS["3a"]
    without = deeper.module_macs(28, 192, [*maps[:3], 0, 0, maps[5]])
    assert deeper.module_macs(28, 192, maps) - without == deeper.branch_macs(28, 192, maps[3], maps[4], 5)


@pytest.mark.parametrize("depth", STAGES)
def test_layers_of_a_resnet(depth):
    assert deeper.resnet_layers(STAGES[depth], 2 if depth < 50 else 3) == depth


def test_identity_kernels_are_those_of_pytorch():
    assert np.array_equal(deeper.identity_kernels(3, 5), nn.init.dirac_(torch.empty(3, 3, 5, 5)).numpy())
    assert np.array_equal(deeper.identity_kernel(3), deeper.identity_kernels(1, 3)[0, 0])


def test_a_block_of_zeros_passes_on_what_is_not_negative():
    x = np.array([[-2.0, -1, 0, 3]])
    zeros = np.zeros((4, 4))
    assert np.array_equal(deeper.residual(x, zeros, zeros), deeper.zero_block(x))
