"""A network's inputs and outputs as C has them: names, parameters, class names, confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from signbit.bitformat.checks import Array
from signbit.bitformat.graph import Graph
from signbit.bitformat.validate import Tensor
from signbit.targets.c.text import comment, identifier

__all__ = ["Ports", "confidence", "names_of"]


def names_of(graph: Graph) -> list[str]:
    """C's names of the inputs, then of the outputs."""
    names: list[str] = []
    for name in _originals(graph):
        names.append(identifier(name, names))
    return names


def _originals(graph: Graph) -> list[str]:
    """The file's names of these."""
    return [*(port.name for port in graph.inputs), *(port.name for port in graph.outputs)]


class Ports:
    """The inputs and outputs as a C function has them."""

    def __init__(
        self,
        graph: Graph,
        constants: Mapping[str, Array],
        tensors: Sequence[Tensor],
        inputs: Sequence[str],
        outputs: Sequence[str],
    ) -> None:
        self.names = [*inputs, *outputs]
        self.originals = _originals(graph)
        numbers = [*range(len(inputs)), *(output.tensor for output in graph.outputs)]
        self.shapes = [tensors[number].shape for number in numbers]
        kinds = [tensors[number].kind for number in numbers]
        types = {"image": "uint8_t", "real": "float", "bits": "int8_t"}
        const = ["const "] * len(inputs) + [""] * len(outputs)
        self.parameters = [
            f"{before}{types[kind]} *{name}"
            for before, kind, name in zip(const, kinds, self.names, strict=True)
        ]
        words = {"image": "pixels, 0 to 255", "real": "floats", "bits": "signs, -1 or +1"}
        self.words = [words[kind] for kind in kinds]
        self.classes = {
            name: output.classes
            for name, output in zip(outputs, graph.outputs, strict=True)
            if output.classes
        }
        self.confidences = {
            name: constants[str(output.confidence)].tolist()
            for name, output in zip(outputs, graph.outputs, strict=True)
            if output.confidence is not None
        }

    @property
    def comments(self) -> list[str]:
        """A line on each: what it is, its shape."""
        return [
            f"   {name}: {words}, {' x '.join(map(str, shape))} (rows, columns, channels)"
            + (f"; {comment(original)}" if original != name else "")
            for name, original, words, shape in zip(
                self.names, self.originals, self.words, self.shapes, strict=True
            )
        ]


def confidence(upper: str, output: str, values: list[float]) -> list[str]:
    """The temperature of an output's scores, and the least probability that names a class."""
    prefix = f"{upper}_{output.upper()}"
    temperature, least = (f"{value!r}f" for value in values)
    return [
        f"/* Probabilities of {output}: the softmax of its values by the temperature. Where none",
        '   reaches the least one, the answer is "none of these". */',
        f"#define {prefix}_TEMPERATURE {temperature}",
        f"#define {prefix}_LEAST_PROBABILITY {least}",
    ]
