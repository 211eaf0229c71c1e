"""The NumPy reference against hand-written loops, numbers worked out by hand, and its refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from tests.runtime import oracle
from tests.runtime.graphs import Case
from tests.runtime.strategies import binary_convs, linears, networks, real_convs

from signbit.bitformat import encode, pack_bits
from signbit.bitformat.exact import fma
from signbit.bitformat.graph import Graph, InputSpec, Node, Shortcut, SignOutput, TensorSpec
from signbit.errors import InputError
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]

PLAIN = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


def signs(bits: Array) -> Array:
    return 1 - 2 * bits.astype(np.int64)


def check_dots(case: Case) -> None:
    """Every binary convolution's dots, and their integer thresholds, are the oracle's."""
    values = ReferenceEngine(case.data).run_nodes(case.feeds, case.fetches)
    for node in case.graph.nodes:
        if node.op != "binary_conv":
            continue
        assert node.kernel is not None
        per_group = case.graph.tensor(node.input).channels // node.groups
        taps = node.kernel[0] * node.kernel[1] * per_group
        weight = oracle.weight_signs(case.constants[node.weight], taps)
        dots = oracle.binary_conv(
            signs(values[node.input]),
            weight.reshape(len(weight), *node.kernel, per_group),
            node.stride,
            node.padding,
            node.dilation,
            node.groups,
        )
        assert values[f"{node.name}#dots"].dtype == np.int32
        np.testing.assert_array_equal(values[f"{node.name}#dots"], dots)
        if node.pool is not None:
            dots = oracle.pool_max(dots, node.pool.kernel, node.pool.stride)
        for output in node.signs:
            threshold = case.constants[output.threshold]
            if threshold.dtype == np.int32:
                expected = (dots < threshold) != case.constants[output.flip].astype(bool)
                np.testing.assert_array_equal(values[output.tensor], expected)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(case=binary_convs)
def test_dots_of_binary_convolutions(case: Case) -> None:
    check_dots(case)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(case=linears)
def test_dots_of_fully_connected_layers(case: Case) -> None:
    check_dots(case)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(case=networks)
def test_dots_in_networks(case: Case) -> None:
    check_dots(case)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(case=real_convs)
def test_real_convolutions_are_near_float64_sums(case: Case) -> None:
    engine = ReferenceEngine(case.data)
    node = case.graph.nodes[-1]
    x = engine.run_nodes(case.feeds, [node.input])[node.input].astype(np.float64)
    pad = np.zeros(x.shape[3])
    if node.pad_value is not None:
        pad = case.constants[node.pad_value].astype(np.float64)
    (top, left), (kh, kw) = node.padding, node.kernel
    padded = np.tile(pad, (len(x), x.shape[1] + 2 * top, x.shape[2] + 2 * left, 1))
    padded[:, top : top + x.shape[1], left : left + x.shape[2]] = x
    weight = case.constants[node.weight].astype(np.float64)
    out, _, _, per_group = weight.shape
    size = case.graph.tensor(node.outputs[0])
    expected = np.zeros((len(x), size.height, size.width, out))
    for c, y, z in np.ndindex(out, size.height, size.width):
        first = c // (out // node.groups) * per_group
        rows = y * node.stride[0] + np.arange(kh) * node.dilation[0]
        columns = z * node.stride[1] + np.arange(kw) * node.dilation[1]
        window = padded[:, rows[:, None], columns, first : first + per_group]
        expected[:, y, z, c] = (window * weight[c]).sum(axis=(1, 2, 3))
    bare = Node(**{**vars(node), "real": "y", "signs": (), "activation": None, "slope": None})
    bare = Node(**{**vars(bare), "scale": None, "shift": None, "shortcut": None})
    values = _run_single(bare, x.astype(np.float32), case.constants, (size.height, size.width, out))
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-2)


def _run_single(node: Node, x: Array, constants: dict[str, Array], shape: tuple[int, ...]) -> Array:
    """Run one node that writes the real `y`, its input taken as the image."""
    used = (node.weight, node.pad_value, node.scale, node.shift, node.slope)
    graph = Graph(
        InputSpec(node.input, 1),
        "y",
        (TensorSpec(node.input, "image", *x.shape[1:]), TensorSpec("y", "real", *shape)),
        (node,),
    )
    data = encode(graph, {name: constants[name] for name in used if name is not None})
    return ReferenceEngine(data).run_nodes({node.input: x}, ["y"])["y"]


def test_real_convolution_chains_fma_in_order() -> None:
    """Over ky, then kx, then channel; a tap outside reads its channel's pad_value."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 3, 4, 2)).astype(np.float32)
    constants = {
        "w": rng.standard_normal((3, 2, 2, 2)).astype(np.float32),
        "p": np.float32([0.7, -1.3]),
    }
    node = Node(
        "n", "real_conv", "x", (2, 2), (2, 1), (1, 1), (1, 2), 1, "w", pad_value="p", real="y"
    )
    actual = _run_single(node, x, constants, (2, 4, 3))
    for n, y, z, c in np.ndindex(2, 2, 4, 3):
        acc = np.float32(0)
        for ky, kx, channel in np.ndindex(2, 2, 2):
            row, column = 2 * y - 1 + ky, z - 1 + 2 * kx
            inside = 0 <= row < 3 and 0 <= column < 4
            pixel = x[n, row, column, channel] if inside else constants["p"][channel]
            acc = fma(pixel, constants["w"][c, ky, kx, channel], acc)
        assert actual[n, y, z, c] == acc


