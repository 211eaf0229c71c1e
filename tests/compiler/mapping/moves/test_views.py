"""Parts and permutations by any dimension, exact on every instruction set."""

from __future__ import annotations

import pytest
import torch
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import Function, few_fast, of_reals

SIZE = (4, 6, 3)


def _windows(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) cut into windows of 2 × 3 pixels, which are tokens of all their values."""
    n, c, h, w = x.shape
    parted = x.view(n, c, h // 2, 2, w // 3, 3)
    return parted.permute(0, 2, 4, 3, 5, 1).reshape(n, h * w // 6, 6 * c)


VIEWS: dict[str, Function] = {
    "windows": _windows,
    "the middle": lambda x: x[:, :, 1:-1, 2:5],
    "one channel": lambda x: x[:, 1],
    "one of the rows": lambda x: x[:, :, -1],
    "rows split": lambda x: torch.split(x, 1, 2)[3],
    "unbound": lambda x: x.unbind(1)[2] - x.unbind(1)[0],
    "the first token": lambda x: x.flatten(2).transpose(1, 2)[:, 0],
    "all tokens but one": lambda x: x.flatten(2).transpose(1, 2)[:, 1:],
    "another map": lambda x: x.flatten(1).reshape(-1, 6, 5, 4),
    "channels last, as a map": lambda x: x.permute(0, 2, 3, 1).reshape(-1, 6, 5, 4),
    "five dimensions": lambda x: x.unsqueeze(-1).flatten(1),
}


@pytest.mark.parametrize("name", few_fast(VIEWS))
def test_exact(name: str) -> None:
    assert_exact(of_reals(5, VIEWS[name]), SIZE)
