"""The network for devices: its size, and signs of both kinds behind every layer."""

from __future__ import annotations

import numpy as np
import pytest

import signbit
from subjects.edge_network import MACS, SIZE, edge_network


@pytest.mark.parametrize("int16_stem", [True, False])
def test_the_network(int16_stem: bool) -> None:
    engine = signbit.load(edge_network(int16_stem), threads=1)
    nodes = engine.explain()
    assert MACS == 188_743_680 == sum(node["macs"] for node in nodes if node["op"] == "binary_conv")
    images = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.uint8)
    logits = engine(images)
    assert logits.shape == (2, 10)
    assert np.isfinite(logits).all()
    assert (logits[0] != logits[1]).all()
    if int16_stem:
        with pytest.raises(signbit.SignbitError, match="int16"):
            engine(images.astype(np.float32))