def _pool(op: str, x: Array, **keys: Any) -> Array:
    """Run one pool on reals (pixels copied by a pointwise node)."""
    _, height, width, channels = x.shape
    node = Node("pool", op, "x", real="y", **keys)
    probe = {"max_pool": (3, 3), "avg_pool": (2, 1), "global_mean": (1, 1)}[op]
    graph = Graph(
        InputSpec("image", 1),
        "y",
        (
            TensorSpec("image", "image", height, width, channels),
            TensorSpec("x", "real", height, width, channels),
            TensorSpec("y", "real", *probe, channels),
        ),
        (Node("copy", "pointwise", "image", real="x"), node),
    )
    return ReferenceEngine(encode(graph, {})).run_nodes({"x": x}, ["y"])["y"]


def test_max_pool_ignores_taps_outside() -> None:
    x = np.float32([[-5, -4], [-3, -2]]).reshape(1, 2, 2, 1)
    y = _pool("max_pool", x, kernel=(2, 2), stride=(1, 1), padding=(1, 1))
    np.testing.assert_array_equal(y[0, ..., 0], [[-5, -4, -4], [-3, -2, -2], [-3, -2, -2]])


def test_avg_pool_sums_in_tap_order() -> None:
    """1e8 − 1e8 + 1 differs from 1 + 1e8 − 1e8 in float32: order shows."""
    x = np.float32([[1e8, -1e8, 1], [1, 1e8, -1e8]]).reshape(1, 2, 3, 1)
    y = _pool("avg_pool", x, kernel=(1, 3), stride=(1, 1))
    np.testing.assert_array_equal(y.ravel(), np.float32([1, 0]) / np.float32(3))


def test_global_mean_sums_rows_first() -> None:
    x = np.float32([[1e8, 1], [-1e8, 1]]).reshape(1, 2, 2, 1)
    # Rows: 1e8 + 1 = 1e8, −1e8 + 1 = −1e8; their sum is 0. Column first would give 2.
    assert _pool("global_mean", x).ravel().tolist() == [0.0]


def _epilogue(v: Array, channels: int, constants: dict[str, Array], **keys: Any) -> Array:
    x = np.asarray(v, np.float32).reshape(-1, 1, 1, channels)
    return _run_single(
        Node("n", "pointwise", "x", real="y", **keys), x, constants, (1, 1, channels)
    ).reshape(-1, channels)


