"""What version 3 of the format adds, in the NumPy reference: float64 loops, and numbers by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.runtime import oracle

from signbit.bitformat import encode, pack_bits
from signbit.bitformat.borders import border_patterns
from signbit.bitformat.exact import fma
from signbit.bitformat.graph import (
    Graph,
    InputSpec,
    Node,
    Shortcut,
    SignOutput,
    SignSums,
    TensorSpec,
    output_size,
)
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]
Window = dict[str, Any]

WINDOWS: list[Window] = [
    {"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1},
    {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 3), "dilation": (1, 2), "groups": 2},
    {"kernel": (1, 4), "stride": (1, 3), "padding": (2, 0), "dilation": (3, 1), "groups": 3},
]
HEIGHT, WIDTH, CHANNELS, OUT = 5, 6, 12, 6


def binarize(bits: str) -> Node:
    """Signs of pixels, of which none is negative: only a test that feeds the signs uses it."""
    return Node("binarize", "pointwise", "image", signs=(SignOutput(bits, "t", "f"),))


def run(
    nodes: list[Node],
    tensors: dict[str, tuple[str, Any]],
    constants: dict[str, Array],
    **feeds: Any,
) -> Array:
    """The real tensor `y` of a graph whose signs `b` come from the image."""
    specs = [TensorSpec("image", "image", HEIGHT, WIDTH, CHANNELS)]
    specs += [TensorSpec("b", "bits", HEIGHT, WIDTH, CHANNELS)]
    specs += [TensorSpec(name, kind, *shape) for name, (kind, shape) in tensors.items()]
    zeros = {"t": np.zeros(CHANNELS, np.float32), "f": np.zeros(CHANNELS, np.uint8)}
    graph = Graph(InputSpec("image", 1), "y", tuple(specs), (binarize("b"), *nodes), format=3)
    engine = ReferenceEngine(encode(graph, {**zeros, **constants}))
    return engine.run_nodes(feeds, ["y"])["y"]


def windows(window: Window) -> tuple[Any, ...]:
    return tuple(window[key] for key in ("stride", "padding", "dilation", "groups"))


def out_size(window: Window) -> tuple[int, int]:
    keys = ("kernel", "stride", "padding", "dilation")
    height, width = (
        output_size(size, *(window[key][axis] for key in keys))
        for axis, size in enumerate((HEIGHT, WIDTH))
    )
    return height, width


def random_signs(rng: np.random.Generator, *shape: int) -> tuple[Array, Array]:
    """Bits as they are fed, and the ±1 they stand for."""
    bits = (rng.random(shape) < 0.4).astype(np.uint8)
    return bits, 1.0 - 2.0 * bits


@pytest.mark.parametrize("window", WINDOWS)
def test_sign_sums(window: Window) -> None:
    bits, signs = random_signs(np.random.default_rng(1), 2, HEIGHT, WIDTH, CHANNELS)
    shape = (*out_size(window), window["groups"])
    node = Node("n", "sign_sum", "b", **window, real="y")
    actual = run([node], {"y": ("real", shape)}, {}, b=bits)
    ones = np.ones((window["groups"], *window["kernel"], CHANNELS // window["groups"]))
    np.testing.assert_array_equal(actual, oracle.real_conv(signs, ones, *windows(window)))


def test_mean_abs_sums_channels_in_order() -> None:
    """1e8 + 3 + 3 + 3 is 1e8 in float32, and 3 + 3 + 3 + 1e8 is not."""
    x = np.zeros((1, HEIGHT, WIDTH, 4), np.float32)
    x[0, 0, 0] = [-1e8, 3, -3, 3]
    x[0, 0, 1] = [3, -3, 3, -1e8]
    x[0, 0, 2] = [-0.0, -1, 0.5, -2]
    tensors = {"x": ("real", (HEIGHT, WIDTH, 4)), "y": ("real", (HEIGHT, WIDTH, 1))}
    pack = Node(
        "pack",
        "real_conv",
        "b",
        kernel=(1, 1),
        stride=(1, 1),
        padding=(0, 0),
        dilation=(1, 1),
        groups=1,
        weight="w",
        real="x",
    )
    constants = {"w": np.zeros((4, 1, 1, CHANNELS), np.float32)}
    y = run([pack, Node("n", "mean_abs", "x", real="y")], tensors, constants, x=x)
    assert y.shape == (1, HEIGHT, WIDTH, 1)
    assert y[0, 0, :4, 0].tolist() == [1e8 / 4, np.float32(1e8 + 9) / np.float32(4), 0.875, 0]


@pytest.mark.parametrize("window", WINDOWS)
def test_values_that_are_not_symmetric(window: Window) -> None:
    """Inputs s + δ and weights α·sw + β by sums and a shift by border, against convolving them."""
    rng = np.random.default_rng(2)
    bits, signs = random_signs(rng, 3, HEIGHT, WIDTH, CHANNELS)
    groups, kernel = window["groups"], window["kernel"]
    weight_bits, weight_signs = random_signs(rng, OUT, *kernel, CHANNELS // groups)
    alpha, beta = rng.standard_normal(OUT), rng.standard_normal(OUT)
    delta = 0.3
    shape = (*out_size(window), OUT)
    node = Node("n", "binary_conv", "b", **window, weight="w")
    # δ·(α·W + β·N): what the offset adds over the taps inside, by pattern.
    rows, columns = border_patterns(node, HEIGHT, WIDTH)
    shift = np.zeros((len(rows.taps), len(columns.taps), OUT))
    weights = alpha[:, None, None, None] * weight_signs + beta[:, None, None, None]
    for i, j in np.ndindex(*shift.shape[:2]):
        (top, bottom), (left, right) = rows.taps[i], columns.taps[j]
        shift[i, j] = delta * weights[:, top:bottom, left:right].sum(axis=(1, 2, 3))
    constants = {
        "w": pack_bits(weight_bits.reshape(OUT, -1).astype(np.bool_)),
        "scale": alpha.astype(np.float32),
        "shift": shift.astype(np.float32),
        "sums": beta.astype(np.float32),
    }
    keys = {"sums": SignSums("s", "sums"), "scale": "scale", "shift": "shift", "real": "y"}
    conv = Node(**{**vars(node), **keys})
    tensors = {"s": ("real", (*shape[:2], groups)), "y": ("real", shape)}
    actual = run(
        [Node("sum", "sign_sum", "b", **window, real="s"), conv], tensors, constants, b=bits
    )
    expected = oracle.real_conv(signs + delta, weights, *windows(window))
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("window", WINDOWS)
def test_rounding_of_map_scale_and_sums(window: Window) -> None:
    """One rounding for the map, one for scale and shift, one for the sums, in this order."""
    rng = np.random.default_rng(3)
    bits, signs = random_signs(rng, 2, HEIGHT, WIDTH, CHANNELS)
    groups = window["groups"]
    weight_bits, weight_signs = random_signs(rng, OUT, *window["kernel"], CHANNELS // groups)
    height, width = out_size(window)
    tensors = {
        "k": ("real", (height, width, 1)),
        "s": ("real", (height, width, groups)),
        "y": ("real", (height, width, OUT)),
    }
    constants = {"w": pack_bits(weight_bits.reshape(OUT, -1).astype(np.bool_))}
    for name in ("scale", "shift", "sums"):
        constants[name] = rng.standard_normal(OUT).astype(np.float32)
    keys = {"scale": "scale", "shift": "shift", "map": "k", "sums": SignSums("s", "sums")}
    nodes = [
        Node("map", "sign_sum", "b", **{**window, "groups": 1}, real="k"),
        Node("sum", "sign_sum", "b", **window, real="s"),
        Node("n", "binary_conv", "b", **window, weight="w", **keys, real="y"),
    ]
    k = rng.standard_normal((2, height, width, 1)).astype(np.float32)
    s = rng.standard_normal((2, height, width, groups)).astype(np.float32)
    actual = run(nodes, tensors, constants, b=bits, k=k, s=s)
    dots = oracle.real_conv(signs, weight_signs, *windows(window)).astype(np.float32)
    for n, y, x, c in np.ndindex(actual.shape):
        v = dots[n, y, x, c] * k[n, y, x, 0]
        v = fma(v, constants["scale"][c], constants["shift"][c])
        v = fma(s[n, y, x, c // (OUT // groups)], constants["sums"][c], v)
        assert actual[n, y, x, c] == v


def test_pointwise_times_a_map() -> None:
    """Multiplied, rounded, and only then scaled and shifted."""
    rng = np.random.default_rng(5)
    size = (HEIGHT, WIDTH)
    x = rng.standard_normal((2, *size, CHANNELS)).astype(np.float32)
    k = rng.standard_normal((2, *size, 1)).astype(np.float32)
    scale, shift = rng.standard_normal((2, CHANNELS)).astype(np.float32)
    nodes = [
        Node("copy", "pointwise", "image", real="x"),
        Node("mean", "mean_abs", "x", real="k"),
        Node("n", "pointwise", "x", map="k", scale="scale", shift="shift", real="y"),
    ]
    shape = (*size, CHANNELS)
    tensors = {"x": ("real", shape), "k": ("real", (*size, 1)), "y": ("real", shape)}
    bits = np.zeros(x.shape, np.uint8)
    actual = run(nodes, tensors, {"scale": scale, "shift": shift}, b=bits, x=x, k=k)
    np.testing.assert_array_equal(actual, fma(x * k, scale, shift))


@pytest.mark.parametrize("window", WINDOWS)
def test_real_convolutions_of_signs_and_with_signs(window: Window) -> None:
    """The chain is that of the same values as reals; a tap outside is its channel's pad_value."""
    rng = np.random.default_rng(4)
    per_group = CHANNELS // window["groups"]
    bits, signs = random_signs(rng, 2, HEIGHT, WIDTH, CHANNELS)
    weight_bits, weight_signs = random_signs(rng, OUT, *window["kernel"], per_group)
    shape = (*window["kernel"], per_group)
    packed = pack_bits(weight_bits.reshape(OUT, -1).astype(np.bool_))
    real_weight = rng.standard_normal((OUT, *shape)).astype(np.float32)
    pad = rng.standard_normal(CHANNELS).astype(np.float32)
    tensors = {"x": ("real", (HEIGHT, WIDTH, CHANNELS)), "y": ("real", (*out_size(window), OUT))}
    copy = Node("copy", "pointwise", "image", real="x")
    x = rng.standard_normal(signs.shape).astype(np.float32)

    def conv(source: str, weight: Array, **feeds: Array) -> Array:
        node = Node("n", "real_conv", source, **window, weight="w", pad_value="p", real="y")
        return run([copy, node], tensors, {"w": weight, "p": pad}, **feeds)

    reals = signs.astype(np.float32)
    as_reals = conv("x", real_weight, x=reals)
    np.testing.assert_array_equal(conv("b", real_weight, b=bits), as_reals)
    unpacked = weight_signs.astype(np.float32)
    np.testing.assert_array_equal(conv("x", packed, x=x), conv("x", unpacked, x=x))
    np.testing.assert_array_equal(conv("b", packed, b=bits), conv("x", unpacked, x=reals))


