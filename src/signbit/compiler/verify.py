"""Holds a compiled file against the PyTorch model it came from, node by node and end to end.

A node is fed PyTorch's own values of its inputs, so that nothing an earlier node rounded
differently can excuse it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.fx import Node as FxNode

from signbit.bitformat.graph import Node, TensorSpec
from signbit.bitformat.int16_stem import has_integer_sums
from signbit.compiler.agreement import Agreement, EndToEnd, NearSign, NodeAgreement
from signbit.compiler.cosine import cosines
from signbit.compiler.exported import Replay, normalise
from signbit.compiler.integers import integers
from signbit.compiler.lower import Provenance
from signbit.compiler.writer import Compiled
from signbit.errors import InputError

__all__ = ["Agreement", "NodeRunner", "verify", "verify_end_to_end", "verify_nodes"]

Array = npt.NDArray[Any]

THRESHOLD_MARGIN = 1e-4
"""A sign may differ where PyTorch's real value lies this close to its threshold."""

_CLIPPING = (torch.ops.aten.hardtanh.default, torch.ops.aten.relu.default)

_BATCH_SIZE = 100


class NodeRunner(Protocol):
    """What verification needs of an engine; the native one and the reference have it."""

    def __call__(self, images: Array) -> Array: ...

    def run_nodes(self, feeds: Mapping[str, Array], fetches: Iterable[str]) -> Mapping[str, Array]:
        """As in `signbit.runtime.reference.ReferenceEngine`."""


def verify(
    compiled: Compiled,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer] | None = None,
    *,
    engine: NodeRunner | None = None,
    batch_size: int = _BATCH_SIZE,
) -> Agreement:
    """Both comparisons on images uint8 (N, H, W, C) and labels (N,); engine: the native one.

    Raises InputError for images of another shape or type.
    """
    runner = _engine(compiled) if engine is None else engine
    return Agreement(
        nodes=tuple(verify_nodes(compiled, images, engine=runner, batch_size=batch_size)),
        end_to_end=verify_end_to_end(
            compiled, images, labels, engine=runner, batch_size=batch_size
        ),
    )


def verify_nodes(
    compiled: Compiled,
    images: npt.NDArray[np.uint8],
    *,
    engine: NodeRunner | None = None,
    batch_size: int = _BATCH_SIZE,
) -> list[NodeAgreement]:
    """Each node of the file on PyTorch's own inputs, in order of execution."""
    runner = _engine(compiled) if engine is None else engine
    comparison = _NodeComparison(compiled, runner)
    for first, batch in _batches(compiled, images, batch_size):
        comparison.add(first, batch)
    return list(comparison.found.values())


def verify_end_to_end(
    compiled: Compiled,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer] | None = None,
    *,
    engine: NodeRunner | None = None,
    batch_size: int = _BATCH_SIZE,
) -> EndToEnd:
    """Outputs of engine, PyTorch, and PyTorch with oneDNN switched off: top classes and cosines.

    labels are for networks that end in a score a class.
    """
    runner = _engine(compiled) if engine is None else engine
    if labels is not None and labels.shape != (len(images),):
        raise InputError(f"labels: must have shape ({len(images)},), has {labels.shape}")
    replay = Replay(compiled.program)
    output = next(t for t in compiled.graph.tensors if t.name == compiled.graph.output)

    def rows(value: Tensor) -> Array:
        return _nhwc(value, output).reshape(len(value), -1)

    found = EndToEnd(labelled=labels is not None)
    for first, batch in _batches(compiled, images, batch_size):
        normalised = normalise(batch, compiled.mean, compiled.std)
        logits = rows(replay(normalised))
        plain = rows(_without_onednn(replay, normalised))
        answers = runner(batch).reshape(logits.shape)
        top, expected = answers.argmax(1), logits.argmax(1)
        found.images += len(batch)
        found.disagreements += int((top != expected).sum())
        found.onednn_disagreements += int((plain.argmax(1) != expected).sum())
        found.cosines += cosines(answers, logits)
        found.onednn_cosines += cosines(plain, logits)
        found.max_error = max(found.max_error, _largest_error(answers, logits))
        if labels is not None:
            truth = labels[first : first + len(batch)]
            found.engine_correct += int((top == truth).sum())
            found.pytorch_correct += int((expected == truth).sum())
    return found