def test_activations() -> None:
    v = np.float32([-3, -1, -0.5, -0.0, 0.0, 0.5, 2])
    relu = _epilogue(v, 1, {}, activation="relu").ravel()
    assert relu.tolist() == [0, 0, 0, 0, 0, 0.5, 2]
    assert np.signbit(relu[3])  # −0.0 < 0 is false, so −0.0 stays
    hardtanh = _epilogue(v, 1, {}, activation="hardtanh").ravel()
    assert hardtanh.tolist() == [-1, -1, -0.5, 0, 0, 0.5, 1]
    slope = {"s": np.float32([-2])}
    prelu = _epilogue(v, 1, slope, activation="prelu", slope="s").ravel()
    assert prelu.tolist() == [6, 2, 1, 0, 0, 0.5, 2]
    sigmoid = _epilogue(v, 1, {}, activation="sigmoid").ravel()
    np.testing.assert_allclose(sigmoid, 1 / (1 + np.exp(-v.astype(np.float64))), rtol=1e-6)


def test_scale_and_shift_round_once() -> None:
    x, scale = np.float32(1 + 2.0**-12), np.float32(1 + 2.0**-12)
    constants = {"a": np.float32([scale]), "b": np.float32([2.0**-60])}
    y = _epilogue(np.array([x]), 1, constants, scale="a", shift="b").ravel()[0]
    assert y == np.float32(1 + 2.0**-11 + 2.0**-23)  # the product is halfway; the shift decides
    assert x * scale + constants["b"][0] != y


@pytest.mark.parametrize(
    ("stride", "offset", "expected"),
    [
        ((1, 1), 0, [[[0, 1], [2, 3]], [[6, 7], [8, 9]]]),
        ((1, 2), 0, [[[0, 1], [4, 5]], [[6, 7], [10, 11]]]),
        ((1, 2), 1, [[[0, 0], [0, 4]], [[0, 6], [0, 10]]]),
        ((1, 1), 2, [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]),
    ],
)
def test_shortcuts(stride: tuple[int, int], offset: int, expected: list[Any]) -> None:
    """The operand is [y·stride, x·stride, c − offset], zero for channels it lacks."""
    widen = Node("widen", "real_conv", "image", (1, 2), **PLAIN, weight="w", real="wide")
    graph = Graph(
        InputSpec("image", 2),
        "y",
        (
            TensorSpec("image", "image", 2, 2, 2),
            TensorSpec("wide", "real", 2, 3, 2),
            TensorSpec("y", "real", 2, 2, 2),
        ),
        (
            Node(**{**vars(widen), "padding": (0, 1)}),
            Node("n", "pointwise", "image", shortcut=Shortcut("wide", stride, offset), real="y"),
        ),
    )
    engine = ReferenceEngine(encode(graph, {"w": np.zeros((2, 1, 2, 2), np.float32)}))
    image = np.zeros((1, 2, 2, 2), np.uint8)
    wide = np.arange(12, dtype=np.float32).reshape(1, 2, 3, 2)
    y = engine.run_nodes({"image": image, "wide": wide}, ["y"])["y"]
    np.testing.assert_array_equal(y[0], expected)


def _small() -> bytes:
    """image (2, 2, 1) → bits → dots → logits of 3 classes."""
    graph = Graph(
        InputSpec("image", 2),
        "logits",
        (
            TensorSpec("image", "image", 2, 2, 1),
            TensorSpec("b", "bits", 2, 2, 1),
            TensorSpec("logits", "real", 1, 1, 3),
        ),
        (
            Node("binarize", "pointwise", "image", signs=(SignOutput("b", "t", "f"),)),
            Node("fc", "binary_conv", "b", (2, 2), **PLAIN, weight="w", real="logits"),
        ),
        ("one", "two", "three"),
    )
    weight = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 1]], np.bool_)
    constants = {"t": np.float32([100]), "f": np.uint8([0]), "w": pack_bits(weight)}
    return encode(graph, constants)


