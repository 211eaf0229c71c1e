"""One node of a compiled file after the other, fed PyTorch's own values, against PyTorch's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.fx import Node as FxNode

from signbit.bitformat.graph import Node
from signbit.bitformat.int16_stem import has_integer_sums
from signbit.bitformat.validate import validate
from signbit.compiler.axes import as_map, order_of
from signbit.compiler.compiled import Compiled
from signbit.compiler.exporting.exported import Replay, is_of_images
from signbit.compiler.lower import Provenance
from signbit.compiler.mapping import clips
from signbit.compiler.verification.agreement import NearSign, NodeAgreement
from signbit.compiler.verification.integers import integers
from signbit.compiler.verification.node_reach import NodeReach
from signbit.compiler.verification.sign_margins import sign_margin

__all__ = ["NodeComparison", "NodeRunner", "largest_error"]

Array = npt.NDArray[Any]

_CLIPPING = {"aten.relu.default", *clips.MAPPINGS}


class NodeRunner(Protocol):
    """What verification needs of an engine; the native one and the reference have it."""

    def __call__(self, inputs: Array | Mapping[str, Array], /) -> Any: ...

    def run_nodes(
        self, feeds: Mapping[int, Array], fetches: Iterable[int | str]
    ) -> Mapping[int | str, Array]:
        """Run nodes as `signbit.runtime.reference.ReferenceEngine` does."""


class NodeComparison:
    """Walks the file's nodes for one batch after another and adds up what differs."""

    def __init__(self, compiled: Compiled, engine: NodeRunner) -> None:
        self.compiled = compiled
        self.engine = engine
        self.tensors = validate(compiled.graph, compiled.constants)
        self.written = {node.name: tensors for node, tensors in compiled.graph.written()}
        self.writers = {
            number: node for node, tensors in compiled.graph.written() for number in tensors
        }
        self.exported = {fx.name: fx for fx in compiled.program.graph.nodes}
        self.found = {
            node.name: NodeAgreement(node.name, node.op, compiled.node_provenance[node.name].module)
            for node in compiled.graph.nodes
        }
        self.replay = Replay(compiled.program, self.wanted())

    def wanted(self) -> set[str]:
        """Nodes of the exported graph whose values are needed."""
        wanted: set[str] = set()
        for tensor in self.compiled.tensor_provenance.values():
            wanted |= {tensor.export, tensor.signed, self.unclipped(tensor)}
        for node in self.compiled.graph.nodes:
            if self.integers_of(node) is not None:
                wanted |= {x.name for fx in self.calls(node) for x in fx.all_input_nodes}
        return wanted

    def integers_of(self, node: Node) -> int | str | None:
        """What an engine yields a node's integers for; None where it has none."""
        if has_integer_sums(node, self.compiled.constants):
            return f"{node.name}#dots"
        first = self.written[node.name][0]
        return first if node.op == "sign_sum" and self.tensors[first].kind == "real" else None

    def calls(self, node: Node) -> list[FxNode]:
        """The exported calls whose work a node does."""
        provenance = self.compiled.node_provenance[node.name]
        return [self.exported[name] for name in (provenance.export, *provenance.beside)]

    def add(self, first: int, samples: Sequence[Array]) -> None:
        """Compare every node on a batch whose first sample has the number `first`.

        samples: of each input, in order.
        """
        inputs = zip(self.compiled.inputs, samples, strict=True)
        self.replay(*(given.tensor(batch) for given, batch in inputs))
        for node in self.compiled.graph.nodes:
            found = self.found[node.name]
            fetches = [n for n in self.written[node.name] if self.has_counterpart(n)]
            dots = self.integers_of(node)
            feeds = self.feeds(node, dict(enumerate(samples)))
            wanted = fetches if dots is None else [*fetches, dots]
            results = self.engine.run_nodes(feeds, wanted)
            if dots is not None:
                expected = self.dots(node, results[dots].shape)
                found.dots += expected.size
                found.dots_different += int((results[dots] != expected).sum())
            for number in fetches:
                if self.tensors[number].kind == "real":
                    self.compare_reals(found, number, results[number])
                else:
                    different = results[number] != self.value(number)
                    found.signs += different.size
                    if different.any():
                        margin = self.margin(number, feeds)
                        self.count_signs(found, number, different, first, margin)

    def has_counterpart(self, number: int) -> bool:
        """Whether PyTorch yields the value of a tensor, or the real it is the sign of."""
        provenance = self.compiled.tensor_provenance[number]
        return bool(provenance.export or provenance.signed)

    def feeds(self, node: Node, given: dict[int, Array]) -> dict[int, Array]:
        """PyTorch's values of a node's inputs; where it has none, of the inputs before them.

        given: the model's own.

        Signs of pixels are made of pixels: a pool in front of them takes the engine's own values.
        """
        provenance = self.compiled.tensor_provenance
        if any(provenance[number].is_of_pixels for number in self.written[node.name]):
            return given
        feeds: dict[int, Array] = {}
        pending = list(node.inputs)
        while pending:
            number = pending.pop()
            if number in given:
                feeds[number] = given[number]
            elif self.has_counterpart(number):
                feeds[number] = self.value(number)
            elif provenance[number].is_of_pixels:
                feeds[number] = self.engine.run_nodes(given, [number])[number]
            else:
                pending += self.writers[number].inputs
        return feeds

    def value(self, number: int) -> Array:
        """PyTorch's value of a tensor of the file: reals, or bits with 1 = negative."""
        provenance, tensor = self.compiled.tensor_provenance[number], self.tensors[number]
        value = self.in_file(provenance.export or provenance.signed, number)
        return (value < 0).astype(np.uint8) if tensor.kind == "bits" else value

    def in_file(self, exported: str, number: int) -> Array:
        """A value of PyTorch's, (N, H, W, C), as a tensor of the file has it."""
        order = order_of(self.exported[exported])
        value = as_map(self.replay.recorded[exported], order, self.tensors[number].shape[:2])
        places = self.compiled.tensor_provenance[number].order
        return value[..., list(places)] if places else value

    def dots(self, node: Node, shape: tuple[int, ...]) -> Array:
        """PyTorch's integers, from its own signs or pixels."""

        def value(operand: FxNode) -> Tensor:
            return self.replay.recorded[operand.name]

        phase = self.compiled.node_provenance[node.name].phase
        parts = [
            as_map(integers(node, fx, value, phase), order_of(fx), (shape[1], shape[2]))
            for fx in self.calls(node)
        ]
        return np.concatenate(parts, 3).astype(np.int32)

    def unclipped(self, tensor: Provenance) -> str:
        """Exported node of a tensor's reals before they are clipped.

        The errors of sums are as large as the sums are, also of those that hardtanh leaves alone.
        """
        name = tensor.export or tensor.signed
        if name and str(self.exported[name].target) in _CLIPPING:
            (before,) = filter(is_of_images, self.exported[name].all_input_nodes)
            return str(before.name)
        return name

    def compare_reals(self, found: NodeAgreement, number: int, result: Array) -> None:
        expected = self.value(number)
        found.reals += expected.size
        if expected.size:
            found.max_error = max(found.max_error, largest_error(result, expected))
            unclipped = self.unclipped(self.compiled.tensor_provenance[number])
            reals = self.replay.recorded[unclipped].nan_to_num(nan=0, posinf=0, neginf=0)
            found.max_value = max(found.max_value, float(reals.abs().max()))

    def margin(self, number: int, feeds: Mapping[int, Array]) -> Array:
        """How close to 0 PyTorch's value may be where a sign differs; (channels,).

        0 where PyTorch has no such value.
        """
        if not self.compiled.tensor_provenance[number].signed:
            return np.zeros(self.tensors[number].shape[2])
        nodes = NodeReach(self.compiled.graph, self.tensors, self.compiled.constants, feeds)
        return sign_margin(nodes, self.compiled.tensor_provenance, number)

    def count_signs(
        self, found: NodeAgreement, number: int, different: Array, first: int, margin: Array
    ) -> None:
        """Different signs of a batch: those next to their thresholds, and the others."""
        signed = self.compiled.tensor_provenance[number].signed
        if signed:
            reals = self.in_file(signed, number)
            near = different & (np.abs(reals) < margin)
            for image, y, x, channel in np.argwhere(near).tolist():
                value = float(reals[image, y, x, channel])
                found.signs_near.append(NearSign(first + image, (y, x, channel), value))
            different &= ~near
        found.signs_different += int(different.sum())


def largest_error(result: Array, expected: Array) -> float:
    """Largest difference of two arrays of reals, none empty; infinite where either has a NaN.

    Equal infinities agree. Differences are taken in float64, as those of float32 may overflow.
    """
    with np.errstate(invalid="ignore"):
        errors = np.abs(np.subtract(result, expected, dtype=np.float64))
    errors[result == expected] = 0
    errors[np.isnan(errors)] = np.inf
    return float(errors.max())
