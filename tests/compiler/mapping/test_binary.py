"""Products of binarized activations and weights, against sums over taps in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tests.compiler.file_nodes import kinds, step
from tests.compiler.nets import op_names
from tests.runtime import oracle
from torch import Tensor, nn

from signbit.compiler import Compiled, compile_model
from signbit.nn.binarizers.weights import BinaryWeight
from signbit.nn.estimators import sign
from signbit.nn.layers import binary_conv2d, binary_linear
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]
SIZE = (7, 6, 4)

WINDOWS: list[dict[str, Any]] = [
    {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1},
    {"stride": (2, 1), "padding": (2, 3), "dilation": (1, 2), "groups": 2},
    {"stride": (1, 2), "padding": (0, 0), "dilation": (1, 1), "groups": 4},
]
KERNELS = [(3, 3), (3, 2), (1, 1)]
OUT = 8


class Product(nn.Module):
    """One product of the images, or of their signs, with a weight; offsets where they are given."""

    def __init__(
        self, window: dict[str, Any], weight: Tensor, delta: float | None, of_signs: bool
    ) -> None:
        super().__init__()
        self.window = window
        self.scale = nn.Parameter(torch.randn(OUT))
        self.offset = nn.Parameter(torch.randn(OUT))
        self.weight = nn.Parameter(weight)
        self.delta = None if delta is None else nn.Parameter(torch.tensor(delta))
        self.of_signs = of_signs
        self.with_scale = self.with_offset = True

    def forward(self, x: Tensor) -> Tensor:
        x = sign(x, "clip") if self.of_signs else x
        weight = BinaryWeight(
            self.weight,
            self.scale if self.with_scale else None,
            self.offset if self.with_offset else None,
        )
        return binary_conv2d(x, weight, **self.window, input_offset=self.delta)


def _product(case: int, *, binary: bool, delta: float | None, of_signs: bool) -> Product:
    torch.manual_seed(case)
    window = WINDOWS[case]
    weight = torch.randn(OUT, SIZE[2] // window["groups"], *KERNELS[case])
    weight = torch.where(weight < 0, -1.0, 1.0) if binary else weight
    return Product(window, weight, delta, of_signs)


def _expected(model: Product, x: Array) -> Array:
    """The real convolution that the operands stand for; x (N, H, W, C)."""
    x = np.where(x < 0, -1.0, 1.0) if model.of_signs else x.astype(np.float64)
    weight = model.weight.detach().numpy().astype(np.float64).transpose(0, 2, 3, 1)
    if model.with_scale:
        weight = weight * model.scale.detach().numpy()[:, None, None, None]
    if model.with_offset:
        weight = weight + model.offset.detach().numpy()[:, None, None, None]
    delta = 0.0 if model.delta is None else model.delta.item()
    window = (model.window[key] for key in ("stride", "padding", "dilation", "groups"))
    return oracle.real_conv(x + delta, weight, *window)


def _compiled(model: nn.Module) -> Compiled:
    """Pixels become x / 127.5 − 1."""
    half = (0.5,) * SIZE[2]
    return compile_model(
        model.eval(), input_size=SIZE, mean=half, std=half, class_names=(), resize_shorter_side=7
    )


def _check(model: Product) -> Compiled:
    """Compile, and compare with the sums over taps."""
    result = _compiled(model)
    pixels = np.random.default_rng(1).integers(0, 256, (3, *SIZE), dtype=np.uint8)
    answers = ReferenceEngine(result.data)(pixels)
    expected = _expected(model, pixels / 127.5 - 1)
    np.testing.assert_allclose(answers, expected, rtol=1e-5, atol=1e-4)
    return result


@pytest.mark.slow
@pytest.mark.parametrize("case", range(3))
@pytest.mark.parametrize("delta", [None, -0.37])
def test_weights_with_an_offset_on_signs(case: int, delta: float | None) -> None:
    result = _check(_product(case, binary=True, delta=delta, of_signs=True))
    assert op_names(result) == ["identity", "sign_sum", "binary_conv"]
    conv = result.graph.nodes[-1]
    assert step(conv, "add")["weighted"] is not None
    by_border = delta is not None and any(WINDOWS[case]["padding"])
    _assert_shift(result, 3 if by_border else 1)


@pytest.mark.parametrize("case", range(3))
def test_an_input_offset_alone(case: int) -> None:
    model = _product(case, binary=True, delta=0.8, of_signs=True)
    model.with_offset = model.with_scale = False
    result = _check(model)
    assert op_names(result) == ["identity", "binary_conv"]
    # Where all windows are alike it is one shift per channel.
    _assert_shift(result, 3 if any(WINDOWS[case]["padding"]) else 1)


def _assert_shift(result: Compiled, dimensions: int) -> None:
    """Of the last node: for each channel, or with tap sets also for each pair of them."""
    affine = step(result.graph.nodes[-1], "affine")
    assert result.constants[str(affine["shift"])].ndim == dimensions
    assert bool(affine["row_taps"]) == bool(affine["column_taps"]) == (dimensions == 3)


def test_offsets_of_zero_are_none() -> None:
    model = _product(0, binary=True, delta=0.0, of_signs=True)
    model.offset.data.zero_()
    result = _check(model)
    assert op_names(result) == ["identity", "binary_conv"]
    _assert_shift(result, 1)


@pytest.mark.slow
@pytest.mark.parametrize("case", range(3))
@pytest.mark.parametrize("delta", [None, 0.6])
@pytest.mark.parametrize("with_offset", [False, True])
def test_real_weights_on_signs(case: int, delta: float | None, with_offset: bool) -> None:
    model = _product(case, binary=False, delta=delta, of_signs=True)
    model.with_offset = with_offset
    result = _check(model)
    assert op_names(result) == ["identity", "real_conv"]
    pixels, conv = result.graph.nodes
    assert kinds(pixels) == ["signs"]
    assert conv.inputs == (1,)
    assert result.constants[str(conv["weight"])].dtype == np.float32


@pytest.mark.slow
@pytest.mark.parametrize("case", range(3))
@pytest.mark.parametrize("delta", [None, 0.6])
@pytest.mark.parametrize("with_offset", [False, True])
def test_weights_of_signs_on_reals(case: int, delta: float | None, with_offset: bool) -> None:
    model = _product(case, binary=True, delta=delta, of_signs=False)
    model.with_offset = with_offset
    result = _check(model)
    convolutions = [node for node in result.graph.nodes if node.op == "real_conv"]
    assert len(convolutions) == (3 if with_offset else 1)
    weights = [result.constants[str(node["weight"])] for node in convolutions]
    packed = [weight.dtype == np.uint64 for weight in weights]
    # The 1×1 convolution that multiplies the sums by offsets holds the offsets themselves.
    assert packed == ([True, True, False] if with_offset else [True])


class Layers(nn.Module):
    """Two convolutions and two linear layers with offsets, which read the same signs."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.convs = nn.ParameterList(self.signs(6, 4 // groups, 3, 3) for _ in range(2))
        self.rows = nn.ParameterList(self.signs(6, 4) for _ in range(2))
        self.offsets = nn.ParameterList(torch.randn(6) for _ in range(4))

    @staticmethod
    def signs(*shape: int) -> Tensor:
        return torch.where(torch.randn(shape) < 0, -1.0, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        signs = sign(x, "clip")
        both = [
            binary_conv2d(signs, BinaryWeight(w, None, b), (1, 1), (1, 1), groups=self.groups)
            for w, b in zip(self.convs, self.offsets[:2], strict=True)
        ]
        vector = sign(x.mean((2, 3)), "clip")
        left, right = (
            binary_linear(vector, BinaryWeight(w, None, b))
            for w, b in zip(self.rows, self.offsets[2:], strict=True)
        )
        return (both[0] + both[1]).relu().mean((2, 3)) + left + right


@pytest.mark.parametrize("groups", [1, 2])
def test_products_of_the_same_signs_share_their_sum(groups: int) -> None:
    result = _compiled(Layers(groups).eval())
    sums = [node for node in result.graph.nodes if node.op == "sign_sum"]
    assert [node["groups"] for node in sums] == [groups, 1]


@pytest.mark.parametrize("case", range(3))
def test_two_real_operands(case: int) -> None:
    result = _check(_product(case, binary=False, delta=0.6, of_signs=False))
    assert op_names(result)[-1] == "real_conv"
    assert {constant.dtype for constant in result.constants.values()} == {np.dtype(np.float32)}
