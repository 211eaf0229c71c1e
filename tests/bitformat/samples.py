"""Small valid graphs, which between them use every operation, every step and every key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from tests.bitformat.builder import REAL, Array, Builder, Constants, Sample
from tests.bitformat.drawn_keys import SIMPLE, drawn_keys, drawn_operation
from tests.bitformat.files import raw_file

from signbit.bitformat import encode
from signbit.bitformat.graph import Output, Resize, Step
from signbit.bitformat.table import STEPS
from signbit.bitformat.validate import Tensor

__all__ = [
    "SAMPLES",
    "Array",
    "Constants",
    "Make",
    "Sample",
    "confident",
    "int16_filter",
    "int16_sample",
    "offsets_sample",
    "operations_sample",
    "sample",
    "sample_bytes",
    "steps_sample",
    "table_sample",
]

Make = Callable[[], Sample]

SIGNS = Output("signs")
THREE = {"kernel": (3, 3), "padding": (1, 1, 1, 1)}


def sample() -> Sample:
    """6×6 RGB → real stem → binary conv with pool, shortcut and prelu → pools → 4 classes."""
    b = Builder(0)
    image = b.input("image", "image", 6, 6, 3, resize=Resize(7, "nearest"))
    stem, signs = b.node(
        "stem",
        "real_conv",
        (image,),
        Step("hardtanh"),
        **THREE,
        weight=b.floats(8, 3, 3, 3),
        pad_value=b.floats(3),
        outputs=(REAL, Output("signs", threshold=b.floats(8), flip=b.flip(8))),
    )
    body, compared = b.node(
        "body",
        "binary_conv",
        (signs, stem),
        Step("affine", {"scale": b.floats(10), "shift": b.floats(10)}),
        Step("add", {"input": 1, "every": (2, 2), "offset": 1}),
        Step("prelu", {"slope": b.floats(10)}),
        **THREE,
        groups=2,
        pool_kernel=(2, 2),
        pool_stride=(2, 2),
        weight=b.filters(10, 36),
        outputs=(REAL, Output("signs", 0, b.integers(np.int32, -5, 5, 10), b.flip(10))),
    )
    pooled = b.node(
        "pool",
        "max_pool",
        (compared,),
        kernel=(2, 2),
        stride=(2, 2),
        padding=(1, 1, 1, 1),
        outputs=(SIGNS,),
    )
    mean = b.node("mean", "global_mean", (body,))
    logits = b.node(
        "fc",
        "binary_conv",
        (pooled, mean),
        Step("add", {"input": 1, "every": (0, 0)}),
        kernel=(2, 2),
        weight=b.filters(4, 40),
    )
    b.output("logits", logits, "cat", "dog", "émeu", "Ω")
    return b.sample(source={"recipe": 'a "quoted" one\n', "méthode": "bnn"})


def int16_sample() -> Sample:
    """5×4 RGB → int16 stem, with scores of its reals' means and signs of its integers."""
    b = Builder(1)
    image = b.input("image", "image", 5, 4, 3)
    scale = b.constant(np.float32([1e-5, -1e-5, 1e-6, 1, -1, 0.5]))
    stem, signs = b.node(
        "stem",
        "real_conv",
        (image,),
        Step("affine", {"scale": scale, "shift": b.floats(6)}),
        **THREE,
        weight=b.integers(np.int16, -8191, 8191, 6, 3, 3, 3),
        pad_value=b.constant(np.uint8([0, 124, 255])),
        outputs=(REAL, Output("signs", 0, b.integers(np.int32, -(10**6), 10**6, 6), b.flip(6))),
    )
    b.output("logits", b.node("mean", "global_mean", (stem,)))
    weight = b.filters(2, 27)
    b.output("dots", b.node("conv", "binary_conv", (signs,), **THREE, copies=2, weight=weight))
    return b.sample(source={"for": "the tests of int16 stems"})


