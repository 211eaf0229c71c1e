"""The native engine equals the NumPy reference bit for bit: every op, ISA and thread count.

Whatever a random graph holds, every tensor of it is compared, dots included, as raw bits.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bitformat.samples import sample_bytes
from tests.runtime import strategies
from tests.runtime.graphs import Case
from tests.runtime.identity import THREADS, assert_identical, check, check_each_node, every_isa

import signbit
from signbit.bitformat import encode
from signbit.bitformat.graph import ACTIVATIONS, Graph, InputSpec, Node, SignOutput, TensorSpec
from signbit.bitformat.versions import with_lowest_format
from signbit.errors import InputError
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]


@every_isa
@settings(derandomize=True, deadline=None, max_examples=100)
@given(case=strategies.binary_convs, threads=THREADS)
def test_binary_convolutions(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=40)
@given(case=strategies.linears, threads=THREADS)
def test_fully_connected_layers(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=60)
@given(case=strategies.real_heads, threads=THREADS)
def test_real_heads_of_batches(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=60)
@given(case=strategies.real_convs, threads=THREADS)
def test_real_convolutions(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=100)
@given(case=strategies.int16_stems, threads=THREADS)
def test_int16_stems(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=60)
@given(case=st.one_of(strategies.networks, strategies.int16_networks), threads=THREADS)
def test_networks(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=100)
@given(case=strategies.pooled_stems, threads=THREADS)
def test_pooled_stems(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=24)
@given(case=strategies.bandeds, threads=THREADS)
def test_pools_of_large_tensors(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=40)
@given(case=strategies.binarizeds, threads=THREADS)
def test_signs_made_for_one_convolution(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=40)
@given(case=strategies.residuals, threads=THREADS)
def test_residual_networks(isa: str, case: Case, threads: int) -> None:
    check(case, isa, threads)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    case=st.one_of(strategies.networks, strategies.int16_networks),
    threads=THREADS,
    seed=st.integers(0, 2**32),
)
def test_each_node_alone(isa: str, case: Case, threads: int, seed: int) -> None:
    """A node fed with its own inputs (bits and reals out of the blue) gives its outputs."""
    check_each_node(case, isa, threads, seed)


@every_isa
@settings(derandomize=True, deadline=None, max_examples=30)
@given(case=strategies.networks, threads=THREADS)
def test_images_do_not_influence_each_other(isa: str, case: Case, threads: int) -> None:
    """A batch gives what its images give one by one, however often the engine has run."""
    engine = signbit.load(case.data, threads=threads, isa=isa)
    images = case.feeds["image"]
    together = engine(images)
    alone = [engine(images[i : i + 1]) for i in range(len(images))]
    assert_identical({"y": engine(images)}, {"y": together})
    if alone:
        assert_identical({"y": np.concatenate(alone)}, {"y": together})


@every_isa
def test_one_engine_in_many_threads(isa: str) -> None:
    case = strategies.network(3)
    engine = signbit.load(case.data, threads=2, isa=isa)
    rng = np.random.default_rng(4)
    batches = [
        rng.integers(0, 256, (n % 5, *engine.input_shape)).astype(np.uint8) for n in range(40)
    ]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(engine, batches))
    reference = ReferenceEngine(case.data)
    for images, result in zip(batches, results, strict=True):
        assert_identical({"y": result}, {"y": reference(images)})


def _extremes() -> bytes:
    """Reals straight through every activation: pointwise nodes on one real tensor."""
    tensors = [TensorSpec("image", "image", 1, 1, 5), TensorSpec("x", "real", 1, 1, 5)]
    nodes = [Node("x", "pointwise", "image", real="x")]
    for name in ACTIVATIONS:
        maxout = name == "maxout"
        tensors += [TensorSpec(name, "real", 1, 1, 5), TensorSpec(f"{name}.b", "bits", 1, 1, 5)]
        nodes.append(
            Node(
                name,
                "pointwise",
                "x",
                scale="scale",
                shift="shift",
                activation=name,
                slope="slope" if maxout or name == "prelu" else None,
                positive_slope="positive" if maxout else None,
                offset="shift" if maxout else None,
                real=name,
                signs=(SignOutput(f"{name}.b", "threshold", "flip"),),
            )
        )
    graph = Graph(InputSpec("image", 1), "relu", tuple(tensors), tuple(nodes))
    constants = {
        "scale": np.float32([1, -1, 0.0, 2.0**-100, 3]),
        "shift": np.float32([0.0, -0.0, -0.0, 2.0**-140, -1]),
        "slope": np.float32([0.25, -2, 0.0, -0.0, 1e30]),
        "positive": np.float32([-0.0, 1, -1, 1e-40, -1e30]),
        "threshold": np.float32([0.0, -0.0, 1, 2.0**-149, -1]),
        "flip": np.uint8([0, 1, 0, 1, 0]),
    }
    return encode(with_lowest_format(graph, constants), constants)


@every_isa
def test_extreme_reals(isa: str) -> None:
    """Zeros of both signs, subnormals, sigmoid's clip, the largest float32."""
    values = [0.0, 2.0**-149, 2.0**-130, 2.0**-126, 0.5, 1, 1.5, 86.99, 87, 87.01, 88, 88.01]
    values += [100, 1e30, 3.4e38, *np.linspace(0, 90, 500).tolist()]
    x = np.float32(values + [-value for value in values])
    x = np.repeat(x, 5).reshape(-1, 1, 1, 5)
    data = _extremes()
    fetches = [*ACTIVATIONS, *(f"{name}.b" for name in ACTIVATIONS)]
    with np.errstate(over="ignore"):
        expected = ReferenceEngine(data).run_nodes({"x": x}, fetches)
    assert_identical(signbit.load(data, isa=isa).run_nodes({"x": x}, fetches), expected)


