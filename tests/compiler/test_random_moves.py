"""Networks of random moves compile, or say why not, and answer as PyTorch does on every ISA."""

from __future__ import annotations

import pytest
from tests.compiler.every_way import assert_exact
from tests.compiler.random_moves import moves_net
from tests.thorough import many

from signbit.errors import CompileError

SIZES = [(6, 8), (5, 5), (1, 1), (3, 7)]

_SKIPPED = ("every sign of its input is the same", "torch.export cannot follow")
"""What a random network may be refused for: layers that say nothing, and PyTorch's own limits."""


def _check(seed: int) -> bool:
    """Compile and compare one network; False where it may be refused."""
    size = SIZES[seed % len(SIZES)]
    try:
        assert_exact(moves_net(seed, size, 3 + seed % 6), (*size, 3), end_to_end=False)
    except CompileError as error:
        if any(reason in str(error) for reason in _SKIPPED):
            return False
        raise
    return True


@pytest.mark.parametrize("seed", range(4))
def test_one_network(seed: int) -> None:
    _check(seed)


@pytest.mark.slow
def test_many_networks() -> None:
    compared = [_check(seed) for seed in range(4, 4 + many(116))]
    assert sum(compared) > 0.8 * len(compared)