def offsets_sample() -> Sample:
    """6×5 pixels of 4 channels → a convolution whose weights and inputs have offsets, and a map."""
    b = Builder(2)
    image = b.input("image", "image", 6, 5, 4)
    affine = {
        "scale": b.constant(np.full(4, 1 / 64, np.float32)),
        "shift": b.constant(np.full(4, -2, np.float32)),
    }
    x, bits = b.node(
        "prepare",
        "identity",
        (image,),
        Step("affine", affine),
        outputs=(REAL, Output("signs", threshold=b.floats(4))),
    )
    mean = b.node("mean", "mean_abs", (x,))
    box = b.constant(np.full((1, 3, 3, 1), 1 / 9, np.float32))
    k = b.node("box", "real_conv", (mean,), **THREE, weight=box)
    sums = b.node("sum", "sign_sum", (bits,), **THREE, groups=2)
    taps = ((1, 3), (0, 3), (0, 2))
    by_border = {
        "scale": b.floats(10),
        "shift": b.floats(3, 4, 10),
        "row_taps": taps,
        "column_taps": (*taps, (0, 0)),  # one more than occur
    }
    y, signs = b.node(
        "conv",
        "binary_conv",
        (bits, k, sums, x),
        Step("multiply", {"input": 1, "repeat": "tile"}),
        Step("affine", by_border),
        Step("add", {"input": 2, "repeat": "each", "weighted": b.floats(10)}),
        Step("add", {"input": 3, "repeat": "tile"}),
        Step("maxout", {"slope": b.floats(10), "positive_slope": b.floats(10)}),
        Step("offset", {"value": b.floats(10)}),
        **THREE,
        groups=2,
        weight=b.filters(10, 18),
        outputs=(Output("real", 4), Output("signs", flip=b.flip(10))),
    )
    head = b.node("head", "real_conv", (signs,), kernel=(6, 5), weight=b.filters(3, 300))
    confidence = b.constant(np.float32([2.5, 0.4]))
    b.output("logits", head, "a", "b", "c", confidence=confidence)
    b.output("y", y)
    return b.sample(source={"for": "offsets"})


def operations_sample() -> Sample:
    """8×8 RGB and a vector through every operation."""
    b = Builder(3)
    image = b.input("image", "image", 8, 8, 3, resize=Resize(8))
    features = b.input("features", "real", 1, 1, 6)
    x, bits = b.node("x", "identity", (image,), outputs=(REAL, SIGNS))
    deep = b.node("deep", "space_to_depth", (x,), block=2)
    flat = b.node("flat", "depth_to_space", (deep,), block=2)
    tall = b.node("tall", "upsample", (deep,), factor=(2, 1))
    part = b.node("part", "slice", (tall,), first=2, count=5)
    parts, signs = b.node(
        "parts",
        "concat",
        (part, part, tall),
        Step("subtract", {"input": 2, "offset": 3}),
        outputs=(REAL, SIGNS),
    )
    mean = b.node(
        "average",
        "avg_pool",
        (parts,),
        kernel=(3, 2),
        stride=(2, 2),
        padding=(1, 1, 1, 0),
        ceil=True,
        count_padding=True,
    )
    kept = b.node(
        "largest",
        "max_pool",
        (signs,),
        kernel=(2, 2),
        stride=(2, 2),
        dilation=(2, 1),
        ceil=True,
        outputs=(SIGNS,),
    )
    length = {"epsilon": b.constant(np.float32([1e-12]))}
    whole = b.node("whole", "l2_normalise", (b.node("any", "global_max", (kept,)),), **length)
    b.output("shares", b.node("shares", "softmax", (whole,)))
    b.output("magnitude", b.node("magnitude", "mean_abs", (mean,)))
    b.output("sums", b.node("sums", "sign_sum", (signs,), **THREE, groups=5))
    row = b.node("row", "flatten", (kept,), outputs=(SIGNS,))
    logits = b.node(
        "logits",
        "binary_conv",
        (row, features),
        Step("add", {"input": 1}),
        weight=b.filters(6, 80),
    )
    b.output("logits", logits)
    real = b.node(
        "real",
        "real_conv",
        (bits,),
        kernel=(3, 3),
        stride=(2, 1),
        padding=(2, 0, 1, 1),
        dilation=(1, 2),
        groups=3,
        weight=b.filters(6, 9),
        pad_value=b.floats(3),
    )
    b.output("real", b.node("real.mean", "global_mean", (real,)))
    padded = b.node(
        "padded",
        "binary_conv",
        (signs, flat),
        Step("add", {"input": 1, "every": (2, 3)}),
        **THREE,
        stride=(2, 2),
        groups=5,
        pad_sign="negative",
        weight=b.filters(5, 18),
        outputs=(SIGNS,),
    )
    b.output("padded", padded)
    turned = b.node("turned", "transpose", (x,), whole_pixels=True)
    columns = b.node("columns", "transpose", (turned,))
    b.output("squares", b.node("squares", "matmul", (columns, turned), over_pixels=True))
    used = {node.op for node in b.nodes}
    for rule in SIMPLE:
        if rule.name in used:
            continue
        source, kind = (x, "real") if "real" in rule.inputs[0] else (bits, "bits")
        _, keys = drawn_operation(b.rng, Tensor(kind, (8, 8, 3)), [rule])
        b.output(rule.name, b.node(rule.name, rule.name, (source,), **b.numbered(keys)))
    return b.sample()


