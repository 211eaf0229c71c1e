"""Every method compiles, with one operand real or both binary: the engines agree to the last bit,
and every node with PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from tests.compiler.file_nodes import adds_shortcut, has
from tests.compiler.nets import compiled, op_names, pixels
from tests.compiler.small import SIZE, small_net

import signbit
from signbit import methods
from signbit.bitformat.validate import validate
from signbit.compiler import Compiled
from signbit.compiler.verification.verify import verify_nodes
from signbit.runtime.reference import ReferenceEngine

COUNT = 6


def _check(result: Compiled) -> None:
    """The oracle, every instruction set, and PyTorch node by node."""
    images = pixels(COUNT, SIZE, 7)
    reference = ReferenceEngine(result.data)
    expected = reference(images)
    assert np.isfinite(expected).all()
    for isa in signbit.cpu_isas():
        answers = signbit.load(result.data, threads=2, isa=isa)(images)
        np.testing.assert_array_equal(answers.view(np.uint32), expected.view(np.uint32))
    for node in verify_nodes(result, images, engine=reference):
        assert node.agrees, node


QUICK = ("adabin", "reactnet", "xnor")
BINARY = [name for name in methods.names() if name != "real"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in BINARY],
)
def test_both_operands_binary(method: str) -> None:
    result = compiled(small_net(method, trained=method == "xnor"), SIZE)
    _check(result)
    binary = [node for node in result.graph.nodes if node.op == "binary_conv"]
    # Three units, the pair as one, a pooled block, a linear layer.
    assert len(binary) == 6
    assert sum(adds_shortcut(node, "tile") for node in binary) == 1
    # What only one method has, it has in every layer.
    weighted = [s for node in binary for s in node.steps if s.op == "add" and "weighted" in s.keys]
    assert len(weighted) == (6 if method == "adabin" else 0)
    assert sum(has(node, "multiply") for node in binary) == (6 if method == "xnor" else 0)
    maxouts = [node for node in result.graph.nodes if has(node, "maxout")]
    assert len(maxouts) == (6 if method == "adabin" else 0)
    # RPReLU's first bias is in the shift before it, the second behind it where reals are stored.
    offsets = [node for node in result.graph.nodes if has(node, "offset")]
    assert len(offsets) == (4 if method in ("combined", "reactnet") else 0)
    assert "identity" not in op_names(result) or method == "xnor" or method.startswith("sdbnn")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["adabin", "xnor"])
def test_real_weights_on_signs(method: str) -> None:
    result = compiled(small_net(method, "activations"), SIZE)
    _check(result)
    tensors = validate(result.graph, result.constants)
    of_signs = [node for node in result.graph.nodes if tensors[node.inputs[0]].kind == "bits"]
    assert [node.op for node in of_signs] == ["real_conv"] * 6
    weights = [result.constants[str(node["weight"])] for node in of_signs]
    assert all(weight.dtype == np.float32 for weight in weights)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["adabin", "reactnet"])
def test_binary_weights_on_reals(method: str) -> None:
    result = compiled(small_net(method, "weights"), SIZE)
    _check(result)
    weights = [str(node["weight"]) for node in result.graph.nodes if "weight" in node.keys]
    packed = [name for name in weights if result.constants[name].dtype == np.uint64]
    # AdaBin's offsets need the sum of each window's inputs, from a convolution of its own.
    assert len(packed) == (12 if method == "adabin" else 6)
    assert not any(tensor.kind == "bits" for tensor in validate(result.graph, result.constants))


def test_no_operand_binary() -> None:
    result = compiled(small_net("real"), SIZE)
    _check(result)
    assert sum(adds_shortcut(node, "tile") for node in result.graph.nodes) == 1
    dtypes = {constant.dtype for constant in result.constants.values()}
    assert dtypes == {np.dtype(np.float32)}
