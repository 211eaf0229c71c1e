"""The native engine beside the reference on values that random graphs avoid: zeros of both signs,
subnormals, infinities and NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from tests.runtime import strategies
from tests.runtime.identity import assert_identical, every_isa

import signbit
from signbit.bitformat import encode
from signbit.bitformat.activations import ACTIVATIONS
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Step
from signbit.bitformat.table import STEPS
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]

EXTREMES = [0.0, 2.0**-149, 2.0**-130, 2.0**-126, 0.5, 1, 1.5, 86.99, 87, 87.01, 88, 88.01, 100]
EXTREMES += [0.62499994, 0.625, 2.9999998, 3, 9, 1e15, 1e19, 1e30, 3.4e38]


def every_activation() -> bytes:
    """Reals straight through every activation: identity nodes on one real input."""
    constants = {
        "0": np.float32([1, -1, 0.0, 2.0**-100, 3]),
        "1": np.float32([0.0, -0.0, -0.0, 2.0**-140, -1]),
        "2": np.float32([0.25, -2, 0.0, -0.0, 1e30]),
        "3": np.float32([-0.0, 1, -1, 1e-40, -1e30]),
        "4": np.float32([0.0, -0.0, 1, 2.0**-149, -1]),
        "5": np.uint8([0, 1, 0, 1, 0]),
    }
    nodes = []
    for op in ACTIVATIONS:
        keys = dict(zip((key.name for key in STEPS[op].keys), (2, 3), strict=False))
        steps = [Step("affine", {"scale": 0, "shift": 1}), Step(op, keys)]
        if op == "maxout":
            steps.append(Step("offset", {"value": 1}))
        outputs = (Output(), Output("signs", threshold=4, flip=5))
        nodes.append(Node(op, "identity", (0,), steps=tuple(steps), outputs=outputs))
    graph = Graph((GraphInput("x", "real", (1, 1, 5)),), (GraphOutput("y", 1),), tuple(nodes))
    return encode(graph, constants)


@every_isa
def test_extreme_reals(isa: str) -> None:
    """Zeros of both signs, subnormals, the ends of exp and tanh's middle, the largest float32."""
    values = [*EXTREMES, *np.linspace(0, 90, 500).tolist()]
    x = np.float32(values + [-value for value in values])
    x = np.repeat(x, 5).reshape(-1, 1, 1, 5)
    data = every_activation()
    fetches = range(1, 1 + 2 * len(ACTIVATIONS))
    expected = ReferenceEngine(data).run_nodes({0: x}, fetches)
    assert_identical(signbit.load(data, isa=isa).run_nodes({0: x}, fetches), expected)


def pooled_overflow() -> tuple[bytes, Array]:
    """A convolution of bright pixels as infinities of both signs, so that its sums may be NaN."""
    rng = np.random.default_rng(6)
    constants = {
        "0": np.float32([3e38, -3e38, 1]),
        "1": np.zeros(3, np.float32),
        "2": rng.standard_normal((21, 3, 3, 3)).astype(np.float32),
        "3": rng.choice(np.float32([-0.5, 0.5, 1e30, -1e-30]), 21),
        "4": np.full(21, 0.125, np.float32),
    }
    nodes = (
        Node("bright", "identity", (0,), steps=(Step("affine", {"scale": 0, "shift": 1}),)),
        Node(
            "stem",
            "real_conv",
            (1,),
            {"kernel": (3, 3), "padding": (1, 1, 1, 1), "weight": 2},
            (Step("affine", {"scale": 3, "shift": 4}), Step("hardtanh")),
        ),
        Node(
            "pool",
            "max_pool",
            (2,),
            {"kernel": (3, 3), "stride": (2, 2), "padding": (1, 1, 1, 1)},
        ),
    )
    graph = Graph((GraphInput("image", "image", (13, 11, 3)),), (GraphOutput("pool", 3),), nodes)
    images = rng.integers(0, 256, (3, 13, 11, 3)) * (rng.random((3, 13, 11, 3)) < 0.1)
    return encode(graph, constants), images.astype(np.uint8)


@every_isa
def test_pooled_infinities(isa: str) -> None:
    """NaN and ±inf leave a pool of sums as they leave a pool of reals."""
    data, images = pooled_overflow()
    engine = signbit.load(data, isa=isa, threads=2)
    nodes = engine.run_nodes({0: images}, [2, 3])
    assert np.isnan(nodes[2]).any()
    assert np.isnan(nodes[3]).any()
    assert not np.isnan(nodes[3]).all()
    pooled = engine(images).reshape(nodes[3].shape)
    assert_identical({"pool": pooled}, {"pool": nodes[3]})
    expected = ReferenceEngine(data).run_nodes({0: images}, [3])[3]
    np.testing.assert_array_equal(nodes[3], expected)


@every_isa
def test_infinities_beside_whole_words(isa: str) -> None:
    """Adding nothing, and multiplying by 1, leaves zeros, infinities and NaN as they are."""
    extremes = np.float32([np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 2.0**-149, -1])
    for seed in range(30):
        case = strategies.widened(seed)
        rng = np.random.default_rng(seed)
        real, bits = case.written()[0]
        shape = (2, *case.tensors[real].shape)
        feeds = {
            real: rng.choice(extremes, shape),
            bits: rng.integers(0, 2, shape).astype(np.uint8),
        }
        fetches = [number for numbers in case.written()[1:] for number in numbers]
        expected = ReferenceEngine(case.data).run_nodes(feeds, fetches)
        engine = signbit.load(case.data, threads=2, isa=isa)
        assert_identical(engine.run_nodes(feeds, fetches), expected)
