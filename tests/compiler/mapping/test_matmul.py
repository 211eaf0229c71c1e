"""Products of matrices of values, on every instruction set, and as people write attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.compiler.every_way import assert_exact
from tests.compiler.mapping.bodies import few_fast, of_reals, signs
from tests.compiler.nets import compiled, op_names
from tests.runtime.identity import ISAS, assert_identical, unfused_engine
from tests.runtime.reference.one_node import run_node
from torch import Tensor

import signbit
from signbit.bitformat import encode
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Step
from signbit.errors import CompileError
from signbit.runtime.reference import ReferenceEngine

Function = Callable[[Tensor], Tensor]

SIZES = st.sampled_from((1, 2, 3, 5, 8, 16, 17, 33, 65, 80, 130))


def _drawn(rng: np.random.Generator, *shape: int) -> npt.NDArray[Any]:
    return rng.standard_normal(shape).astype(np.float32)


def _product_file(rows: int, left: int, right: int, terms: int, keys: dict[str, Any]) -> bytes:
    """Every pair of kinds: reals, and their signs."""
    second = (rows, terms, right) if keys else (rows, right, terms)
    inputs = (GraphInput("a", "real", (rows, left, terms)), GraphInput("b", "real", second))
    both = (Output("real"), Output("signs"))
    nodes = [Node(name, "identity", (i,), {}, (), both) for i, name in enumerate("ab")]
    pairs = [(a, b) for a in (2, 3) for b in (4, 5)]
    nodes += [Node(f"{a}·{b}", "matmul", (a, b), keys) for a, b in pairs]
    outputs = [GraphOutput(f"{a}·{b}", 6 + i) for i, (a, b) in enumerate(pairs)]
    return encode(Graph(inputs, tuple(outputs), tuple(nodes)), {})


@settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    rows=st.integers(1, 3),
    left=SIZES,
    right=SIZES,
    terms=SIZES,
    over_pixels=st.booleans(),
    seed=st.integers(0, 99),
)
def test_every_instruction_set(
    rows: int, left: int, right: int, terms: int, over_pixels: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    data = _product_file(rows, left, right, terms, {"over_pixels": True} if over_pixels else {})
    count = int(rng.integers(1, 4))
    a = _drawn(rng, count, rows, left, terms)
    b = _drawn(rng, count, rows, right, terms)
    given = {"a": a, "b": b.swapaxes(2, 3).copy() if over_pixels else b}
    expected = ReferenceEngine(data)(given)
    exact = np.sign(a).astype(np.float64) @ np.sign(b).swapaxes(2, 3)
    np.testing.assert_array_equal(expected["3·5"].reshape(exact.shape), exact)
    for isa in ISAS:
        for engine in (signbit.load(data, threads=2, isa=isa), unfused_engine(data, 1, isa)):
            assert_identical(engine(given), expected)


@pytest.mark.parametrize("over_pixels", [False, True])
@pytest.mark.parametrize("terms", [1, 16, 31, 65, 196])
def test_signs_of_products_of_signs(terms: int, over_pixels: bool) -> None:
    """Integers, scaled and compared: in few channels and in many, and each node says how."""
    rng = np.random.default_rng(terms)
    for left, right in ((5, 3), (70, 67)):
        second = (3, terms, right) if over_pixels else (3, right, terms)
        inputs = (GraphInput("a", "real", (3, left, terms)), GraphInput("b", "real", second))
        both = (Output("real"), Output("signs"))
        nodes = [Node(name, "identity", (i,), {}, (), both) for i, name in enumerate("ab")]
        keys = {"over_pixels": True} if over_pixels else {}
        constants = {str(i): _drawn(rng, right) for i in range(3)}
        steps = (Step("affine", {"scale": 0, "shift": 1}),)
        outputs = (Output("real"), Output("signs", threshold=2), Output("signs", after=0))
        nodes.append(Node("signs", "matmul", (3, 5), keys, steps, outputs))
        nodes.append(Node("mixed", "matmul", (3, 4), keys))
        wanted = tuple(GraphOutput(str(number), number) for number in (6, 7, 8, 9))
        data = encode(Graph(inputs, wanted, tuple(nodes)), constants)
        given = {"a": _drawn(rng, 2, 3, left, terms), "b": _drawn(rng, 2, *second)}
        expected = ReferenceEngine(data)(given)
        for isa in ISAS:
            engine = signbit.load(data, threads=3, isa=isa)
            for each in (engine, unfused_engine(data, 1, isa)):
                assert_identical(each(given), expected)
            kernels = {report["name"]: report["kernel"] for report in engine.explain()}
            assert kernels["signs"].startswith(f"matmul_b1_{isa}")
            assert kernels["mixed"].startswith(f"matmul_f32_{isa}")


def test_the_reference_adds_in_order() -> None:
    a = np.array([[[[1e8, 1, -1e8, 0.5]]]], np.float32)
    ones = np.ones((1, 1, 1, 4), np.float32)
    assert run_node("matmul", a, ones).item() == 0.5
    assert run_node("matmul", a, ones.swapaxes(2, 3), over_pixels=True).item() == 0.5


def test_whole_pixels_change_places() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 7)).astype(np.float32)
    for values in (x, np.where(x < 0, -1, 1).astype(np.int8)):
        moved = run_node("transpose", values, whole_pixels=True)
        np.testing.assert_array_equal(moved, values.swapaxes(1, 2))


def _tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def _heads(x: Tensor) -> tuple[Tensor, ...]:
    """(N, 3·C, H, W) as queries, keys and values (N, 2, T, C / 2)."""
    n, channels, height, width = x.shape
    qkv = _tokens(x).reshape(n, height * width, 3, 2, channels // 6)
    return qkv.permute(2, 0, 3, 1, 4).unbind(0)


def _back(x: Tensor) -> Tensor:
    """(N, heads, T, d) → (N, T, heads · d)"""
    return x.transpose(1, 2).flatten(2)


def _by_hand(x: Tensor) -> Tensor:
    q, k, v = _heads(x)
    return _back((q @ k.transpose(-2, -1) * 0.5).softmax(-1) @ v)


def _by_chunks(x: Tensor) -> Tensor:
    n, channels, height, width = x.shape
    parts = _tokens(x).chunk(3, -1)
    q, k, v = (p.view(n, height * width, 2, channels // 6).transpose(1, 2) for p in parts)
    return _back(F.scaled_dot_product_attention(q, k, v, scale=0.7))


def _by_einsum(x: Tensor) -> Tensor:
    qkv = torch.unflatten(_tokens(x), 2, (3, 2, x.shape[1] // 6))
    q, k, v = qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2]
    weights = torch.einsum("bthd,bshd->bhts", q, k).softmax(-1)
    return torch.einsum("bhts,bshd->bthd", weights, v).flatten(2)


def _of_relu(x: Tensor) -> Tensor:
    """Linear attention of ReLUs: no softmax, and keys times values first."""
    q, k, v = _heads(x)
    return _back(F.relu(q) @ (F.relu(k).transpose(-2, -1) @ v))


def _of_signs(x: Tensor) -> Tensor:
    q, k, v = _heads(x)
    return _back((signs(q) @ signs(k).transpose(-2, -1) * 0.2).softmax(-1) @ signs(v))


def _of_channels(x: Tensor) -> Tensor:
    """Attention between channels."""
    tokens = _tokens(x)
    return tokens @ torch.bmm(tokens.transpose(1, 2), tokens).div(20).softmax(-1)


KNOWN: dict[str, tuple[int, Function, int]] = {
    "by hand": (12, _by_hand, 2),
    "by chunks": (18, _by_chunks, 2),
    "of signs": (12, _of_signs, 2),
    "by einsum": (18, _by_einsum, 2),
    "of ReLUs": (12, _of_relu, 2),
    "of channels": (65, _of_channels, 2),
    "of one channel": (1, lambda x: _tokens(x) @ _tokens(x).transpose(1, 2), 1),
    "rows of a map": (3, lambda x: x @ x.transpose(2, 3), 1),
    "of scores": (5, lambda x: x.mean((2, 3))[:, None] @ _tokens(x).transpose(1, 2), 1),
    "into signs": (4, lambda x: signs(signs(_tokens(x)) @ signs(_tokens(x)).mT).mul(2), 1),
}


@pytest.mark.parametrize("name", few_fast(KNOWN))
def test_known(name: str) -> None:
    channels, function, products = KNOWN[name]
    result = assert_exact(of_reals(channels, function), (4, 5, 3), end_to_end=False)
    assert op_names(result).count("matmul") == products


def test_a_scale_of_zero_is_a_scale() -> None:
    def evenly(x: Tensor) -> Tensor:
        q, k, v = _heads(x)
        return _back(F.scaled_dot_product_attention(q, k, v, scale=0.0))

    assert_exact(of_reals(12, evenly), (4, 5, 3), end_to_end=False)


def _masked(x: Tensor) -> Tensor:
    q, k, v = _heads(x)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


REFUSED: dict[str, tuple[Function, str]] = {
    "constants": (lambda x: x @ torch.ones(5, 3), "F.linear"),
    "a mask": (_masked, r"softmax\(-1\) @ v"),
    "a trace": (lambda x: torch.einsum("bchw,bchw->b", x, x), "a @ b"),
    "vectors": (lambda x: _tokens(x) @ x, "multiplies matrices"),
}


@pytest.mark.parametrize("name", few_fast(REFUSED))
def test_refused(name: str) -> None:
    function, cure = REFUSED[name]
    with pytest.raises(CompileError, match=cure):
        compiled(of_reals(6, function), (4, 5, 3))