def _pooled_overflow() -> tuple[bytes, Array]:
    """A convolution of bright pixels as infinities of both signs, so that its sums may be NaN."""
    rng = np.random.default_rng(6)
    tensors = [
        TensorSpec("image", "image", 13, 11, 3),
        TensorSpec("bright", "real", 13, 11, 3),
        TensorSpec("stem", "real", 13, 11, 21),
        TensorSpec("pool", "real", 7, 6, 21),
    ]
    bright = Node("bright", "pointwise", "image", scale="bright", shift="dark", real="bright")
    stem = Node(
        "stem",
        "real_conv",
        "bright",
        kernel=(3, 3),
        stride=(1, 1),
        padding=(1, 1),
        dilation=(1, 1),
        groups=1,
        weight="weight",
        scale="scale",
        shift="shift",
        activation="hardtanh",
        real="stem",
    )
    pool = Node(
        "pool",
        "max_pool",
        "stem",
        kernel=(3, 3),
        stride=(2, 2),
        padding=(1, 1),
        real="pool",
    )
    graph = Graph(InputSpec("image", 11), "pool", tuple(tensors), (bright, stem, pool))
    constants = {
        "bright": np.float32([3e38, -3e38, 1]),
        "dark": np.zeros(3, np.float32),
        "weight": rng.standard_normal((21, 3, 3, 3)).astype(np.float32),
        "scale": rng.choice(np.float32([-0.5, 0.5, 1e30, -1e-30]), 21),
        "shift": np.full(21, 0.125, np.float32),
    }
    images = rng.integers(0, 256, (3, 13, 11, 3)) * (rng.random((3, 13, 11, 3)) < 0.1)
    return encode(graph, constants), images.astype(np.uint8)


@every_isa
def test_pooled_infinities(isa: str) -> None:
    """NaN and ±inf leave a pool of sums as they leave a pool of reals."""
    data, images = _pooled_overflow()
    engine = signbit.load(data, isa=isa, threads=2)
    nodes = engine.run_nodes({"image": images}, ["stem", "pool"])
    assert np.isnan(nodes["stem"]).any()
    assert np.isnan(nodes["pool"]).any()
    assert not np.isnan(nodes["pool"]).all()
    pooled = engine(images).reshape(nodes["pool"].shape)
    assert_identical({"pool": pooled}, {"pool": nodes["pool"]})


def test_public_attributes_agree() -> None:
    reference, engine = ReferenceEngine(sample_bytes()), signbit.load(sample_bytes())
    assert engine.input_shape == reference.input_shape == (6, 6, 3)
    assert engine.class_names == reference.class_names == ["cat", "dog", "émeu", "Ω"]
    assert engine.source == reference.graph.source


@pytest.mark.parametrize(
    ("feeds", "fetches"),
    [
        ({}, ["logits"]),
        ({"image": np.zeros((1, 6, 5, 3), np.uint8)}, ["logits"]),
        ({"image": np.zeros((6, 6, 3), np.uint8)}, ["logits"]),
        ({"image": np.zeros((1, 3, 6, 6), np.uint8)}, ["logits"]),
        ({"image": np.zeros((1, 6, 6, 3), np.float64)}, ["logits"]),
        ({"image": np.zeros((1, 6, 6, 3), np.int8)}, ["logits"]),
        ({"image": np.full((1, 6, 6, 3), np.nan, np.float32)}, ["logits"]),
        ({"image": np.full((1, 6, 6, 3), -np.inf, np.float32)}, ["logits"]),
        ({"stem.bits": np.zeros((1, 6, 6, 8), np.uint8)}, ["logits"]),
        ({"stem.bits": np.full((1, 6, 6, 8), 2, np.uint8)}, ["body#dots"]),
        ({"stem.bits": np.zeros((1, 6, 6, 8), np.float32)}, ["body#dots"]),
        ({"stem": np.zeros((1, 6, 6, 8), np.uint8)}, ["stem"]),
        ({"image": np.zeros((1, 6, 6, 3), np.uint8)}, ["softmax"]),
        ({"image": np.zeros((1, 6, 6, 3), np.uint8)}, ["pool#dots"]),
        ({"softmax": np.zeros((1, 6, 6, 3), np.uint8)}, ["logits"]),
        (
            {
                "image": np.zeros((1, 6, 6, 3), np.uint8),
                "mean": np.zeros((2, 1, 1, 10), np.float32),
            },
            ["logits"],
        ),
    ],
)
def test_both_refuse_the_same_inputs(feeds: dict[str, Array], fetches: list[str]) -> None:
    for engine in (ReferenceEngine(sample_bytes()), signbit.load(sample_bytes())):
        with pytest.raises(InputError) as caught:
            engine.run_nodes(feeds, fetches)
        assert len(str(caught.value)) > 10


def test_images_in_any_memory_layout() -> None:
    """Strided, reversed and Fortran-ordered arrays are the arrays they show."""
    engine, reference = signbit.load(sample_bytes()), ReferenceEngine(sample_bytes())
    images = np.random.default_rng(5).integers(0, 256, (4, 6, 6, 3)).astype(np.uint8)
    for view in (images[::2], images[:, ::-1], np.asfortranarray(images), images[..., ::-1]):
        assert_identical({"y": engine(view)}, {"y": reference(view)})
