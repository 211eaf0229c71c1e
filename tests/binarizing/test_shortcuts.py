"""Shortcuts of binarized networks: what each block computes, written out by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.nets import randomise
from torch import Tensor, nn

from signbit.binarizing import Binarized, binarize


class Units(nn.Module):
    """A stem, three convolutions with normalisations, a projection and a classifier."""

    input_size = (7, 6)

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.a = nn.Sequential(nn.Conv2d(8, 8, 3, stride, 1, bias=False), nn.BatchNorm2d(8))
        self.b = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8))
        self.c = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8))
        self.around = nn.Conv2d(8, 8, 1, stride)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.body(self.stem(x)).mean((2, 3)))
        return y

    def body(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class Two(Units):
    def body(self, x: Tensor) -> Tensor:
        y = self.b(self.a(x))
        y += x
        return y


class Three(Units):
    def body(self, x: Tensor) -> Tensor:
        return x + self.c(self.b(self.a(x)))


class Strided(Units):
    """Its projection is computed last, and the shortcut is what changes in place."""

    def body(self, x: Tensor) -> Tensor:
        y = self.c(self.b(self.a(x)))
        around = self.around(x)
        around += y
        return around


class Beside(Units):
    """Two branches that are added: neither is a shortcut."""

    def body(self, x: Tensor) -> Tensor:
        return self.a(x) + self.b(x) + self.c(self.b(x))


Parts = dict[str, Callable[[Tensor], Tensor]]


def strided(m: Parts, x: Tensor) -> Tensor:
    y = m["a"](x) + m["around"](x)
    y = m["b"](y) + y
    return m["c"](y) + y


def two(m: Parts, x: Tensor) -> Tensor:
    y = m["a"](x) + x
    return m["b"](y) + y


def three(m: Parts, x: Tensor) -> Tensor:
    y = two(m, x)
    return m["c"](y) + y


def made(model: Units, method: str) -> tuple[Binarized, Parts]:
    binary = binarize(randomise(model), method, input_size=(7, 6, 3), check=False)

    def part(name: str, x: Tensor) -> Tensor:
        layer = binary.get_submodule(name)
        each = [*layer.children()] or [layer]  # a graph keeps no nn.Sequential
        for module in each:
            x = module(x)
        return x

    return binary, {name: partial(part, name) for name, _ in binary.named_children()}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("model", "body"),
    [(Two(), two), (Three(), three), (Strided(2), strided)],
    ids=["two", "three", "strided"],
)
def test_each_convolution_has_a_shortcut_from_its_own_input(
    model: Units, body: Callable[[Parts, Tensor], Tensor], training: bool
) -> None:
    binary, parts = made(model, "bireal")
    shortcuts = [each.becomes for each in binary.report.changes if each.kind == "shortcut"]
    assert set(shortcuts) <= {"added", "moved"}
    x = torch.randn(3, 3, 7, 6)
    binary.train(training)
    wanted = parts["head"](body(parts, parts["stem"](x)).mean((2, 3)))
    torch.testing.assert_close(binary(x), wanted, rtol=1e-4, atol=1e-4)


def test_what_is_no_shortcut_stays() -> None:
    binary, _ = made(Beside(), "bireal")
    changes = {each.where: each.becomes for each in binary.report.changes if each.kind[0] == "s"}
    assert changes["a.0"] == "as it was"
    assert changes["c.0"] == "as it was"


class Post(Two):
    """Torch's own block: a ReLU behind each sum."""

    def body(self, x: Tensor) -> Tensor:
        return F.relu(F.relu(self.b(F.relu(self.a(F.relu(x)))) + F.relu(x)))


def test_a_shortcut_that_is_computed_anew_stays() -> None:
    binary, _ = made(Post(), "reactnet")
    changes = [each.becomes for each in binary.report.changes if each.kind == "shortcut"]
    assert changes == ["added", "as it was"]
