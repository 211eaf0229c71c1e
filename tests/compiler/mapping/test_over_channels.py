"""Softmax and L2 normalisation over channels, and what is refused of other dimensions."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.nets import compiled, op_names
from torch import Tensor, nn

from signbit.errors import CompileError
from signbit.nn.layers import BinaryConv2d

Function = Callable[[Tensor], Tensor]


class Net(nn.Module):
    """A convolution, the function on its map, and the second on class scores."""

    def __init__(self, on_map: Function, on_scores: Function, channels: int = 5) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.head = nn.Linear(channels, 4)
        self.on_map, self.on_scores = on_map, on_scores

    def forward(self, x: Tensor) -> Tensor:
        return self.on_scores(self.head(self.on_map(3 * self.stem(x)).mean((2, 3))))


def _divided(x: Tensor) -> Tensor:
    return x / x.norm(dim=1, keepdim=True)


KNOWN: dict[str, tuple[Function, Function, str]] = {
    "softmax": (lambda x: F.softmax(x, 1), nn.Softmax(1), "softmax"),
    "softmax from behind": (lambda x: x.softmax(-3), nn.Softmax(-1), "softmax"),
    "softmax of maps": (nn.Softmax2d(), lambda x: F.softmax(x, 1, torch.float32), "softmax"),
    "softmin": (lambda x: F.softmin(x, 1), lambda x: F.softmax(x / 0.5, 1), "softmax"),
    "normalise": (F.normalize, F.normalize, "l2_normalise"),
    "normalise from behind": (
        lambda x: F.normalize(x, dim=-3),
        lambda x: F.normalize(x, dim=-1, eps=2.0),
        "l2_normalise",
    ),
    "epsilon that counts": (
        lambda x: F.normalize(x, eps=4.0),
        lambda x: x / x.norm(dim=1, keepdim=True).clamp(min=0.5),
        "l2_normalise",
    ),
    "by hand": (_divided, _divided, "l2_normalise"),
    "by hand, with the largest of two bounds": (
        lambda x: x / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_min(3).clamp_min(1),
        lambda x: x / torch.maximum(x.norm(dim=1, keepdim=True), torch.tensor(0.1)),
        "l2_normalise",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*KNOWN])
def test_known(name: str) -> None:
    on_map, on_scores, op = KNOWN[name]
    result = assert_exact(Net(on_map, on_scores).eval(), (5, 4, 3))
    assert op_names(result).count(op) == 2


@pytest.mark.parametrize(
    ("channels", "size"), [(1, (3, 3, 3)), (3, (1, 1, 3)), (65, (2, 5, 3))], ids=str
)
def test_any_number_of_channels(channels: int, size: tuple[int, int, int]) -> None:
    assert_exact(Net(F.normalize, nn.Softmax(1), channels).eval(), size)


def test_between_binary_layers() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3),
        nn.Softmax2d(),
        Call(lambda x: x - 1 / 6),
        BinaryConv2d(6, 6, 3),
        Call(F.normalize),
        BinaryConv2d(6, 4, 3),
    )
    result = assert_exact(model.eval(), (9, 8, 3))
    assert op_names(result).count("binary_conv") == 2


class Call(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def test_signs_behind_a_softmax_are_refused() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softmax2d(), BinaryConv2d(4, 4, 3)).eval()
    with pytest.raises(CompileError, match=r"every sign .* 1 \(aten\.softmax\.int\) is never neg"):
        compiled(model, (6, 6, 3))


REFUSED: dict[str, tuple[Function, str]] = {
    "log of softmax": (lambda x: F.log_softmax(x, 1), "take the log of the engine's scores"),
    "norm of order 1": (lambda x: F.normalize(x, p=1), "a norm of order 1"),
    "norm over a row": (lambda x: F.normalize(x, dim=3), "over the dimensions [3]"),
    "norm over all": (lambda x: F.normalize(x, dim=(1, 2, 3)), "over the dimensions [1, 2, 3]"),
    "length": (lambda x: x.norm(dim=1, keepdim=True), "as part of x / max(length, ε)"),
    "length without channels": (lambda x: x.norm(dim=1), "keepdim=True"),
    "length plus something": (
        lambda x: x / (x.norm(dim=1, keepdim=True) + 1e-6),
        "as part of x / max(length, ε)",
    ),
    "length, bounded from above": (
        lambda x: x / x.norm(dim=1, keepdim=True).clamp(1, 2),
        "as part of x / max(length, ε)",
    ),
    "length of another": (
        lambda x: x / F.relu(x).norm(dim=1, keepdim=True),
        "divides by the length of another value",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*REFUSED])
def test_refuses(name: str) -> None:
    function, reason = REFUSED[name]
    model = nn.Sequential(nn.Conv2d(3, 4, 3), Call(function)).eval()
    with pytest.raises(CompileError, match=r"1 \(aten\..*" + re.escape(reason)):
        compiled(model, (6, 6, 3))
