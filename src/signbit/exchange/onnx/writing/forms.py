"""The three forms of signs and their products: plain ONNX, QONNX, and what OpenVINO looks for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signbit.compiler.ir import Node
from signbit.exchange.onnx.writing.windows import convolution, inside
from signbit.exchange.onnx.writing.writer import Writer

__all__ = ["Form", "OpenVino", "Qonnx"]

Array = npt.NDArray[np.float32]


class Form:
    """Plain ONNX: a sign is −1.0 where x < level, else +1.0, and a product of signs one of floats.

    NaN is +1.0, as everywhere in signbit.
    """

    domain = ""
    """That of its own operations."""
    batch: int | None = None
    """Images of a call; None for any number."""
    moves_operands = False
    """Whether operands of two values that are no −a and +a are written as such: sums are then no
    whole numbers, and a runtime of floats rounds them. Otherwise sums of signs are added behind."""

    def sign(self, writer: Writer, node: Node, rank: int) -> str:
        """A `sign`, as −1.0 and +1.0."""
        level, flips = _rule(node)
        below = writer.add("Less", writer.read(node.input, rank), writer.per_channel(level, rank))
        values = (writer.per_channel(each * flips, rank) for each in (-1, 1))
        return writer.add("Where", below, *values)

    def weight(
        self, writer: Writer, signs: npt.NDArray[np.int8], scale: npt.ArrayLike = 1.0
    ) -> str:
        """Weights of −1 and +1 times a scale, in ONNX's order."""
        return writer.constant(signs * np.asarray(scale))

    def product(self, writer: Writer, node: Node, signs: npt.NDArray[np.int8]) -> str:
        """Dots of a value of signs with filters (out, kh, kw, in / groups) of −1 and +1."""
        weight = self.weight(writer, signs.transpose(0, 3, 1, 2))
        return convolution(writer, node, writer.read(node.input), weight)


class Qonnx(Form):
    """QONNX: signs are `BipolarQuant`, of weights, too. It says +1 where x ≥ 0, so −1 for NaN.

    Its tools run one image a call.
    """

    domain = "qonnx.custom_op.general"
    batch = 1
    moves_operands = True

    def sign(self, writer: Writer, node: Node, rank: int) -> str:
        level, flips = _rule(node)
        value = writer.read(node.input, rank)
        if level.any():
            value = writer.add("Sub", value, writer.per_channel(level, rank))
        value = self._quantised(writer, value)
        if (flips < 0).any():
            value = writer.add("Mul", value, writer.per_channel(flips, rank))
        return value

    def weight(
        self, writer: Writer, signs: npt.NDArray[np.int8], scale: npt.ArrayLike = 1.0
    ) -> str:
        return self._quantised(writer, writer.constant(signs), scale)

    def _quantised(self, writer: Writer, value: str, scale: npt.ArrayLike = 1.0) -> str:
        return writer.add("BipolarQuant", value, writer.constant(scale), domain=self.domain)


class OpenVino(Form):
    """Signs that binary convolutions read are `FakeQuantize` of two levels, 0 and 1.

    A convolution of such b with weights w of −1 and +1 becomes OpenVINO's binary one. Of signs
    s = 2·b − 1 the dot is 2·Σ b·w − Σ w, over the taps inside the image. It takes a number of
    channels that is a multiple of 8, in one group, and a `FakeQuantize` that nothing else reads.
    Every other product is the plain form's.
    """

    domain = "org.openvinotoolkit"
    batch = 1

    def product(self, writer: Writer, node: Node, signs: npt.NDArray[np.int8]) -> str:
        source = writer.graph[node.input]
        ones = self._ones_of(writer, source)
        if node["groups"] != 1 or source.shape.channels % 8 or ones in writer.read_once:
            return super().product(writer, node, signs)
        writer.read_once.add(ones)
        weight = writer.constant(signs.transpose(0, 3, 1, 2))
        sums = convolution(writer, node, ones, weight)
        rows, columns = (inside(node, source.shape, axis) for axis in (0, 1))
        taps = signs.sum(3, dtype=np.float64)
        every = np.einsum("okl,ky,lx->oyx", taps, rows, columns)
        if (every == every[:, :1, :1]).all():
            every = every[:, :1, :1]
        twice = writer.add("Mul", sums, writer.constant(2.0))
        return writer.add("Sub", twice, writer.constant(every))

    def _ones_of(self, writer: Writer, source: Node) -> str:
        """1.0 where a value of signs is +1, else 0.0.

        A `FakeQuantize` is 1 above its limit, which is the largest float below the level. Below 0
        that would be a subnormal, which vector units may read as 0.
        """
        if source.op == "sign":
            (level, flips), value = _rule(source), writer.read(source.input)
        else:
            level = np.zeros(source.shape.channels, np.float32)
            flips, value = np.ones_like(level), writer.read(source.name)
        if (flips < 0).any():
            value = writer.once("Mul", value, writer.per_channel(flips))
        below = np.nextafter(level, np.float32(-np.inf))
        below = np.where(level == 0, -np.finfo(np.float32).tiny, below)
        limit = writer.constant(np.where(flips < 0, -level, below).reshape(1, -1, 1, 1))
        ends = writer.constant(0.0), writer.constant(1.0)
        return writer.once("FakeQuantize", value, limit, limit, *ends, domain=self.domain, levels=2)


def _rule(sign: Node) -> tuple[Array, Array]:
    """What a sign compares its value with, and −1 for the channels where +1 is below it."""
    none = np.zeros(sign.shape.channels, np.float32)
    level = none if sign["level"] is None else sign["level"].astype(np.float32)
    negated = none if sign["negated"] is None else sign["negated"].astype(np.float32)
    return level, 1 - 2 * negated
