"""Larq Compute Engine on chains of binary layers, from a model file written here.

Its converter needs TensorFlow, its interpreter NumPy 1. So this writes the TFLite file itself, by
the schema that comes with the package, and runs it in another Python (larq_worker.py). It covers
stride 1: TFLite's "same" padding of a strided convolution is not the binary networks', so whole
networks would not be the same.
"""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from flatbuffers import flexbuffers

from signbit.bitformat import unpack_bits
from signbit.bitformat.graph import Graph, Node
from signbit.bitformat.validate import Tensor, validate

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
        self.graph_tensors: Sequence[Tensor] = validate(graph, constants)
        self.tensors: list[Any] = []
        self.buffers: list[Any] = [self.schema.BufferT()]
        self.operators: list[Any] = []
        self.numbers: dict[int, int] = {}
        """The graph's tensors -> the model's."""

    def write(self) -> bytes:
        schema = self.schema
        (_, first), *nodes = self.graph.written()
        source = self._floats(self._shape(first[0]))
        self._store(source, first)
        for node, written in nodes:
            self._add(node, written)
        subgraph = schema.SubGraphT()
        subgraph.tensors, subgraph.operators = self.tensors, self.operators
        subgraph.inputs, subgraph.outputs = [source], [self.numbers[self.graph.outputs[0].tensor]]
        model = schema.ModelT()
        model.version, model.description = 3, "binary layers"
        model.subgraphs, model.buffers = [subgraph], self.buffers
        model.operatorCodes = [self._code(custom=name) for name in ("LceQuantize", "LceBconv2d")]
        model.operatorCodes.append(self._code(builtin=schema.BuiltinOperator.ADD))
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _add(self, node: Node, written: range) -> None:
        """Convolution with scale and shift (of the threshold, if it is one of integers), sum."""
        shape = self._shape(written[0])
        scale, shift = np.ones(shape[-1], np.float32), np.zeros(shape[-1], np.float32)
        signs = node.outputs[-1]
        if node.steps:
            affine = node.steps[0]
            scale, shift = (self.constants[str(affine[key])] for key in ("scale", "shift"))
        elif signs.kind == "signs":
            # (D < T) XOR flip is ±(D − T + ½) < 0.
            flip, threshold = (
                np.float32(0) if number is None else self.constants[str(number)].astype(np.float32)
                for number in (signs.flip, signs.threshold)
            )
            scale = (1 - 2 * flip) * scale
            shift = scale * (np.float32(0.5) - threshold)
        value = self._convolution(node, scale, shift, shape)
        for step in node.steps[1:]:
            total = self._floats(shape)
            options = self.schema.AddOptionsT()
            self._operator(2, [value, self.numbers[node.inputs[step["input"]]]], total)
            self.operators[-1].builtinOptionsType = self.schema.BuiltinOptions.AddOptions
            self.operators[-1].builtinOptions = options
            value = total
        self._store(value, written)

    def _store(self, value: int, written: range) -> None:
        """The reals and signs that a node writes."""
        for number in written:
            if self.graph_tensors[number].kind == "bits":
                self._quantize(value, number)
            else:
                self.numbers[number] = value

    def _convolution(self, node: Node, scale: Array, shift: Array, shape: list[int]) -> int:
        kernel, channels = node["kernel"], self.graph_tensors[node.inputs[0]].shape[2]
        words = self.constants[str(node["weight"])]
        weight = _pack32(
            unpack_bits(words, kernel[0] * kernel[1] * channels).reshape(-1, *kernel, channels)
        )
        inputs = [self.numbers[node.inputs[0]]]
        inputs += [self._constant(array) for array in (weight, scale, shift)]
        output = self._floats(shape)
        self._operator(1, [*inputs, -1], output)
        settings = {"channels_in": channels, "padding": 0, "pad_values": 0}
        settings |= {"stride_height": 1, "stride_width": 1, "fused_activation_function": 0}
        settings |= {"dilation_height_factor": 1, "dilation_width_factor": 1}
        self.operators[-1].customOptions = np.frombuffer(flexbuffers.Dumps(settings), np.uint8)
        return output

    def _quantize(self, value: int, number: int) -> None:
        *size, channels = self._shape(number)
        bits = self._tensor([*size, -(-channels // 32)], self.schema.TensorType.INT32)
        self._operator(0, [value], bits)
        self.numbers[number] = bits

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

    def _shape(self, number: int) -> list[int]:
        return [1, *self.graph_tensors[number].shape]

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