def test_call_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "small.sbnn"
    path.write_bytes(_small())
    engine = ReferenceEngine(path)
    assert engine.input_shape == (2, 2, 1)
    assert engine.class_names == ["one", "two", "three"]
    images = np.uint8([[99, 100, 255, 0], [200, 200, 200, 200]]).reshape(2, 2, 2, 1)
    logits = engine(images)
    assert logits.dtype == np.float32
    assert logits.tolist() == [[0, 0, 2], [4, -4, 2]]
    assert engine(images.astype(np.float32)).tolist() == logits.tolist()
    assert engine(images[:0]).shape == (0, 3)
    assert (
        engine.run_nodes({"image": images}, ["b"])["b"].ravel().tolist() == [1, 0, 0, 1] + [0] * 4
    )


def test_a_fed_tensor_is_not_computed() -> None:
    engine = ReferenceEngine(_small())
    bits = np.ones((1, 2, 2, 1), np.uint8)
    values = engine.run_nodes({"b": bits}, ["fc#dots", "logits", "b"])
    assert values["fc#dots"].ravel().tolist() == [-4, 4, -2]
    assert values["logits"].ravel().tolist() == [-4, 4, -2]
    assert values["b"] is not bits
    np.testing.assert_array_equal(values["b"], bits)


def test_parts_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """However images are cut into parts and blocks, the answers are the same."""
    engine = ReferenceEngine(_small())
    images = np.random.default_rng(2).integers(0, 256, (7, 2, 2, 1)).astype(np.uint8)
    expected = engine(images)
    monkeypatch.setattr("signbit.runtime.reference._PART_ELEMENTS", 8)
    monkeypatch.setattr("signbit.runtime.reference._BLOCK_ELEMENTS", 1)
    np.testing.assert_array_equal(engine(images), expected)


@pytest.mark.parametrize(
    ("feeds", "fetches", "message"),
    [
        ({}, ["logits"], "at least one"),
        ({"image": np.zeros((1, 2, 3, 1), np.uint8)}, ["logits"], "shape"),
        ({"image": np.zeros((2, 2, 1), np.uint8)}, ["logits"], "shape"),
        ({"image": np.zeros((1, 2, 2, 1), np.float64)}, ["logits"], "float32"),
        ({"image": np.full((1, 2, 2, 1), np.nan, np.float32)}, ["logits"], "finite"),
        ({"image": np.full((1, 2, 2, 1), np.inf, np.float32)}, ["logits"], "finite"),
        ({"b": np.full((1, 2, 2, 1), 2, np.uint8)}, ["logits"], "0 or 1"),
        ({"b": np.zeros((1, 2, 2, 1), np.float32)}, ["logits"], "uint8"),
        ({"b": [[[[0]]]]}, ["logits"], "NumPy array"),
        ({"nonsense": np.zeros((1, 2, 2, 1), np.uint8)}, ["logits"], "nonsense"),
        ({"b": np.zeros((1, 2, 2, 1), np.uint8)}, ["nonsense"], "nonsense"),
        ({"b": np.zeros((1, 2, 2, 1), np.uint8)}, ["binarize#dots"], "binarize#dots"),
        ({"logits": np.zeros((1, 1, 1, 3), np.float32)}, ["b"], "'image' is needed"),
        (
            {"b": np.zeros((1, 2, 2, 1), np.uint8), "image": np.zeros((2, 2, 2, 1), np.uint8)},
            ["logits"],
            "batch sizes differ",
        ),
    ],
)
def test_refusals(feeds: dict[str, Any], fetches: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ReferenceEngine(_small()).run_nodes(feeds, fetches)
