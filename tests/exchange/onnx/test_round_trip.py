"""What was exported as QONNX and imported again compiles to a file with the same answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.compiler.nets import MEAN, STD, compiled, pixels
from tests.compiler.small import SIZE, small_net

import signbit
from signbit.compiler import compile_model

pytest.importorskip("onnx")

from signbit.exchange.onnx.reading.importing import import_onnx
from signbit.exchange.onnx.writing import to_onnx


@pytest.mark.slow
@pytest.mark.parametrize("method", ["bnn", "bireal", "xnor", "irnet", "sdbnn", "reactnet"])
def test_a_network_of_every_kind_of_block(tmp_path: Path, method: str) -> None:
    """The bits of every answer; XNOR-Net's maps of means are rounded once more or less."""
    direct = compiled(small_net(method, trained=method == "xnor"), SIZE)
    file = tmp_path / "model.onnx"
    file.write_bytes(to_onnx(direct, "qonnx"))
    run = import_onnx(file, tmp_path / "run")
    mean, std = run.normalization
    assert (tuple(mean), tuple(std)) == (MEAN, STD)
    again = compile_model(run.model, input_size=SIZE, mean=mean, std=std)
    images = pixels(20, SIZE, 1)
    expected, found = (signbit.load(each.data)(images) for each in (direct, again))
    assert (found.argmax(1) == expected.argmax(1)).all()
    if method == "xnor":
        np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())
    else:
        np.testing.assert_array_equal(found.view(np.uint32), expected.view(np.uint32))
