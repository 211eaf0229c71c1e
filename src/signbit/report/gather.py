"""Finds what a report says of a file: its answers to labelled images, its inside, its costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from signbit.bitformat import decode
from signbit.compiler.count import ModelCost, count
from signbit.data.loading.dataset import ImageDataset
from signbit.data.pixels.decoding import batches
from signbit.printable import printable
from signbit.report.findings import Agreed, Findings
from signbit.report.inside import look_inside
from signbit.report.scores import Scores
from signbit.runtime.engine import Engine
from signbit.runtime.photographs import resize_rule
from signbit.runtime.ports import first_output
from signbit.runtime.prediction import class_labels, require_finite
from signbit.training.reports.curves import Curves

__all__ = ["gather"]

_MISTAKES = 24


def gather(
    title: str,
    data: bytes,
    engine: Engine,
    *,
    card: Mapping[str, str],
    images: ImageDataset | None,
    curves: Curves | None = None,
    agreed: Agreed | None = None,
    without: tuple[str, ...] = (),
    progress: Callable[[int], None] = lambda done: None,
) -> Findings:
    """Of the file `data`, which `engine` has loaded, on `images` in the engine's class order.

    `progress` hears how many of the images have been scored. Raises DataError for an image that
    cannot be decoded, InputError where the network is no classifier of images, and there are some,
    SignbitError where a score is not finite.
    """
    scores, sample = None, None
    mistakes: tuple[tuple[int, NDArray[np.uint8]], ...] = ()
    if images is not None:
        scores = _score(engine, images, progress)
        read = images.reader(engine.input_shape, resize_rule(engine))
        mistakes = tuple((index, read(index)) for index in scores.mistakes(_MISTAKES))
        sample = read(0)
    return Findings(
        title=printable(title),
        card={printable(key): printable(value) for key, value in card.items()},
        cost=_cost(data),
        nodes=tuple({**node, "name": printable(node["name"])} for node in engine.explain()),
        isa=engine.isa,
        inside=look_inside(data, engine, sample),
        curves=curves,
        scores=scores,
        mistakes=mistakes,
        agreed=agreed,
        without=without,
    )


def _cost(data: bytes) -> ModelCost:
    graph, constants = decode(data)
    cost = count(graph, constants, len(data))
    layers = (replace(layer, name=printable(layer.name)) for layer in cost.layers)
    return replace(cost, layers=tuple(layers))


def _score(engine: Engine, images: ImageDataset, progress: Callable[[int], None]) -> Scores:
    names = class_labels(engine)
    read = images.reader(engine.input_shape, resize_rule(engine))
    logits = np.empty((len(images), len(names)), dtype=np.float32)
    for indices, pixels in batches(read, len(images), engine.input_shape, None):
        logits[indices] = first_output(engine(pixels))
        require_finite(logits[indices], [f"image {index}" for index in indices])
        progress(indices[-1] + 1)
    output, known = engine.outputs[0], tuple(map(printable, images.class_names))
    return Scores(logits, images.labels, known, output.temperature, output.least_probability)
