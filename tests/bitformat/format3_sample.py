"""A small file with every part of format version 3, and a file with one of them alone."""

from __future__ import annotations

import numpy as np
from tests.bitformat.samples import CONV, Array, Sample

from signbit.bitformat import pack_bits
from signbit.bitformat.graph import (
    Graph,
    InputSpec,
    Node,
    Shortcut,
    SignOutput,
    SignSums,
    TensorSpec,
)

PREPARE, MEAN, BOX, SUM, CONVOLVE, HEAD = range(6)


def format3_sample() -> Sample:
    """6×5 pixels of 4 channels → signs → a convolution with all of it → packed real weights."""
    tensors = (
        TensorSpec("image", "image", 6, 5, 4),
        TensorSpec("x", "real", 6, 5, 4),
        TensorSpec("x.bits", "bits", 6, 5, 4),
        TensorSpec("a", "real", 6, 5, 1),
        TensorSpec("k", "real", 6, 5, 1),
        TensorSpec("s", "real", 6, 5, 2),
        TensorSpec("y", "real", 6, 5, 10),
        TensorSpec("y.bits", "bits", 6, 5, 10),
        TensorSpec("logits", "real", 1, 1, 3),
    )
    nodes = (
        Node(
            "prepare",
            "pointwise",
            "image",
            scale="x.scale",
            shift="x.shift",
            real="x",
            signs=(SignOutput("x.bits", "x.threshold", "x.flip"),),
        ),
        Node("mean", "mean_abs", "x", real="a"),
        Node("box", "real_conv", "a", **CONV, groups=1, weight="box.weight", real="k"),
        Node("sum", "sign_sum", "x.bits", **CONV, groups=2, real="s"),
        Node(
            "conv",
            "binary_conv",
            "x.bits",
            **CONV,
            groups=2,
            weight="conv.weight",
            map="k",
            sums=SignSums("s", "conv.sums"),
            scale="conv.scale",
            shift="conv.shift",
            shortcut=Shortcut("x", repeat=True),
            activation="maxout",
            slope="conv.slope",
            positive_slope="conv.positive",
            offset="conv.offset",
            real="y",
            signs=(SignOutput("y.bits", "conv.threshold", "conv.flip"),),
        ),
        Node(
            "head",
            "real_conv",
            "y.bits",
            kernel=(6, 5),
            stride=(1, 1),
            padding=(0, 0),
            dilation=(1, 1),
            groups=1,
            weight="head.weight",
            real="logits",
        ),
    )
    rng = np.random.default_rng(3)

    def floats(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(np.float32)

    constants = {
        "x.scale": np.full(4, 1 / 64, np.float32),
        "x.shift": np.full(4, -2, np.float32),
        "x.threshold": floats(4),
        "x.flip": np.uint8([0, 1, 0, 1]),
        "box.weight": np.full((1, 3, 3, 1), 1 / 9, np.float32),
        "conv.weight": pack_bits(rng.random((10, 18)) < 0.5),
        "conv.sums": floats(10),
        "conv.scale": floats(10),
        "conv.shift": floats(3, 3, 10),
        "conv.slope": floats(10),
        "conv.positive": floats(10),
        "conv.offset": floats(10),
        "conv.threshold": floats(10),
        "conv.flip": np.uint8([1, 0] * 5),
        "head.weight": pack_bits(rng.random((3, 300)) < 0.5),
    }
    source = {"made": "by hand", "for": "all of version 3"}
    graph = Graph(
        InputSpec("image", 6), "logits", tensors, nodes, ("a", "b", "c"), source, format=3
    )
    return graph, constants
