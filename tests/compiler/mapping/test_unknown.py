"""What no mapping knows is refused with a cure, and the cure compiles."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.compiler import check

Function = Callable[[Tensor], Tensor]


class Net(nn.Module):
    """A convolution to 4 channels of 6×6 pixels, and the function."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.conv(x))


_SCORES = torch.ones(3, 144)

CURED: dict[str, tuple[Function, str, Function]] = {
    "a normalised flattened map": (
        lambda x: F.normalize(x.flatten(1), dim=1),
        "put a linear layer behind it",
        lambda x: F.linear(F.normalize(x.flatten(1), dim=1), _SCORES),
    ),
    "a product of flattened maps": (
        lambda x: x.flatten(1) * x.flatten(1),
        "leave the flatten out",
        lambda x: x * x,
    ),
    "sum": (lambda x: x.sum((2, 3)), "* (H * W)", lambda x: x.mean((2, 3)) * 36),
    "mean of all": (lambda x: x - x.mean(), "x.mean((2, 3))", lambda x: x.mean((2, 3))),
    "squeeze": (
        lambda x: x.mean((2, 3), keepdim=True).squeeze(),
        "x.squeeze((2, 3))",
        lambda x: x.mean((2, 3), keepdim=True).squeeze((2, 3)),
    ),
    "deviations": (
        lambda x: x / x.std((2, 3), keepdim=True),
        "nn.InstanceNorm2d",
        nn.InstanceNorm2d(4),
    ),
    "transposed convolution": (
        nn.ConvTranspose2d(4, 2, 3, 2, 1),
        "another output_padding",
        nn.ConvTranspose2d(4, 2, 3, 2, 1, 1),
    ),
    "random values": (
        lambda x: x + torch.rand_like(x),
        "if self.training",
        lambda x: x,
    ),
    "order of scores": (lambda x: x.mean((2, 3)).argmax(1), "scores", lambda x: x.mean((2, 3))),
}


@pytest.mark.parametrize("name", [*CURED])
def test_refuses_with_a_cure_that_compiles(name: str) -> None:
    refused, cure, instead = CURED[name]
    (refusal, *_) = check(Net(refused).eval(), input_size=(8, 8, 3))
    assert refusal.reason
    assert cure in refusal.cure
    assert check(Net(instead).eval(), input_size=(8, 8, 3)) == []