class _NodeComparison:
    """Walks the file's nodes for one batch after another and adds up what differs."""

    def __init__(self, compiled: Compiled, engine: NodeRunner) -> None:
        self.compiled = compiled
        self.engine = engine
        self.tensors = {tensor.name: tensor for tensor in compiled.graph.tensors}
        self.writers = {name: node for node in compiled.graph.nodes for name in node.outputs}
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
            if self.integers_of(node):
                wanted |= {x.name for fx in self.calls(node) for x in fx.all_input_nodes}
        return wanted

    def integers_of(self, node: Node) -> str:
        """Name under which an engine yields a node's integers; empty where it has none."""
        if has_integer_sums(node, self.compiled.constants):
            return f"{node.name}#dots"
        return (node.real or "") if node.op == "sign_sum" else ""

    def calls(self, node: Node) -> list[FxNode]:
        """The exported calls whose work a node does."""
        provenance = self.compiled.node_provenance[node.name]
        return [self.exported[name] for name in (provenance.export, *provenance.beside)]

    def add(self, first: int, images: npt.NDArray[np.uint8]) -> None:
        """Compare every node on a batch whose first image has the number `first`."""
        self.replay(normalise(images, self.compiled.mean, self.compiled.std))
        for node in self.compiled.graph.nodes:
            found = self.found[node.name]
            fetches = [name for name in node.outputs if self.has_counterpart(name)]
            dots = self.integers_of(node)
            results = self.engine.run_nodes(
                self.feeds(node, images), [*fetches, dots] if dots else fetches
            )
            if dots:
                expected = self.dots(node, results[dots].shape)
                found.dots += expected.size
                found.dots_different += int((results[dots] != expected).sum())
            for name in fetches:
                if name == node.real:
                    self.compare_reals(found, name, results[name])
                else:
                    self.compare_signs(found, name, results[name], first)

    def has_counterpart(self, name: str) -> bool:
        """Whether PyTorch yields the value of a tensor, or the real it is the sign of."""
        provenance = self.compiled.tensor_provenance[name]
        return bool(provenance.export or provenance.signed)

    def feeds(self, node: Node, images: npt.NDArray[np.uint8]) -> dict[str, Array]:
        """PyTorch's values of a node's inputs; where it has none, of the inputs before them."""
        feeds: dict[str, Array] = {}
        pending = list(node.inputs)
        while pending:
            name = pending.pop()
            if self.tensors[name].kind == "image":
                feeds[name] = images
            elif self.has_counterpart(name):
                feeds[name] = self.value(name)
            else:
                pending += self.writers[name].inputs
        return feeds

    def value(self, name: str) -> Array:
        """PyTorch's value of a tensor of the file: reals, or bits with 1 = negative."""
        provenance, tensor = self.compiled.tensor_provenance[name], self.tensors[name]
        value = _nhwc(self.replay.recorded[provenance.export or provenance.signed], tensor)
        return (value < 0).astype(np.uint8) if tensor.kind == "bits" else value

    def dots(self, node: Node, shape: tuple[int, ...]) -> Array:
        """PyTorch's integers, from its own signs or pixels."""

        def value(operand: FxNode) -> Tensor:
            return self.replay.recorded[operand.name]

        parts = [integers(node, fx, value) for fx in self.calls(node)]
        _, height, width, channels = shape
        spec = TensorSpec("", "real", height, width, channels)
        return _nhwc(torch.cat(parts, 1), spec).astype(np.int32)

    def unclipped(self, tensor: Provenance) -> str:
        """Exported node of a tensor's reals before they are clipped.

        The errors of sums are as large as the sums are, also of those that hardtanh leaves alone.
        """
        name = tensor.export or tensor.signed
        if name and self.exported[name].target in _CLIPPING:
            return str(self.exported[name].all_input_nodes[0].name)
        return name

    def compare_reals(self, found: NodeAgreement, name: str, result: Array) -> None:
        expected = self.value(name)
        found.reals += expected.size
        if expected.size:
            found.max_error = max(found.max_error, _largest_error(result, expected))
            unclipped = self.unclipped(self.compiled.tensor_provenance[name])
            reals = self.replay.recorded[unclipped].nan_to_num(nan=0, posinf=0, neginf=0)
            found.max_value = max(found.max_value, float(reals.abs().max()))

    def compare_signs(self, found: NodeAgreement, name: str, result: Array, first: int) -> None:
        expected = self.value(name)
        found.signs += expected.size
        different = result != expected
        if not different.any():
            return
        signed = self.compiled.tensor_provenance[name].signed
        if signed:
            reals = _nhwc(self.replay.recorded[signed], self.tensors[name])
            near = different & (np.abs(reals) <= THRESHOLD_MARGIN)
            for image, y, x, channel in np.argwhere(near).tolist():
                value = float(reals[image, y, x, channel])
                found.signs_near.append(NearSign(first + image, (y, x, channel), value))
            different &= ~near
        found.signs_different += int(different.sum())


def _engine(compiled: Compiled) -> NodeRunner:
    import signbit

    engine: NodeRunner = signbit.load(compiled.data)
    return engine


def _batches(
    compiled: Compiled, images: npt.NDArray[np.uint8], batch_size: int
) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    shape = next(t for t in compiled.graph.tensors if t.kind == "image").shape
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != shape:
        raise InputError(
            f"images: must be uint8 of shape (N, {', '.join(map(str, shape))}), "
            f"are {images.dtype} of shape {images.shape}"
        )
    if batch_size < 1:
        raise InputError(f"batch_size: must be at least 1, is {batch_size}")
    for first in range(0, len(images), batch_size):
        yield first, images[first : first + batch_size]


def _largest_error(result: Array, expected: Array) -> float:
    """Of two arrays of reals, neither empty; infinite where either side is no number.

    Equal infinities agree. Differences are taken in float64, as those of float32 may overflow.
    """
    with np.errstate(invalid="ignore"):
        errors = np.abs(np.subtract(result, expected, dtype=np.float64))
    errors[result == expected] = 0
    errors[np.isnan(errors)] = np.inf
    return float(errors.max())


def _without_onednn(replay: Replay, images: Tensor) -> Tensor:
    with warnings.catch_warnings():
        # torch's own note about graphics cards, on every use of these flags
        warnings.filterwarnings("ignore", message="TF32 acceleration", category=UserWarning)
        with torch.backends.mkldnn.flags(enabled=False):
            return replay(images)


def _nhwc(value: Tensor, tensor: TensorSpec) -> Array:
    """A value of PyTorch's, (N, C, H, W) or flattened in that order, as the file lays it out."""
    height, width, channels = tensor.shape
    mapped = value.reshape(len(value), channels, height, width).permute(0, 2, 3, 1)
    array: Array = mapped.contiguous().numpy()
    return array
