"""Larq Compute Engine on chains of binary layers, from a model file written here.

Its converter needs TensorFlow, its interpreter NumPy 1. So this writes the TFLite file itself, by
the schema that comes with the package, and runs it in another Python (larq_worker.py). It covers
stride 1: TFLite's "same" padding of a strided convolution is not the binary networks', so whole
networks would not be the same.
"""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from flatbuffers import flexbuffers

from signbit.bitformat import unpack_bits
from signbit.bitformat.graph import Graph, Node

__all__ = ["Larq", "write_model"]

Array = npt.NDArray[Any]

WORKER = Path(__file__).with_name("larq_worker.py")
FIND = """
from importlib.util import find_spec
print(*find_spec("larq_compute_engine").submodule_search_locations)
"""


class Larq:
    """A process that has run the input once and waits; `answer` is what it wrote.

    python: an interpreter that has larq-compute-engine and NumPy 1. kernel: "direct", the default,
    or "indirect", which gathers pixels without copying them.
    """

    def __init__(self, python: Path, model: bytes, feed: Array, kernel: str, folder: Path) -> None:
        paths = [folder / name for name in ("model.tflite", "input.npy", "output.npy")]
        paths[0].write_bytes(model)
        np.save(paths[1], feed)
        command = [str(python), str(WORKER), *map(str, paths), kernel]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.run()
        self.answer: Array = np.load(paths[2])

    def run(self) -> None:
        """One inference; the way there and back is some 20 µs."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        if not self.process.stdout.readline():
            raise RuntimeError("Larq's process ended")

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def write_model(python: Path, graph: Graph, constants: Mapping[str, Array]) -> bytes:
    """The graph's binary convolutions, from their first signs (as floats) to the graph's output.

    The model's input is the first node's real (N, H, W, C), before its signs are taken.
    """
    return _Writer(_schema(python), graph, constants).write()


class _Writer:
    def __init__(self, schema: ModuleType, graph: Graph, constants: Mapping[str, Array]) -> None:
        self.schema = schema
        self.graph = graph
        self.constants = constants
        self.tensors: list[Any] = []
        self.buffers: list[Any] = [self.schema.BufferT()]
        self.operators: list[Any] = []
        self.names: dict[str, int] = {}

    def write(self) -> bytes:
        schema = self.schema
        head, *nodes = self.graph.nodes
        source = self._floats(self._shape(head.signs[0].tensor))
        self._quantize(source, head.signs[0].tensor)
        if head.real is not None:
            self.names[head.real] = source
        for node in nodes:
            self._add(node)
        subgraph = schema.SubGraphT()
        subgraph.tensors, subgraph.operators = self.tensors, self.operators
        subgraph.inputs, subgraph.outputs = [source], [self.names[self.graph.output]]
        model = schema.ModelT()
        model.version, model.description = 3, "binary layers"
        model.subgraphs, model.buffers = [subgraph], self.buffers
        model.operatorCodes = [self._code(custom=name) for name in ("LceQuantize", "LceBconv2d")]
        model.operatorCodes.append(self._code(builtin=schema.BuiltinOperator.ADD))
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _add(self, node: Node) -> None:
        """Convolution with scale and shift (of the threshold, if it is one of integers), sum."""
        channels = self.graph.tensor(node.outputs[0]).channels
        scale, shift = np.ones(channels, np.float32), np.zeros(channels, np.float32)
        if node.scale is not None and node.shift is not None:
            scale, shift = self.constants[node.scale], self.constants[node.shift]
        elif node.signs:
            # (D < T) XOR flip is ±(D − T + ½) < 0.
            turn = 1 - 2 * self.constants[node.signs[0].flip].astype(np.float32)
            threshold = self.constants[node.signs[0].threshold].astype(np.float32)
            scale, shift = turn, turn * (np.float32(0.5) - threshold)
        value = self._convolution(node, scale, shift)
        if node.shortcut is not None:
            total = self._floats(self._shape(node.outputs[0]))
            options = self.schema.AddOptionsT()
            self._operator(2, [value, self.names[node.shortcut.tensor]], total)
            self.operators[-1].builtinOptionsType = self.schema.BuiltinOptions.AddOptions
            self.operators[-1].builtinOptions = options
            value = total
        if node.real is not None:
            self.names[node.real] = value
        for output in node.signs:
            self._quantize(value, output.tensor)

    def _convolution(self, node: Node, scale: Array, shift: Array) -> int:
        kernel, channels = node.kernel or (1, 1), self.graph.tensor(node.input).channels
        assert node.weight is not None
        negative = unpack_bits(self.constants[node.weight], kernel[0] * kernel[1] * channels)
        weight = _pack32(negative.reshape(-1, *kernel, channels))
        inputs = [self.names[node.input]]
        inputs += [self._constant(array) for array in (weight, scale, shift)]
        output = self._floats(self._shape(node.outputs[0]))
        self._operator(1, [*inputs, -1], output)
        settings = {"channels_in": channels, "padding": 0, "pad_values": 0}
        settings |= {"stride_height": 1, "stride_width": 1, "fused_activation_function": 0}
        settings |= {"dilation_height_factor": 1, "dilation_width_factor": 1}
        self.operators[-1].customOptions = np.frombuffer(flexbuffers.Dumps(settings), np.uint8)
        return output

    def _quantize(self, value: int, name: str) -> None:
        *size, channels = self._shape(name)
        bits = self._tensor([*size, -(-channels // 32)], self.schema.TensorType.INT32)
        self._operator(0, [value], bits)
        self.names[name] = bits

    def _operator(self, code: int, inputs: list[int], output: int) -> None:
        operator = self.schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = code, inputs, [output]
        self.operators.append(operator)

    def _code(self, custom: str | None = None, builtin: int | None = None) -> Any:
        code = self.schema.OperatorCodeT()
        code.builtinCode = self.schema.BuiltinOperator.CUSTOM if builtin is None else builtin
        code.deprecatedBuiltinCode = code.builtinCode
        code.customCode, code.version = custom, 1
        return code

    def _shape(self, name: str) -> list[int]:
        return [1, *self.graph.tensor(name).shape]

    def _floats(self, shape: list[int]) -> int:
        return self._tensor(shape, self.schema.TensorType.FLOAT32)

    def _constant(self, array: Array) -> int:
        buffer = self.schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        self.buffers.append(buffer)
        types = self.schema.TensorType
        kind = types.INT32 if array.dtype == np.int32 else types.FLOAT32
        return self._tensor(list(array.shape), kind, len(self.buffers) - 1)

    def _tensor(self, shape: list[int], kind: int, buffer: int = 0) -> int:
        tensor = self.schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = shape, kind, buffer
        tensor.name = f"t{len(self.tensors)}"
        self.tensors.append(tensor)
        return len(self.tensors) - 1


def _pack32(negative: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """(…, C) to (…, ceil(C / 32)): bit i of a word is channel i, 1 for -1."""
    *lead, channels = negative.shape
    padded = np.zeros((*lead, -(-channels // 32) * 32), np.bool_)
    padded[..., :channels] = negative
    return np.packbits(padded, axis=-1, bitorder="little").view("<i4")


def _schema(python: Path) -> ModuleType:
    """The package's classes of the TFLite schema, by their file: the package imports TensorFlow."""
    folder = subprocess.run([python, "-c", FIND], check=True, capture_output=True, text=True)
    file = Path(folder.stdout.strip(), "mlir/python/tflite_schema.py")
    spec = importlib.util.spec_from_file_location("tflite_schema", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
