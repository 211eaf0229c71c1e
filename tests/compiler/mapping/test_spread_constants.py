"""A value with a single channel, row or column, and constants that have more of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import few_fast, of_reals
from torch import Tensor

from signbit.compiler import compile_model
from signbit.errors import CompileError

COLUMN = torch.linspace(-1, 2, 7).reshape(7, 1, 1)
ROWS = torch.linspace(0.5, 2, 4).reshape(4, 1)
PIXELS = torch.linspace(-1, 1, 24).reshape(4, 6)

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "a map times numbers by channel": lambda x: x[:, :1] * COLUMN,
    "features": lambda x: x.mean((2, 3))[:, :1] * torch.linspace(-2, 2, 16),
    "a pixel": lambda x: x.mean((2, 3), keepdim=True) + PIXELS,
    "a map plus numbers by channel": lambda x: COLUMN - x[:, :1],
    "a quotient": lambda x: x[:, 1:2] / (COLUMN + 3),
    "a row": lambda x: x.mean(2, keepdim=True) * ROWS,
    "bounds": lambda x: torch.maximum(x[:, :1], COLUMN),
    "comparisons": lambda x: torch.where(x[:, :1] < COLUMN, -1.0, 1.0),
    "one channel of one pixel": lambda x: x[:, :1].mean((2, 3), keepdim=True) * COLUMN * ROWS,
    "a value and itself": lambda x: x[:, :1] * COLUMN + x[:, :1],
}


@pytest.mark.parametrize("name", few_fast(FUNCTIONS))
def test_as_pytorch_has_it(name: str) -> None:
    assert_exact(of_reals(7, FUNCTIONS[name]), (4, 6, 3))


def test_it_would_fix_the_size_of_the_images() -> None:
    model = of_reals(7, FUNCTIONS["a row"])
    with pytest.raises(CompileError, match="changes the size from"):
        compile_model(model, input_size=(4, 6, 3), mean=(0.5,) * 3, std=(0.5,) * 3, any_size=True)
