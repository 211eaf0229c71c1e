"""A compiled network as an ONNX model: its graph as it was traced, before any of it became bits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from onnx import NodeProto, TensorProto, ValueInfoProto, helper
from torch.fx import Node as FxNode

import signbit
from signbit.compiler import Compiled
from signbit.compiler.axes import order_of
from signbit.compiler.exporting.answers import result_names
from signbit.compiler.ir import MOST_PIECES, Graph, refuse
from signbit.compiler.passes.remove_dead import remove_dead
from signbit.compiler.trace import trace
from signbit.errors import CompileError, InputError
from signbit.exchange.onnx.writing.forms import Form, OpenVino, Qonnx
from signbit.exchange.onnx.writing.operations import OPERATIONS
from signbit.exchange.onnx.writing.operations.layers import includes_steps
from signbit.exchange.onnx.writing.steps import STEPS
from signbit.exchange.onnx.writing.writer import INPUT, MAP, VECTOR, Writer

__all__ = ["FORMS", "INPUT", "to_onnx"]

FORMS: Mapping[str, Form] = {"plain": Form(), "qonnx": Qonnx(), "openvino": OpenVino()}
"""Name of a form → how it writes signs and their products."""

OPSET, IR_VERSION = 17, 8
"""What ONNX Runtime, OpenVINO and the tools of QONNX all read."""

_MOST_BYTES = (1 << 31) - 1
"""That a protobuf message may have, which an ONNX file is."""


def to_onnx(compiled: Compiled, form: str = "plain") -> bytes:
    """The network as an ONNX file.

    Its input "images" is what the model takes in PyTorch: float32 (N, C, H, W), normalised, or
    (1, C, H, W) in the forms "qonnx" and "openvino". Its outputs have the compiled network's names
    and PyTorch's dimensions. Mean and std (in units where 255 is 1), class names and the side to
    scale photographs to are JSON in the metadata entry "signbit". form: one of FORMS.
    Raises InputError for another form, CompileError for a network of 2 GiB or more, of other inputs
    than one image, or with a table of pixels that steps do not add up to.
    """
    if form not in FORMS:
        raise InputError(f"form: must be one of {', '.join(FORMS)}, is {form!r}")
    if [each.kind for each in compiled.inputs] != ["image"]:
        raise CompileError("an ONNX file is written of a network of one input, of images")
    (image,) = compiled.inputs
    graph = trace(compiled.program, [image])
    # It compiled, so that what may be refused now is no more than layers that may be real.
    remove_dead(graph)
    _require_known_tables(graph)
    writer = Writer(graph, FORMS[form], image.mean, image.std)
    for node in graph:
        _write(writer, node)
    batch = writer.form.batch or "N"
    outputs = [
        _output(writer, name, graph.outputs[name], fx, batch)
        for name, fx in _results(compiled).items()
    ]
    height, width, channels = compiled.graph.inputs[0].shape
    taken = _info(INPUT, [batch, channels, height, width])
    written = _needed(writer.nodes, [output.name for output in outputs])
    read = {name for node in written for name in node.input}
    constants = [constant for constant in writer.constants if constant.name in read]
    body = helper.make_graph(written, "signbit", [taken], outputs, constants)
    domains = filter(None, (writer.form.domain,))
    model = helper.make_model(
        body,
        opset_imports=[
            helper.make_opsetid("", OPSET),
            *(helper.make_opsetid(d, 1) for d in domains),
        ],
        ir_version=IR_VERSION,
        producer_name="signbit",
        producer_version=signbit.__version__,
    )
    helper.set_model_props(model, {"signbit": _notes(compiled)})
    if (size := model.ByteSize()) > _MOST_BYTES:
        raise CompileError(
            f"the network takes {size:,} bytes, and an ONNX file holds 2 GiB at most"
        )
    return bytes(model.SerializeToString())


def _require_known_tables(graph: Graph) -> None:
    for name, table in graph.pixel_tables.items():
        if name in graph and table.pieces > MOST_PIECES:
            raise refuse(
                graph[name].origin,
                f"has {table.pieces} pieces along which its values rise otherwise than elsewhere",
                f"an ONNX file has tables of at most {MOST_PIECES}",
            )


def _write(writer: Writer, node: Any) -> None:
    """Add a node and its steps."""
    writer.at = node.name
    if node.op == "image":
        return  # raw pixels are computed where they are read
    if node.origin.target == "input":
        writer.put(node.name, INPUT, MAP)
        return
    value, rank = OPERATIONS[node.op](writer, node)
    for step in () if includes_steps(writer, node) else node.steps:
        value = STEPS[step.op](writer, node, step, value, rank)
    writer.put(node.name, value, rank)


def _results(compiled: Compiled) -> dict[str, FxNode]:
    """Name of an output → PyTorch's value, in the file's order."""
    names = result_names(compiled.program)
    (results,) = compiled.program.graph.output_node().args
    found: dict[str, FxNode] = dict(zip(names, results[-len(names) :], strict=True))
    return {output.name: found[output.name] for output in compiled.graph.outputs}


def _output(writer: Writer, name: str, value: str, fx: FxNode, batch: int | str) -> ValueInfoProto:
    """Add an output, with PyTorch's dimensions in PyTorch's order."""
    writer.at = name
    order, sizes = order_of(fx), list(fx.meta["val"].shape[1:])
    if order == "C":
        result = writer.read(value, VECTOR)
    else:
        axes = [*order, *(axis for axis in "CHW" if axis not in order)]
        perm = [0, *(1 + "CHW".index(axis) for axis in axes)]
        result = writer.read(value)
        if perm != sorted(perm):
            result = writer.add("Transpose", result, perm=perm)
        if len(order) < len("CHW"):
            result = writer.reshape(result, *sizes)
    writer.nodes.append(helper.make_node("Identity", [result], [name], name))
    return _info(name, [batch, *sizes])


def _info(name: str, sizes: list[int | str]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)


def _needed(nodes: list[NodeProto], outputs: list[str]) -> list[NodeProto]:
    """The nodes that the outputs depend on, in order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]


def _notes(compiled: Compiled) -> str:
    taken, first = compiled.graph.inputs[0], compiled.graph.outputs[0]
    return json.dumps(
        {
            "mean": compiled.inputs[0].mean,
            "std": compiled.inputs[0].std,
            "class_names": first.classes,
            "resize": taken.resize and asdict(taken.resize),
        }
    )
