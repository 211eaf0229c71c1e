"""Functions of one value, on every instruction set and against PyTorch; others are refused."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.file_nodes import has, kinds
from tests.compiler.nets import compiled, pixels, randomise
from torch import Tensor, nn

from signbit.bitformat.activations import ACTIVATIONS
from signbit.bitformat.table import STEPS
from signbit.compiler.verification.verify import verify_nodes
from signbit.errors import CompileError
from signbit.nn.layers import BinaryConv2d

Function = Callable[[Tensor], Tensor]


class Net(nn.Module):
    """A stem, the function on a map, and the function again on scores."""

    def __init__(self, function: Function, channels: int = 5) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.head = nn.Linear(channels, 4)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.head(self.function(3 * self.stem(x)).mean((2, 3))))


KNOWN: dict[str, tuple[Function, str]] = {
    "hard-sigmoid": (F.hardsigmoid, "hard_sigmoid"),
    "hardswish": (nn.Hardswish(), "hardswish"),
    "silu": (F.silu, "silu"),
    "silu in place": (nn.SiLU(inplace=True), "silu"),
    "gelu": (nn.GELU(), "gelu"),
    "tanh": (torch.tanh, "tanh"),
    "sigmoid": (nn.Sigmoid(), "sigmoid"),
    "swish by hand": (lambda x: x * torch.sigmoid(x), "sigmoid"),
    "hard-sigmoid by hand": (lambda x: F.relu6(x + 3) / 6, "clip"),
    "hardswish by hand": (lambda x: x * F.relu6(x + 3) / 6, "clip"),
    "tanh by hand": (lambda x: 2 * torch.sigmoid(2 * x) - 1, "sigmoid"),
    "what tanh shrinks by": (F.tanhshrink, "tanh"),
}


@pytest.mark.parametrize("name", [*KNOWN])
def test_known_functions(name: str) -> None:
    function, step = KNOWN[name]
    result = assert_exact(Net(function).eval(), (5, 4, 3))
    assert any(has(node, step) for node in result.graph.nodes)


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3, 65])
@pytest.mark.parametrize("name", ["hardswish", "gelu", "tanh", "swish by hand"])
def test_any_number_of_channels(name: str, channels: int) -> None:
    assert_exact(Net(KNOWN[name][0], channels).eval(), (1, 7, 3))


@pytest.mark.parametrize(
    ("function", "kind"),
    [(F.hardsigmoid, "int32"), (torch.tanh, "int32"), (F.silu, None), (F.gelu, None)],
    ids=["hard-sigmoid", "tanh", "silu", "gelu"],
)
def test_a_sign_of_dots_behind_a_function_is_a_comparison(
    function: Function, kind: str | None
) -> None:
    """As each integer is tried, even where the function falls and rises; not with two changes."""
    torch.manual_seed(2)
    norm, last = nn.BatchNorm2d(6), nn.BatchNorm2d(6)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3),
        BinaryConv2d(6, 6, 3),
        norm,
        Call(function),
        last,
        BinaryConv2d(6, 4, 3),
    )
    randomise(model)
    norm.running_mean.zero_()  # type: ignore[union-attr]
    # Every function crosses this: the sinking ones twice.
    last.running_mean.fill_(-0.1 if kind is None else 0.3)  # type: ignore[union-attr]
    last.weight.data.fill_(1)
    last.bias.data.zero_()
    result = assert_exact(model.eval(), (9, 8, 3))
    node = result.graph.nodes[1]
    assert "signs" in kinds(node)
    (sign,) = [output for output in node.outputs if output.kind == "signs"]
    compared = None if sign.threshold is None else result.constants[str(sign.threshold)].dtype
    assert (compared == np.int32) == (kind == "int32")


class Call(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


REFUSED: dict[str, tuple[Function, str]] = {
    "gelu by tanh": (
        lambda x: F.gelu(x, approximate="tanh"),
        'approximated by tanh; the engine knows the exact function: GELU(approximate="none")',
    ),
    "mish": (F.mish, "no such non-linearity; it knows relu, hardtanh, clip,"),
    "elu": (F.elu, "no such non-linearity"),
    "celu": (F.celu, "no such non-linearity"),
    "selu": (F.selu, "no such non-linearity"),
    "softplus": (F.softplus, "no such non-linearity"),
    "log of a sigmoid": (F.logsigmoid, "take the log of the engine's scores"),
    "exponential": (torch.exp, "no such non-linearity"),
    "gated": (lambda x: F.glu(x, 1), "write x[:, :n] * torch.sigmoid(x[:, n:])"),
    "reciprocal": (lambda x: 1 / x, "divides by constants alone"),
    "cube": (lambda x: x**3, "write other powers as products"),
    "arg max": (lambda x: x.mean((2, 3)).argmax(1), "take it of the engine's scores"),
    "top 2": (lambda x: x.mean((2, 3)).topk(2)[0], "take it of the engine's scores"),
    "random slopes": (lambda x: F.rrelu(x, training=True), "random values"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REFUSED])
def test_refuses(name: str) -> None:
    function, reason = REFUSED[name]
    model = nn.Sequential(nn.Conv2d(3, 4, 3), Call(function)).eval()
    with pytest.raises(CompileError, match=r"1 \(aten\..*" + re.escape(reason)):
        compiled(model, (6, 6, 3))


def test_the_known_ones_are_those_of_the_table() -> None:
    assert list(ACTIVATIONS) == [name for name in STEPS if name in ACTIVATIONS]
    with pytest.raises(CompileError) as caught:
        compiled(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Mish()).eval(), (6, 6, 3))
    assert str(caught.value).endswith(", ".join(ACTIVATIONS))
    assert np.isin(["clip", "silu", "gelu"], [*ACTIVATIONS]).all()


PIXELS: dict[str, Function] = {
    "a dip": lambda x: F.silu(x) + 0.1,
    "a dip in front of a pool": lambda x: F.max_pool2d(F.gelu(x) - 0.1, 2),
    "a clip": lambda x: x.clamp(-0.3, 0.4) - 0.1,
    "all channels": lambda x: F.softmax(x, 1) - 0.33,
    "lengths": F.normalize,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PIXELS])
def test_signs_of_functions_of_pixels(name: str) -> None:
    model = nn.Sequential(Call(PIXELS[name]), BinaryConv2d(3, 4, 3)).eval()
    result = assert_exact(model, (7, 8, 3))
    assert result.graph.nodes[-1].op == "binary_conv"


def test_signs_of_pixels_that_change_twice_are_refused() -> None:
    model = nn.Sequential(Call(lambda x: x * x - 0.5), BinaryConv2d(3, 4, 3)).eval()
    with pytest.raises(CompileError, match="changes 2 times along the values 0 to 255"):
        compiled(model, (6, 6, 3))


def test_signs_far_below_zero_behind_a_gelu() -> None:
    """Where PyTorch's is −0.0, whose sign is +1, so is the engine's, but in a narrow band."""
    torch.manual_seed(0)
    stem = nn.Conv2d(3, 4, 3)
    with torch.no_grad():
        stem.weight.mul_(20)
    result = compiled(nn.Sequential(stem, nn.GELU(), BinaryConv2d(4, 4, 3)).eval(), (9, 8, 3))
    images = pixels(5, (9, 8, 3))
    found = verify_nodes(result, images)
    assert all(node.agrees for node in found)
    assert sum(len(node.signs_near) for node in found) <= 5
