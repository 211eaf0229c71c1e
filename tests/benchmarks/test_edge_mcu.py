"""Bounds of what generated C may cost; the figures are in docs/results.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.edge.tools import require

from edge.boards import BOARDS
from edge.counting import Counter
from edge_mcu import layer, whole
from subjects.cnv_network import cnv_network
from subjects.digits_network import digits_network

MOST = {"m4f": 14.0, "rv32": 13.5, "rv32+zbb": 6.0}
"""Instructions for 32 binary multiply-adds of a whole 3×3 layer."""


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    missing = sorted({tool for name in MOST for tool in BOARDS[name].missing()})
    require(missing)
    return Counter(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("channels", [32, 64, 128])
@pytest.mark.parametrize("board", MOST)
def test_a_layer_is_cheap(board: str, channels: int, counter: Counter) -> None:
    assert layer(counter, board, channels) <= MOST[board]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "less_memory"), [("bnn", False), ("sdbnn", True)])
def test_the_digits_fit(method: str, less_memory: bool, counter: Counter) -> None:
    needed = whole(counter, "m4f", digits_network(method), less_memory)
    assert needed["flash"] <= 72_000
    assert needed["RAM"] <= 8_000


@pytest.mark.slow
def test_a_published_network_fits(shared_data: Path, counter: Counter) -> None:
    data = cnv_network(shared_data / "weights" / "cnv-w1a1-cifar10.safetensors")
    needed = whole(counter, "m4f", data, False)
    assert needed["flash"] <= 256_000
    assert needed["RAM"] <= 64_000