def epilogue(v: list[float], constants: dict[str, Array], **keys: Any) -> list[Any]:
    """What a pointwise node of one channel makes of these values."""
    graph = Graph(
        InputSpec("image", 1),
        "y",
        (TensorSpec("image", "image", 1, len(v), 1), TensorSpec("y", "real", 1, len(v), 1)),
        (Node("n", "pointwise", "image", **keys, real="y"),),
        format=3,
    )
    image = np.float32(v).reshape(1, 1, -1, 1)
    result: list[Any] = ReferenceEngine(encode(graph, constants))(image).ravel().tolist()
    return result


def test_maxout_and_offset() -> None:
    v = [-3, -1, -0.0, 0, 0.5, 2]
    constants = {"n": np.float32([-2]), "p": np.float32([-0.5])}
    keys = {"activation": "maxout", "slope": "n", "positive_slope": "p"}
    assert epilogue(v, constants, **keys) == [6, 2, 0, 0, -0.25, -1]
    constants["o"] = np.float32([1])
    assert epilogue(v, constants, **keys, offset="o") == [7, 3, 1, 1, 0.75, 0]
    assert epilogue(v, {"o": constants["o"]}, activation="hardtanh", offset="o") == [
        *(0, 0, 1, 1, 1.5, 2),
    ]


def test_shortcuts_that_repeat() -> None:
    """Seven channels read those of three: 0 1 2 0 1 2 0, with a stride."""
    widen = Node(
        "n",
        "real_conv",
        "image",
        kernel=(1, 1),
        stride=(2, 1),
        padding=(0, 0),
        dilation=(1, 1),
        groups=1,
        weight="w",
        shortcut=Shortcut("x", (1, 2), repeat=True),
        real="y",
    )
    graph = Graph(
        InputSpec("image", 1),
        "y",
        (
            TensorSpec("image", "image", 2, 1, 3),
            TensorSpec("x", "real", 2, 1, 3),
            TensorSpec("y", "real", 1, 1, 7),
        ),
        (Node("copy", "pointwise", "image", real="x"), widen),
        format=3,
    )
    engine = ReferenceEngine(encode(graph, {"w": np.zeros((7, 1, 1, 3), np.float32)}))
    assert engine(np.uint8([5, 6, 7, 1, 2, 3]).reshape(1, 2, 1, 3)).ravel().tolist() == [
        *(5, 6, 7, 5, 6, 7, 5),
    ]
