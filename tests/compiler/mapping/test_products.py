"""Sums, differences and products of two values of the image, of every size PyTorch broadcasts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.file_nodes import has
from tests.compiler.nets import compiled, op_names
from torch import Tensor, nn

from signbit.errors import CompileError
from signbit.nn.layers import BinaryConv2d

Function = Callable[[Tensor], Tensor]


class Net(nn.Module):
    """A convolution, the function, a convolution."""

    def __init__(self, function: Function, channels: int = 5) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.function = function
        self.last = nn.Conv2d(channels, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.function(self.stem(x)))
        return y


class Call(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def gate(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True).sigmoid()


def plane(x: Tensor) -> Tensor:
    return x.abs().mean(1, keepdim=True)


def rows(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, (1, x.shape[3]))


def columns(x: Tensor) -> Tensor:
    return F.max_pool2d(x, (x.shape[2], 1))


KNOWN: dict[str, tuple[Function, str]] = {
    "a gate": (lambda x: x * gate(x), "multiply"),
    "a gate in front": (lambda x: gate(x) * x, "multiply"),
    "a vector with new dimensions": (
        lambda x: x * x.mean((2, 3)).tanh()[:, :, None, None],
        "multiply",
    ),
    "a vector unsqueezed": (
        lambda x: x.mean((2, 3)).unsqueeze(-1).unsqueeze(-1) - x,
        "subtract",
    ),
    "a vector viewed": (lambda x: x + x.mean((2, 3)).view(-1, x.shape[1], 1, 1), "add"),
    "a gate expanded": (lambda x: x * gate(x).expand_as(x), "multiply"),
    "a map": (lambda x: x * plane(x), "multiply"),
    "a map in front": (lambda x: plane(x) * x, "multiply"),
    "a map expanded": (lambda x: plane(x).expand(-1, x.shape[1], -1, -1) - x, "subtract"),
    "one value": (lambda x: x - plane(x).mean((2, 3), keepdim=True), "subtract"),
    "one value expanded": (
        lambda x: plane(x).mean((2, 3), keepdim=True).expand_as(x) + x,
        "add",
    ),
    "zeros beside a map": (lambda x: x * F.pad(plane(x), (0, 0, 0, 0, 2, 2)), "multiply"),
    "a map repeated": (lambda x: x + plane(x).repeat(1, x.shape[1], 1, 1), "add"),
    "a map joined with another": (lambda x: torch.cat((plane(x), x[:, 1:]), 1) * x, "multiply"),
    "two maps": (lambda x: x * F.relu(x), "multiply"),
    "itself": (lambda x: x * x, "multiply"),
    "a square": (torch.square, "multiply"),
    "a power": (lambda x: x**2, "multiply"),
    "the complement": (lambda x: (1 - gate(x)) * x, "multiply"),
    "a mixture": (lambda x: gate(x) * x + (1 - gate(x)) * F.relu(x), "multiply"),
    "a difference": (lambda x: F.relu(x) - x, "subtract"),
    "a difference from a vector": (lambda x: gate(x) - x, "subtract"),
    "a difference, reversed": (lambda x: torch.rsub(x, gate(x)), "subtract"),
    "a difference from a constant": (lambda x: torch.rsub(x, torch.ones(())) * x, "multiply"),
    "a vector and a map": (lambda x: gate(x) * plane(x), "multiply"),
    "a map and a vector": (lambda x: plane(x) + gate(x), "add"),
    "a map expanded and stored": (lambda x: plane(x).expand_as(x) + 0, "affine"),
    "a map less a vector": (lambda x: plane(x) - gate(x), "subtract"),
    "a vector less a map": (lambda x: gate(x) - plane(x), "subtract"),
    "rows": (lambda x: x * rows(x), "multiply"),
    "from columns": (lambda x: columns(x) - x, "subtract"),
    "rows and columns": (lambda x: rows(x) * columns(x), "multiply"),
    "rows less columns of a map": (lambda x: rows(plane(x)) - columns(x), "subtract"),
    "a map and rows of a gate": (lambda x: plane(x) * rows(x) * gate(x), "multiply"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*KNOWN])
def test_known(name: str) -> None:
    function, step = KNOWN[name]
    result = assert_exact(Net(function).eval(), (5, 4, 3))
    assert any(has(node, step) for node in result.graph.nodes)


def test_all_at_once() -> None:
    """Of some sizes, so that one compilation shows what any of them does."""

    def function(x: Tensor) -> Tensor:
        y = gate(x) * x - plane(x)
        y = y * y + gate(y) * plane(x)
        return rows(y) * columns(x) - torch.tanh(y)

    assert_exact(Net(function).eval(), (5, 4, 3))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("channels", "size"),
    [(1, (5, 4, 3)), (3, (1, 1, 3)), (65, (2, 3, 3)), (1, (1, 1, 3)), (4, (1, 6, 3))],
    ids=str,
)
def test_sizes(channels: int, size: tuple[int, int, int]) -> None:
    for name in (
        "a mixture",
        "a vector less a map",
        "rows and columns",
        "a map expanded and stored",
    ):
        assert_exact(Net(KNOWN[name][0], channels).eval(), size)


def test_an_expanded_value_is_not_stored() -> None:
    """Broadcasting reads the value as it was."""
    result = compiled(Net(lambda x: x * gate(x).expand_as(x)).eval(), (5, 4, 3))
    assert "upsample" not in op_names(result)
    result = assert_exact(Net(lambda x: gate(x).expand_as(x)).eval(), (5, 4, 3))
    assert "upsample" in op_names(result)


REFUSED: dict[str, tuple[Function, str]] = {
    "a quotient": (lambda x: x / (1 + gate(x)), "divides by a value"),
    "a multiple": (lambda x: torch.add(x, F.relu(x), alpha=2), "multiply first"),
    "a multiple less": (lambda x: torch.sub(x, F.relu(x), alpha=2), "multiply first"),
    "interpolation": (lambda x: torch.lerp(x, F.relu(x), 0.3), "write x + weight * (y - x)"),
    "a product added": (lambda x: torch.addcmul(x, x, x), "write x + value * a * b"),
    "a cube": (lambda x: x**3, "write other powers as products"),
    "a root": (lambda x: x.abs().sqrt(), "no such non-linearity"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REFUSED])
def test_refuses(name: str) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(CompileError, match=r"the model \(aten\..*" + re.escape(reason)):
        compiled(Net(function).eval(), (5, 4, 3))


@pytest.mark.slow
def test_any_size() -> None:
    """Steps address an operand at any size; what would have to be spread is refused."""

    def function(x: Tensor) -> Tensor:
        return F.hardswish(x * gate(x) - plane(x)) + gate(x).expand_as(x)

    torch.manual_seed(1)
    whole = nn.Sequential(Net(function), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    assert compiled(whole, (6, 8, 3), any_size=True).graph.any_size
    outer = nn.Sequential(Net(lambda x: gate(x) * plane(x)), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(CompileError, match="combine a whole map with one of them, then with the"):
        compiled(outer.eval(), (6, 8, 3), any_size=True)


@pytest.mark.parametrize("channels", [6, 70])
def test_signs_of_an_expanded_map_are_not_taken_again(channels: int) -> None:
    torch.manual_seed(1)
    layers = nn.Conv2d(3, 1, 3), Call(lambda x: x.expand(-1, channels, -1, -1))
    model = nn.Sequential(*layers, BinaryConv2d(channels, 4, 3)).eval()
    result = assert_exact(model, (6, 7, 3))
    assert len(result.graph.nodes[0].outputs) == 1
