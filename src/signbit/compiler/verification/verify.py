"""Holds a compiled file against the PyTorch model it came from, node by node and end to end.

A node is fed PyTorch's own values of its inputs, so that nothing an earlier node rounded
differently can excuse it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from signbit.bitformat.graph import GraphInput
from signbit.bitformat.validate import validate
from signbit.compiler.axes import as_map, order_of
from signbit.compiler.compiled import Compiled
from signbit.compiler.exporting.answers import result_names
from signbit.compiler.exporting.exported import Replay
from signbit.compiler.verification.agreement import Agreement, EndToEnd, NodeAgreement
from signbit.compiler.verification.cosine import cosines
from signbit.compiler.verification.node_comparison import (
    NodeComparison,
    NodeRunner,
    largest_error,
)
from signbit.errors import InputError

__all__ = [
    "Agreement",
    "NodeRunner",
    "file_rows",
    "verify",
    "verify_end_to_end",
    "verify_nodes",
]

Array = npt.NDArray[Any]
Samples = Array | Mapping[str, Array]
"""Images uint8 (N, H, W, C), or a dict of samples by input; reals are float32."""

_BATCH_SIZE = 100


def verify(
    compiled: Compiled,
    images: Samples,
    labels: npt.NDArray[np.integer] | None = None,
    *,
    engine: NodeRunner | None = None,
    batch_size: int = _BATCH_SIZE,
) -> Agreement:
    """Both comparisons on images uint8 (N, H, W, C) and labels (N,); engine: the native one.

    Of several inputs, or reals (float32), images is a dict of samples by input. Raises InputError
    for samples of another shape or type.
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
    images: Samples,
    *,
    engine: NodeRunner | None = None,
    batch_size: int = _BATCH_SIZE,
) -> list[NodeAgreement]:
    """Each node of the file on PyTorch's own inputs, in order of execution."""
    runner = _engine(compiled) if engine is None else engine
    comparison = NodeComparison(compiled, runner)
    for first, batch in _batches(compiled, images, batch_size):
        comparison.add(first, batch)
    return list(comparison.found.values())


def verify_end_to_end(
    compiled: Compiled,
    images: Samples,
    labels: npt.NDArray[np.integer] | None = None,
    *,
    engine: NodeRunner | None = None,
    batch_size: int = _BATCH_SIZE,
) -> EndToEnd:
    """Outputs of engine, PyTorch, and PyTorch with oneDNN switched off: top classes and cosines.

    Of several outputs these are the first one's; the largest error is that of all. labels are for
    networks whose first output is one score per class.
    """
    runner = _engine(compiled) if engine is None else engine
    count = len(_checked(compiled, images)[0])
    if labels is not None and labels.shape != (count,):
        raise InputError(f"labels: must have shape ({count},), has {labels.shape}")
    replay = Replay(compiled.program)
    outputs = compiled.graph.outputs
    rows = file_rows(compiled)
    found = EndToEnd(labelled=labels is not None)
    for first, batch in _batches(compiled, images, batch_size):
        given = [each.tensor(part) for each, part in zip(compiled.inputs, batch, strict=True)]
        results = rows(replay(*given))
        plain, *_ = rows(_without_onednn(replay, given))
        by_name = {each.name: part for each, part in zip(compiled.inputs, batch, strict=True)}
        answered = runner(batch[0] if len(batch) == 1 else by_name)
        found_by = {outputs[0].name: answered} if len(outputs) == 1 else answered
        ours = [
            found_by[output.name].reshape(result.shape)
            for output, result in zip(outputs, results, strict=True)
        ]
        answers, logits = ours[0], results[0]
        top, expected = answers.argmax(1), logits.argmax(1)
        found.images += len(top)
        found.changed += (first + np.flatnonzero(top != expected)).tolist()
        found.onednn_disagreements += int((plain.argmax(1) != expected).sum())
        found.cosines += cosines(answers, logits)
        found.onednn_cosines += cosines(plain, logits)
        errors = map(largest_error, ours, results)
        found.max_error = max(found.max_error, *errors)
        if labels is not None:
            truth = labels[first : first + len(top)]
            found.engine_correct += int((top == truth).sum())
            found.pytorch_correct += int((expected == truth).sum())
    return found


def file_rows(compiled: Compiled) -> Callable[[Sequence[Tensor]], list[Array]]:
    """What makes of PyTorch's results the file's outputs, a row (N, values) for each image."""
    tensors = validate(compiled.graph, compiled.constants)
    names = result_names(compiled.program)
    nodes = compiled.program.graph.output_node().args[0]
    how = [
        (place, order_of(nodes[place]), tensors[output.tensor].shape[:2])
        for output in compiled.graph.outputs
        for place in [names.index(output.name)]
    ]

    def rows(results: Sequence[Tensor]) -> list[Array]:
        return [
            as_map(results[place], order, size).reshape(len(results[place]), -1)
            for place, order, size in how
        ]

    return rows


def _engine(compiled: Compiled) -> NodeRunner:
    import signbit

    engine: NodeRunner = signbit.load(compiled.data)
    return engine


def _batches(
    compiled: Compiled, images: Samples, batch_size: int
) -> Iterator[tuple[int, list[Array]]]:
    """The first sample's number, and some samples of each input, in the file's order."""
    samples = _checked(compiled, images)
    if batch_size < 1:
        raise InputError(f"batch_size: must be at least 1, is {batch_size}")
    for first in range(0, len(samples[0]), batch_size):
        yield first, [each[first : first + batch_size] for each in samples]


def _checked(compiled: Compiled, images: Samples) -> list[Array]:
    """An array for each input, in the file's order; InputError where they do not fit."""
    inputs = compiled.graph.inputs
    names = [each.name for each in inputs]
    if len(inputs) == 1 and inputs[0].kind == "image" and not isinstance(images, Mapping):
        return [_samples("images", images, inputs[0])]
    if not isinstance(images, Mapping) or {*images} != {*names}:
        raise InputError(f"images: must be a dict of samples of {', '.join(map(repr, names))}")
    samples = [_samples(f"images[{each.name!r}]", images[each.name], each) for each in inputs]
    if len({*map(len, samples)}) > 1:
        raise InputError(f"images: batch sizes differ: {', '.join(map(str, map(len, samples)))}")
    return samples


def _samples(where: str, samples: Array, of: GraphInput) -> Array:
    dtype = "uint8" if of.kind == "image" else "float32"
    if not isinstance(samples, np.ndarray):
        raise InputError(f"{where}: must be a NumPy array of {dtype}, are {type(samples).__name__}")
    if samples.dtype != dtype or samples.ndim != 4 or samples.shape[1:] != of.shape:
        raise InputError(
            f"{where}: must be {dtype} of shape (N, {', '.join(map(str, of.shape))}), "
            f"are {samples.dtype} of shape {samples.shape}"
        )
    return samples


def _without_onednn(replay: Replay, given: Sequence[Tensor]) -> list[Tensor]:
    with warnings.catch_warnings():
        # torch's own note about graphics cards, on every use of these flags
        warnings.filterwarnings("ignore", message="TF32 acceleration", category=UserWarning)
        with torch.backends.mkldnn.flags(enabled=False):
            return replay(*given)
