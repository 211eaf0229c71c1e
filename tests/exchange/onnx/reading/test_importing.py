"""An ONNX file becomes a run that evaluates, compiles and trains on; and TFC, a published one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.compiler.every_way import assert_same_bits
from tests.exchange.onnx.reading.graphs import (
    QONNX,
    Array,
    Graph,
    OpRun,
    onnx,
    reference,
    signs,
    values,
)

import signbit
from signbit.cli.runs import compile_run
from signbit.compiler.verification.verify import verify
from signbit.data import open_dataset
from signbit.data.pixels.transforms import Normalization, to_unit
from signbit.errors import CheckpointError, InputError
from signbit.exchange import published
from signbit.exchange.onnx.reading import import_onnx
from signbit.training import evaluate_model, load_run, train
from signbit.training.runs.folder import Run

ONE = np.float32(1)


def quantised(graph: Graph, scale: float, bits: int, signed: int = 1) -> None:
    inputs = (np.float32(scale), ONE * 0, np.float32(bits))
    graph.then("Quant", *inputs, domain=QONNX, signed=signed, narrow=0)


def norm(graph: Graph, channels: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    parameters = [random.uniform(0.5, 2, channels), random.normal(size=channels)]
    statistics = [random.normal(size=channels), random.uniform(0.5, 2, channels) * 9]
    graph.then("BatchNormalization", *parameters, *statistics)


def digits_graph(bits: int = 1, shape: tuple[int, ...] = (1, 1, 8, 8)) -> Graph:
    """A small CNV, as Brevitas writes one: 8-bit pixels, binary layers, a pool, a last scale."""
    graph = Graph(shape)
    graph.then("Mul", ONE * 2)
    graph.then("Sub", ONE)
    quantised(graph, 1 / 128, 8)
    graph.then("Conv", signs((16, 1, 3, 3), 1))
    norm(graph, 16, 1)
    quantised(graph, 1.0 if bits == 1 else 0.5, bits)
    graph.then("Conv", signs((32, 16, 3, 3), 2) * ONE * 0.5)
    norm(graph, 32, 2)
    graph.then("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    quantised(graph, 1.0 if bits == 1 else 0.5, bits)
    graph.then("Reshape", np.array([1, -1]))
    graph.then("MatMul", signs((128, 10), 3))
    graph.then("Mul", np.array([[0.1]]))
    graph.then("Add", values((10,), 4))
    return graph


def normalised(run: Run, pixels: Array) -> Array:
    given = Normalization(*run.normalization)(to_unit(torch.from_numpy(pixels)))
    return given.numpy()


@pytest.mark.parametrize("bits", [1, 2])
def test_a_run_like_any_other(bits: int, tmp_path: Path) -> None:
    graph = digits_graph(bits)
    run = import_onnx(graph.save(tmp_path), tmp_path / "run", data="digits")
    assert run.class_names == tuple("0123456789")
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), np.uint8)
    expected = reference(graph.model(), normalised(run, pixels))
    with torch.no_grad():
        scores = run.model(torch.from_numpy(normalised(run, pixels)))
    np.testing.assert_allclose(scores.numpy(), expected, rtol=1e-5, atol=1e-5)
    again = load_run(tmp_path / "run")
    with torch.no_grad():
        assert torch.equal(again.model(torch.from_numpy(normalised(run, pixels))), scores)
    compiled = compile_run(run)
    np.testing.assert_allclose(signbit.load(compiled.data)(pixels), expected, rtol=1e-5, atol=1e-5)
    assert {"binary_conv"} <= {node.op for node in compiled.graph.nodes}
    assert verify(compiled, pixels).agrees


@pytest.mark.slow
@pytest.mark.parametrize("bits", [1, 2])
def test_the_same_bits_everywhere(bits: int, tmp_path: Path) -> None:
    run = import_onnx(digits_graph(bits).save(tmp_path), tmp_path / "run")
    assert_same_bits(compile_run(run).data, (8, 8, 1))


@pytest.mark.slow
def test_it_learns_on(tmp_path: Path) -> None:
    run = import_onnx(digits_graph().save(tmp_path), tmp_path / "run", data="digits")
    images = open_dataset("digits", "test")
    before = evaluate_model(run.model, images, run.preprocessing)
    # Signs begin as −1 and +1, far from a change of sign.
    faster = run.recipe.optimizer.model_copy(update={"lr": 0.05})
    changes = {"start": str(run.path), "epochs": 3, "optimizer": faster}
    recipe = run.recipe.model_copy(update=changes)
    result = train(recipe, "digits", tmp_path / "on", progress=False)
    assert result.top1 > before.top1 + 0.3
    assert_same_bits(compile_run(load_run(tmp_path / "on")).data, (8, 8, 1))


@pytest.mark.parametrize("kind", ["raw", "bytes"])
def test_raw_pixels(kind: str, tmp_path: Path) -> None:
    graph = Graph((1, 3, 4, 4), kind=2 if kind == "bytes" else 1)
    if kind == "bytes":
        graph.then("Cast", to=1)
    graph.then("Conv", signs((2, 3, 4, 4)))
    graph.then("Flatten")
    run = import_onnx(graph.save(tmp_path), tmp_path / "run", raw_pixels=kind == "raw")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), np.uint8)
    given = np.moveaxis(pixels, 3, 1).astype(np.uint8 if kind == "bytes" else np.float32)
    expected = reference(graph.model(), given)
    np.testing.assert_array_equal(signbit.load(compile_run(run).data)(pixels), expected)


def test_mean_and_std_are_given_or_signbit_s_own(tmp_path: Path) -> None:
    graph = Graph((1, 3, 4, 4))
    graph.then("Flatten")
    graph.then("Relu")
    path = graph.save(tmp_path)
    run = import_onnx(path, tmp_path / "a", mean=[0.5, 0.25, 0.125], std=[0.5])
    assert run.normalization == ((0.5, 0.25, 0.125), (0.5, 0.5, 0.5))
    model = graph.model()
    names = [f"class {number}" for number in range(48)]
    onnx.helper.set_model_props(
        model, {"signbit": json.dumps({"mean": [0.5], "std": [0.25], "class_names": names})}
    )
    path.write_bytes(model.SerializeToString())
    run = import_onnx(path, tmp_path / "b")
    assert run.normalization == ((0.5,) * 3, (0.25,) * 3)
    assert run.class_names == tuple(names)
    with pytest.raises(CheckpointError, match="mean needs 1 value or 3, has 2"):
        import_onnx(path, tmp_path / "c", mean=[0.5, 0.5])
    with pytest.raises(InputError, match=r"digits has 10 classes, .* 48 scores"):
        import_onnx(path, tmp_path / "c", data="digits")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 5, 8, 8), r"its input is \[1, 5, 8, 8\]; images of 1 or 3 channels"),
        ((1, 3, "h", "w"), r"\[1, 3, '\?', '\?'\]; .* give it \(--input-size\)"),
        ((1, 50), "not square, give it"),
        ((1, 2, 3), "images of 1 or 3 channels"),
    ],
)
def test_other_inputs(shape: tuple[int, ...], message: str, tmp_path: Path) -> None:
    graph = Graph(shape)
    graph.then("Flatten")
    with pytest.raises(CheckpointError, match=message):
        import_onnx(graph.save(tmp_path), tmp_path / "run")


def test_no_scores(tmp_path: Path) -> None:
    graph = Graph((1, 3, 4, 4))
    graph.then("Relu")
    with pytest.raises(CheckpointError, match=r"its output is \[1, 3, 4, 4\]; scores"):
        import_onnx(graph.save(tmp_path), tmp_path / "run")


class BatchNormalization(OpRun):
    """As opset 9 defines it: onnx's reference takes the batch's statistics there."""

    op_domain = ""

    def _run(self, x: Array, *parameters: Array, epsilon: float, **_: float) -> tuple[Array]:
        weight, bias, mean, variance = parameters
        return ((x - mean) / np.sqrt(variance + np.float32(epsilon)) * weight + bias,)


TFC = "tfc-w1a1-mnist"


def test_tfc(shared_data: Path, tmp_path: Path) -> None:
    """A few images; and every sign of its file is a bit."""
    file = shared_data / "weights" / f"{TFC}.qonnx.onnx"
    run = published.import_network(TFC, file, tmp_path / "run")
    images = open_dataset(shared_data / "data/mnist", "test").take(np.arange(20))
    pixels = run.preprocessing.fit(images).images
    model = onnx.load(file)
    model.opset_import.append(onnx.helper.make_opsetid("onnx.brevitas", 1))
    given = normalised(run, pixels)
    for each in model.graph.input:
        if each.name == "0":
            each.name = "x"
    for node in model.graph.node:
        node.input[:] = ["x" if name == "0" else name for name in node.input]
    expected = reference(model, given, BatchNormalization)
    with torch.no_grad():
        scores = run.model(torch.from_numpy(given)).numpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)
    compiled = compile_run(run)
    np.testing.assert_allclose(signbit.load(compiled.data)(pixels), expected, rtol=1e-5, atol=1e-5)
    assert [node.op for node in compiled.graph.nodes[-4:]] == ["binary_conv"] * 4


@pytest.mark.slow
def test_tfc_scores_as_measured(shared_data: Path, tmp_path: Path) -> None:
    """90.47 % of the first 3,000."""
    file = shared_data / "weights" / f"{TFC}.qonnx.onnx"
    run = published.import_network(TFC, file, tmp_path / "run")
    images = open_dataset(shared_data / "data/mnist", "test").take(np.arange(3000))
    fitted = run.preprocessing.fit(images)
    scores = signbit.load(compile_run(run).data)(fitted.images)
    assert int((scores.argmax(1) == fitted.labels).sum()) == 2714
    assert evaluate_model(run.model, images, run.preprocessing).top1 == pytest.approx(2714 / 3000)
