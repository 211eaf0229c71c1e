"""Units under a synchronised normalisation: parts of a batch against the whole, in float64."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.training import worlds

SCRIPT = """
import copy, sys
import torch
import torch.distributed as dist
from torch import nn
import worlds
from safetensors.torch import save_file
from signbit.fast import use_native_ops
from signbit.nn.binarizers import ASD, WSD, BinaryWeight, MeanAbsScale, PlainSignActivation
from signbit.nn.binarizers.weights import WeightBinarizer
from signbit.nn.blocks import normalised_conv
from signbit.nn.choices import recorded_choices
from signbit.nn.estimators import EDE, Polynomial
from signbit.nn.layers import BinaryConv2d
from signbit.training.sync_batch_norm import synchronize_batch_norm

PARTS = (5, 1, 3)

class AnyScale(WeightBinarizer):
    def forward(self, weight):
        scale = torch.linspace(-1, 1, len(weight), dtype=weight.dtype)  # one of them is 0
        return BinaryWeight(self.estimator(weight), scale)

class Unit(nn.Module):
    def __init__(self, conv, nonlinearity, pool=None, shortcut=True):
        super().__init__()
        self.conv, self.norm = conv, nn.BatchNorm2d(conv.out_channels, momentum=0.3)
        self.nonlinearity, self.pool, self.shortcut = nonlinearity, pool, shortcut
        nn.init.uniform_(self.norm.weight, -1.5, 1.5)
        nn.init.normal_(self.norm.bias)

    def forward(self, x):
        added = x if self.shortcut else None
        return normalised_conv(self.conv, self.norm, self.nonlinearity, x, added, pool=self.pool)

def units():
    torch.manual_seed(4)
    sdbnn = lambda stride: BinaryConv2d(
        16, 16, 3, stride, padding=1, weight_binarizer=WSD(16, EDE(0.8, 0.8)),
        activation_binarizer=ASD(16, 4, EDE(0.8, 0.8)))
    bireal = lambda weight: BinaryConv2d(
        16, 16, 3, padding=1, weight_binarizer=weight,
        activation_binarizer=PlainSignActivation(Polynomial()))
    return {
        "added": Unit(sdbnn(1), nn.Hardtanh()),
        "strided": Unit(sdbnn(2), nn.Hardtanh(), shortcut=False),
        "scaled": Unit(bireal(MeanAbsScale()), nn.Identity()),
        "pooled": Unit(bireal(AnyScale()), nn.Hardtanh(), nn.MaxPool2d(2), False),
        "no unit": Unit(BinaryConv2d(16, 16, 3, padding=1, groups=2), nn.Hardtanh()),
        "one pixel": Unit(sdbnn(1), nn.Hardtanh(), nn.MaxPool2d(4), False),
    }


def work(which):
    dist.init_process_group("gloo")
    rank, found = dist.get_rank(), {}
    for name, unit in units().items():
        torch.manual_seed(5)
        x = torch.randn(sum(PARTS), 16, 5, 4).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            shape = unit.eval()(x).shape
        gradient = torch.randn(shape)
        unit.train()
        whole = copy.deepcopy(unit).double()
        leaf = x.double().requires_grad_()
        with use_native_ops(False):
            wanted = whole(leaf)
            wanted.backward(gradient.double())
        synchronize_batch_norm(unit)
        own = x.split(PARTS)[rank].clone().requires_grad_()
        with use_native_ops(which != "mixed" or rank != 0), recorded_choices() as choices:
            y = unit(own)
            y.backward(gradient.split(PARTS)[rank])
        assert name != "no unit" or ("Norm" in type(y.grad_fn).__name__) == (
            which != "mixed" or rank != 0)
        taken = [choice.reason for choice in choices if choice.op == "binary_unit"]
        # A single value is the modules' business; without a unit there is one of the sum alone.
        alone = name == "no unit" or name == "one pixel" and rank == 1
        assert (taken == [None]) == (not alone and (which != "mixed" or rank != 0)), taken
        pairs = {"y": (y, wanted.split(PARTS)[rank]),
                 "x": (own.grad, leaf.grad.split(PARTS)[rank])}
        for (key, mine), theirs in zip(unit.named_parameters(), whole.parameters(), strict=True):
            dist.all_reduce(mine.grad)
            pairs[key] = mine.grad, theirs.grad
        for (key, mine), theirs in zip(unit.named_buffers(), whole.buffers(), strict=True):
            pairs[key] = mine, theirs
        for key, (mine, theirs) in pairs.items():
            scale = theirs.detach().abs().max().double() + 1e-12
            worst = (mine.detach().double() - theirs.detach().double()).abs().max() / scale
            found[f"{name}: {key}"] = worst.reshape(1)
    save_file(found, sys.argv[1] + f"/{which}-{rank}")

for which in ("native", "mixed"):
    worlds.run(len(PARTS), lambda: work(which))
"""


@pytest.mark.slow
def test_a_joined_unit_is_that_of_the_whole_batch(tmp_path: Path) -> None:
    """Whether all processes take the native op or, for reasons of their own, only some do."""
    worlds.run_script(SCRIPT, tmp_path)
    for which in ("native", "mixed"):
        for rank in range(3):
            found = load_file(tmp_path / f"{which}-{rank}")
            assert len(found) > 30
            far = {key: float(value) for key, value in found.items() if not value < 1e-5}
            assert not far, (which, rank, far)


def test_a_joined_unit_s_gradients_have_none(tmp_path: Path) -> None:
    """As those of a synchronised normalisation, which says so."""
    import torch.distributed as dist
    from torch import nn

    from signbit.nn.blocks import ConvBlock
    from signbit.nn.layers import BinaryConv2d
    from signbit.nn.paths import why
    from signbit.training.sync_batch_norm import synchronize_batch_norm

    block = ConvBlock(BinaryConv2d(16, 16, 3), nn.BatchNorm2d(16), nn.Hardtanh())
    synchronize_batch_norm(block)
    x = torch.randn(2, 16, 5, 5, requires_grad=True)
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/s", rank=0, world_size=1)
    try:
        assert [layer.path for layer in why(block, x)] == ["unit"]
        (of_x,) = torch.autograd.grad(block(x).square().sum(), x, create_graph=True)
        with pytest.raises(RuntimeError, match="once_differentiable"):
            of_x.sum().backward()
    finally:
        dist.destroy_process_group()
