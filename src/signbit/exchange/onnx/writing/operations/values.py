"""Signs, normalisations, and what computes with a pixel's channels."""

from __future__ import annotations

from signbit.compiler.ir import Node
from signbit.exchange.onnx.writing.writer import MAP, Writer

__all__ = ["OPERATIONS"]


def _identity(writer: Writer, node: Node) -> tuple[str, int]:
    rank = writer.rank_of(node)
    return writer.read(node.input, rank), rank


def _sign(writer: Writer, node: Node) -> tuple[str, int]:
    rank = writer.rank_of(node)
    return writer.form.sign(writer, node, rank), rank


def _batch_norm(writer: Writer, node: Node) -> tuple[str, int]:
    rank = writer.rank_of(node)
    names = ("weight", "bias", "mean", "variance")
    parameters = (writer.constant(node[name]) for name in names)
    value = writer.read(node.input, rank)
    epsilon = float(node["epsilon"])
    return writer.add("BatchNormalization", value, *parameters, epsilon=epsilon), rank


def _softmax(writer: Writer, node: Node) -> tuple[str, int]:
    return writer.add("Softmax", writer.read(node.input), axis=1), MAP


def _l2_normalise(writer: Writer, node: Node) -> tuple[str, int]:
    value = writer.read(node.input)
    length = writer.add("ReduceL2", value, axes=[1], keepdims=1)
    divisor = writer.add("Max", length, writer.constant(node["epsilon"].reshape(())))
    return writer.add("Div", value, divisor), MAP


def _layer_norm(writer: Writer, node: Node) -> tuple[str, int]:
    value = writer.read(node.input)
    centred = writer.add("Sub", value, _mean(writer, value))
    variance = _mean(writer, writer.add("Mul", centred, centred))
    epsilon = writer.constant(node["epsilon"].reshape(()))
    return writer.add("Div", centred, writer.add("Sqrt", writer.add("Add", variance, epsilon))), MAP


def _mean(writer: Writer, value: str) -> str:
    return writer.add("ReduceMean", value, axes=[1], keepdims=1)


OPERATIONS = {
    "batch_norm": _batch_norm,
    "identity": _identity,
    "l2_normalise": _l2_normalise,
    "layer_norm": _layer_norm,
    "sign": _sign,
    "softmax": _softmax,
}
