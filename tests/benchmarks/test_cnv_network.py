"""CNV-W1A1 as a file says what its authors' arithmetic says, for every value of a pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import signbit
from subjects.cnv_network import cnv_network, cnv_sums


def test_the_network(shared_data: Path) -> None:
    weights = shared_data / "weights" / "cnv-w1a1-cifar10.safetensors"
    engine = signbit.load(cnv_network(weights), threads=1)
    assert engine.outputs[0].classes[:2] == ("Airplane", "Automobile")
    values = np.resize(np.arange(256, dtype=np.uint8), 3 * 32 * 32 * 3)
    images = np.random.default_rng(0).permutation(values).reshape(3, 32, 32, 3)
    np.testing.assert_array_equal(engine(images), cnv_sums(weights, images))
