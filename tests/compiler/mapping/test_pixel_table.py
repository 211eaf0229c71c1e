"""Tables of 256 values for pixels: every value, whole networks behind them, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.compiler.every_way import assert_same_bits
from tests.compiler.nets import Array, pixels
from tests.runtime.identity import ISAS
from tests.thorough import drawn
from torch import Tensor, nn

import signbit
from signbit.compiler import Compiled, compile_model
from signbit.compiler.verification.verify import verify
from signbit.errors import CompileError
from signbit.nn import BinaryConv2d, BinaryLinear, PixelTable, Threshold
from signbit.nn.binarizers import RealActivation
from subjects.cnv_network import POOLED, cnv_sums, layers, read

_EVERY = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
_P = np.arange(256)
FINN = _P - 128 + (_P >= 128) - (_P == 255)


def _compiled(model: nn.Module, size: tuple[int, int, int] = (16, 16, 3)) -> Compiled:
    return compile_model(model.eval(), input_size=size, mean=0.0, std=1.0)


def _check(values: Array) -> Compiled:
    """The table alone, of every pixel, on every instruction set."""
    result = _compiled(PixelTable(torch.from_numpy(values)))
    expected = np.broadcast_to(values, (3, 256)).T.reshape(1, 16, 16, 3)
    for isa in ISAS:
        engine = signbit.load(result.data, threads=1, isa=isa)
        np.testing.assert_array_equal(engine(_EVERY), expected)
    assert_same_bits(result.data, (16, 16, 3))
    return result


def test_finn_s_quantiser() -> None:
    assert {node.op for node in _check(FINN).graph.nodes} == {"identity"}


def test_any_values_are_looked_up() -> None:
    for values in (_P * 77 % 256, -(_P * 77 % 256), 1000 + _P * 77 % 256):
        result = _check(values)
        assert result.graph.inputs[0].table is not None
    each = np.stack([_P * 77 % 256, FINN, 255 - _P])
    assert _check(each).graph.inputs[0].table is not None


class _Twice(nn.Module):
    """A table, and the sign of it or the pixels themselves beside it."""

    def __init__(self, values: Array, sign: bool) -> None:
        super().__init__()
        self.table = PixelTable(torch.from_numpy(values))
        self.conv = nn.Conv2d(3, 4, 3)
        self.other = BinaryConv2d(3, 4, 3) if sign else nn.Conv2d(3, 4, 3)
        self.sign = sign

    def forward(self, x: Tensor) -> Tensor:
        values: Tensor = self.table(x)
        y: Tensor = self.conv(values) + self.other(values if self.sign else x)
        return y


@pytest.mark.parametrize("sign", [False, True])
def test_what_reads_pixels_too(sign: bool) -> None:
    """Then the table is computed, where it can be."""
    torch.manual_seed(0)
    result = _compiled(_Twice(FINN, sign), (6, 5, 3))
    assert result.graph.inputs[0].table is None
    assert_same_bits(result.data, (6, 5, 3))
    with pytest.raises(CompileError, match="nothing else reads the pixels"):
        _compiled(_Twice(_P * 77 % 256, sign), (6, 5, 3))


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("binary", [False, True])
def test_a_convolution_of_looked_up_pixels(padding: int, binary: bool) -> None:
    torch.manual_seed(padding)
    conv: nn.Module = nn.Conv2d(3, 17, 3, padding=padding)
    if binary:
        conv = BinaryConv2d(3, 17, 3, padding=padding, activation_binarizer=RealActivation())
    model = nn.Sequential(PixelTable(torch.from_numpy(FINN)), conv, nn.BatchNorm2d(17))
    result = _compiled(model, (7, 5, 3))
    assert [node.op for node in result.graph.nodes] == ["real_conv"]
    assert result.graph.inputs[0].table is not None
    assert_same_bits(result.data, (7, 5, 3))
    assert all(node.agrees for node in verify(result, pixels(5, (7, 5, 3))).nodes)


@pytest.mark.slow
@drawn(60, least=12)
@given(data=st.data())
def test_any(data: st.DataObject) -> None:
    channels = data.draw(st.sampled_from((1, 3)), "channels")
    tables = []
    for _ in range(channels):
        slope = data.draw(st.integers(-3, 3), "slope")
        jumps = data.draw(st.lists(st.integers(0, 254), max_size=6), "jumps")
        differences = np.full(255, slope)
        for jump in jumps:
            differences[jump : jump + data.draw(st.integers(1, 3), "length")] += jump % 5 - 2
        first = data.draw(st.integers(-300, 300), "first")
        tables.append(first + np.concatenate(([0], differences.cumsum())))
    _check(np.array(tables) if channels > 1 else tables[0])


@pytest.mark.parametrize(
    ("values", "cure"),
    [
        (FINN / 128, "multiply behind it"),
        (_P * 77 % 257, "at most 16"),
        (_P * 100_000, "exact below 2"),
    ],
)
def test_refuses_values(values: Array, cure: str) -> None:
    with pytest.raises(CompileError, match=cure):
        _compiled(PixelTable(torch.from_numpy(values)))


def test_refuses_other_images() -> None:
    with pytest.raises(CompileError, match="which are not those of this compilation"):
        compile_model(
            PixelTable(torch.from_numpy(FINN)).eval(), input_size=(4, 4, 3), mean=0.5, std=0.5
        )
    with pytest.raises(CompileError, match="a table of pixels reads the images themselves"):
        _compiled(nn.Sequential(nn.Hardtanh(), PixelTable(torch.from_numpy(FINN))))


class _Cnv(nn.Module):
    """Xilinx's CNV-W1A1, of PyTorch's layers."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        tensors, _ = read(weights)
        parts: list[nn.Module] = [PixelTable(torch.from_numpy(FINN))]
        for name in layers(tensors):
            signs = torch.from_numpy(tensors[f"{name}.signs"]).float()
            first = RealActivation() if len(parts) == 1 else None
            out, inside = signs.shape[:2]
            layer: nn.Module
            if signs.dim() == 4:
                layer = BinaryConv2d(inside, out, 3, activation_binarizer=first)
            else:
                layer = BinaryLinear(inside, out)
                parts += [nn.Flatten()] if not isinstance(parts[-2], BinaryLinear) else []
            layer.weight.data.copy_(signs)
            parts.append(layer)
            if f"{name}.thresholds" in tensors:
                parts.append(Threshold(torch.from_numpy(tensors[f"{name}.thresholds"])))
            if name in POOLED:
                parts.append(nn.MaxPool2d(2))
        self.parts = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.parts(x)
        return y


def test_a_published_network(shared_data: Path) -> None:
    weights = shared_data / "weights" / "cnv-w1a1-cifar10.safetensors"
    result = _compiled(_Cnv(weights), (32, 32, 3))
    values = np.resize(np.arange(256, dtype=np.uint8), 3 * 32 * 32 * 3)
    images = np.random.default_rng(0).permutation(values).reshape(3, 32, 32, 3)
    engine = signbit.load(result.data, threads=1)
    np.testing.assert_array_equal(engine(images), cnv_sums(weights, images))
