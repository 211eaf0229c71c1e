"""ONNX graphs for tests, and what they compute by onnx's own reference, with QONNX's operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from signbit.models.graph import GraphNetwork
from signbit.training.runs.state_dicts import load_state

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'signbit[onnx]'")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402
from onnx.reference.op_run import OpRun  # noqa: E402

from signbit.exchange.onnx.reading import read_onnx  # noqa: E402

Array = npt.NDArray[Any]
QONNX = "qonnx.custom_op.general"
BREVITAS = "onnx.brevitas"
LAST = "qonnx.custom_op.channels_last"


class BipolarQuant(OpRun):
    op_domain = QONNX

    def _run(self, x: Array, scale: Array) -> tuple[Array]:
        return ((np.where(x >= 0, np.float32(1), np.float32(-1)) * scale).astype(np.float32),)


class Quant(OpRun):
    op_domain = QONNX

    def _run(
        self,
        x: Array,
        scale: Array,
        zero: Array,
        bits: Array,
        signed: int = 1,
        narrow: int = 0,
        rounding_mode: str = "ROUND",
    ) -> tuple[Array]:
        y = x / scale + zero
        count = int(bits)
        if count == 1 and signed:
            whole = np.where(y >= 0, 1.0, -1.0)
        else:
            low = -(2 ** (count - 1)) + narrow if signed else 0
            high = 2 ** (count - 1) - 1 if signed else 2**count - 1 - narrow
            rounded = {"ROUND": np.round, "FLOOR": np.floor, "CEIL": np.ceil}[rounding_mode]
            whole = rounded(np.clip(y, low, high))
        return (((whole - zero) * scale).astype(np.float32),)


class MultiThreshold(OpRun):
    op_domain = QONNX

    def _run(
        self,
        x: Array,
        limits: Array,
        data_layout: str = "NCHW",
        out_bias: float = 0.0,
        out_dtype: str = "",
        out_scale: float = 1.0,
    ) -> tuple[Array]:
        last = x if data_layout == "NHWC" or x.ndim == 2 else np.moveaxis(x, 1, -1)
        count = (last[..., None] >= limits).sum(-1)
        moved = count if last is x else np.moveaxis(count, -1, 1)
        return ((out_scale * moved + out_bias).astype(np.float32),)


class Conv(OpRun):
    """Of maps with channels last."""

    op_domain = LAST

    def _run(self, x: Array, weight: Array, pads: Any = (0, 0, 0, 0), **_: Any) -> tuple[Array]:
        first = torch.from_numpy(np.moveaxis(x, 3, 1).copy())
        first = torch.nn.functional.pad(first, (pads[1], pads[3], pads[0], pads[2]))
        y = torch.nn.functional.conv2d(first, torch.from_numpy(weight.copy())).numpy()
        return (np.moveaxis(y, 1, 3).copy(),)


OWN = [BipolarQuant, Quant, MultiThreshold, Conv]


class Graph:
    """A graph while a test writes it."""

    def __init__(self, shape: Sequence[int | str], opset: int = 17, kind: int = 1) -> None:
        self.shape, self.opset, self.kind = shape, opset, kind
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.last = "x"

    def constant(self, value: Any, name: str = "") -> str:
        """A tensor of the file; numbers are float32."""
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def add(
        self, op: str, *inputs: Any, domain: str = "", outputs: int = 1, **attributes: Any
    ) -> str:
        """A node; inputs are names, or values, and without any the last node's result."""
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        name = f"{op}{len(self.nodes)}"
        results = [f"y{len(self.nodes)}{'_' * place}" for place in range(outputs)]
        self.nodes.append(
            helper.make_node(op, names, results, name=name, domain=domain, **attributes)
        )
        self.last = results[0]
        return self.last

    def then(self, op: str, *inputs: Any, **attributes: Any) -> str:
        """A node of the last one's result and further inputs."""
        return self.add(op, self.last, *inputs, **attributes)

    def model(self, output: str = "") -> Any:
        """The whole, as onnx has it."""
        domains = sorted({node.domain for node in self.nodes} | {""})
        body = helper.make_graph(
            self.nodes,
            "g",
            [helper.make_tensor_value_info("x", self.kind, self.shape)],
            [helper.make_tensor_value_info(output or self.last, TensorProto.FLOAT, None)],
            self.constants,
        )
        opsets = [helper.make_opsetid(each, self.opset if not each else 1) for each in domains]
        return helper.make_model(body, opset_imports=opsets, ir_version=8)

    def save(self, folder: Path, output: str = "") -> Path:
        """The file of it."""
        path = folder / "model.onnx"
        path.write_bytes(self.model(output).SerializeToString())
        return path


def network_of(path: Path, **arguments: Any) -> GraphNetwork:
    """What signbit reads of a file."""
    graph = read_onnx(path, **arguments)
    model = GraphNetwork(graph.input_size[:2], graph.nodes).eval()
    load_state(model, graph.state, str(path))
    return model


def reference(model: Any, images: Array, *own: type[OpRun]) -> Array:
    """What onnx's reference computes, image by image; own: operations in place of its own."""
    domains = [*OWN, *(type(f"{o.__name__}", (o,), {"op_domain": BREVITAS}) for o in OWN[:3])]
    evaluator = ReferenceEvaluator(model, new_ops=[*domains, *own])
    return np.concatenate([evaluator.run(None, {"x": image[None]})[0] for image in images])


def assert_same(
    graph: Graph, folder: Path, images: Array, *, exact: bool = True, **arguments: Any
) -> GraphNetwork:
    """The network gives what onnx's reference gives of the same values."""
    model = network_of(graph.save(folder), **arguments)
    with torch.no_grad():
        found: Tensor = model(torch.from_numpy(images))
    expected = reference(graph.model(), images)
    expected = expected.reshape(len(images), -1)
    tolerance = 0 if exact else 1e-5
    np.testing.assert_allclose(found.numpy(), expected, rtol=tolerance, atol=tolerance)
    return model


def values(shape: Sequence[int], seed: int = 0) -> Array:
    """Multiples of 1/4 from −2 to 2, zeros and ties among them."""
    random = np.random.default_rng(seed)
    return (random.integers(-8, 9, shape) / 4).astype(np.float32)


def signs(shape: Sequence[int], seed: int = 0) -> Array:
    """−1 and +1."""
    return np.random.default_rng(seed).choice(np.array([-1, 1], np.float32), shape)


def ops(model: GraphNetwork) -> list[str]:
    """What the network is made of, in order."""
    return [type(module).__name__ for module in model.children()]


Attributes = Mapping[str, Any]