def steps_sample() -> Sample:
    """5×4 pixels of 6 channels through every step; its file is of any size."""
    b = Builder(4)
    image = b.input("image", "image", 5, 4, 6)
    x, bits = b.node("x", "identity", (image,), outputs=(REAL, Output("signs", flip=b.flip(6))))
    gates = b.node("gates", "global_mean", (x,), Step("sigmoid"))
    steps = (
        Step("affine", {"scale": b.floats(6), "shift": b.floats(6)}),
        Step("relu"),
        Step("multiply", {"input": 1, "every": (0, 0)}),
        Step("hardtanh"),
        Step("clip", {"low": b.floats(6), "high": b.floats(6)}),
        Step("subtract", {"input": 2}),
        Step("prelu", {"slope": b.floats(6)}),
        Step("maxout", {"slope": b.floats(6), "positive_slope": b.floats(6)}),
        Step("add", {"input": 2, "weighted": b.floats(6)}),
        Step("hard_sigmoid"),
        Step("hardswish"),
        Step("silu"),
        Step("offset", {"value": b.floats(6)}),
        Step("gelu"),
        Step("tanh"),
    )
    used = {step.op for step in steps}
    rest = [rule for rule in STEPS.values() if rule.name not in used]
    steps += tuple(Step(rule.name, b.numbered(drawn_keys(rule, 6, b.rng))) for rule in rest)
    y, *_ = b.node(
        "all",
        "binary_conv",
        (bits, gates, x),
        *steps,
        **THREE,
        pad_sign="positive",
        weight=b.filters(6, 54),
        outputs=(
            REAL,
            Output("signs", 0, b.integers(np.int32, -9, 9, 6)),
            Output("real", 3),
            Output("signs", 15, b.floats(6), b.flip(6)),
            Output("real", 0),
        ),
    )
    b.output("y", y)
    return b.sample(any_size=True)


def table_sample() -> Sample:
    """Two images of 5×4 RGB, of which one has a table → convolutions of either, and signs."""
    b = Builder(6)
    image = b.input("image", "image", 5, 4, 3, table=b.integers(np.uint8, 0, 255, 256, 3))
    plain = b.input("plain", "image", 5, 4, 3)
    packed, signs = b.node(
        "packed",
        "real_conv",
        (image,),
        Step("affine", {"scale": b.floats(8), "shift": b.floats(8)}),
        Step("prelu", {"slope": b.floats(8)}),
        **THREE,
        weight=b.filters(8, 27),
        pad_value=b.constant(np.float32([0, 128, 255])),
        outputs=(REAL, Output("signs", threshold=b.floats(8), flip=b.flip(8))),
    )
    stem = b.node(
        "stem",
        "real_conv",
        (image, packed),
        Step("affine", {"scale": b.floats(8), "shift": b.floats(8)}),
        Step("add", {"input": 1}),
        **THREE,
        weight=b.integers(np.int16, -300, 300, 8, 3, 3, 3),
        pad_value=b.constant(np.uint8([0, 124, 255])),
    )
    other = b.node(
        "other",
        "real_conv",
        (plain, stem),
        Step("add", {"input": 1}),
        Step("hardtanh"),
        **THREE,
        weight=b.floats(8, 3, 3, 3),
        pad_value=b.floats(3),
    )
    scale, shift = np.full((2, 3), [[1 / 64], [-2]], np.float32)
    pixels = b.node(
        "pixels",
        "identity",
        (image,),
        Step("affine", {"scale": b.constant(scale), "shift": b.constant(shift)}),
        outputs=(SIGNS,),
    )
    joined = b.node("joined", "concat", (signs, pixels), outputs=(SIGNS,))
    keys = {"pool_kernel": (2, 2), "pool_stride": (2, 1), "weight": b.filters(4, 99)}
    b.output("dots", b.node("dots", "binary_conv", (joined,), **THREE, **keys))
    b.output("values", other)
    return b.sample(source={"for": "the tests of tables of pixels"})


SAMPLES: Mapping[str, Make] = {
    "sample": sample,
    "int16": int16_sample,
    "offsets": offsets_sample,
    "operations": operations_sample,
    "steps": steps_sample,
    "table": table_sample,
}


def confident(made: Sample, temperature: float, least_probability: float) -> Sample:
    """The same with a temperature and a least probability of its first output's scores."""
    graph, constants = made
    number = len(constants)
    outputs = (replace(graph.outputs[0], confidence=number), *graph.outputs[1:])
    values = np.array([temperature, least_probability], np.float32)
    return replace(graph, outputs=outputs), {**constants, str(number): values}


def sample_bytes() -> bytes:
    return encode(*sample())


def int16_filter(taps: int, last: int) -> bytes:
    """A file, not validated, of one int16 filter: ±8191 for so many taps, the last of this size."""
    b = Builder(5)
    weight = np.where(np.arange(taps) % 2, -8191, 8191)
    weight[-1] = last
    number = b.constant(weight.astype(np.int16).reshape(1, 1, taps, 1))
    image = b.input("image", "image", 1, taps, 1)
    b.output("logits", b.node("stem", "real_conv", (image,), kernel=(1, taps), weight=number))
    return raw_file(*b.sample())
