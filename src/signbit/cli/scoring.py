"""Scores and times of a compiled network, shared by the commands that print them. No torch."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from signbit.cli import console
from signbit.errors import DataError, InputError, SignbitError
from signbit.runtime.ports import Inputs, first_output
from signbit.runtime.prediction import OUTPUT, class_labels
from signbit.words import counted, listed

if TYPE_CHECKING:
    from signbit.cli.runs import Deployed
    from signbit.data.loading.dataset import ImageDataset
    from signbit.data.loading.readable import Unreadable
    from signbit.runtime.engine import Engine

__all__ = [
    "Timing",
    "evenly",
    "load_classifier",
    "logits",
    "match_classes",
    "open_split",
    "sample_images",
    "time_calls",
    "top1",
]

BATCH = 256
WARM_UP = 3


@dataclass(frozen=True)
class Timing:
    """Milliseconds of each timed call."""

    milliseconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)


def time_calls(engine: Engine, inputs: Inputs, runs: int) -> Timing:
    """Time `runs` calls with the same inputs, after a few calls that warm up."""
    milliseconds = []
    for index in range(WARM_UP + runs):
        start = time.perf_counter()
        engine(inputs)
        if index >= WARM_UP:
            milliseconds.append(1000 * (time.perf_counter() - start))
    return Timing(milliseconds)


def load_classifier(
    path: Path, threads: int | None, isa: str | None, input_size: tuple[int, int] | None = None
) -> Engine:
    """The engine of a file that gives one score per class; SignbitError where it does not.

    input_size: another (height, width) than the file's own.
    """
    import signbit

    engine = signbit.load(path, threads=threads, isa=isa, input_size=input_size)
    try:
        class_labels(engine)
    except InputError as error:
        cure = (
            ": `signbit predict --nearest FOLDER` finds similar images with it, and `signbit "
            "compile RUN --probe FOLDER` makes a classifier of its run"
        )
        features = engine.source.get(OUTPUT) == "features"
        raise SignbitError(f"{path}: {error}{cure if features else ''}") from None
    if others := [repr(each.name) for each in engine.outputs[1:]]:
        name = engine.outputs[0].name
        console.say(f"scores: the output {name!r}; not used: {listed(others)}")
    return engine


def logits(engine: Engine, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32 (N, classes) of uint8 (N, H, W, C), in batches."""
    parts = [
        first_output(engine(images[start : start + BATCH]))
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts)


def top1(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Fraction of images whose largest score is at their label."""
    return float(np.mean(scores.argmax(axis=1) == labels))


def evenly(total: int, count: int) -> NDArray[np.int64]:
    """`count` of `total` numbers from 0, spread evenly, or all of them where there are fewer."""
    return np.linspace(0, total - 1, min(count, total)).round().astype(np.int64)


def open_split(
    source: str, split: str, unreadable: Unreadable, *, labelled: bool = True
) -> ImageDataset:
    """Images as `signbit.data.open_dataset` gives them, or those of them that can be decoded."""
    from signbit.data import open_dataset
    from signbit.data.loading.readable import without_unreadable

    dataset = open_dataset(source, split, labelled=labelled, say=console.say)
    return without_unreadable(dataset, console.say) if unreadable == "skip" else dataset


def sample_images(
    source: Deployed,
    data: str | None,
    split: str | None,
    unreadable: Unreadable | None,
    count: int,
) -> ImageDataset:
    """`count` test images, spread evenly, as the network's input.

    They are the run's own, but for what data, split and unreadable say otherwise.
    """
    run = source.run
    # Features have no classes, so that images to compare them on need none either.
    labelled = bool(run.class_names)
    dataset = open_split(
        data or source.data,
        split or source.test_split,
        unreadable or source.unreadable,
        labelled=labelled,
    )
    chosen = evenly(len(dataset), count)
    return run.preprocessing.fit(match_classes(dataset.take(chosen), run.class_names))


def match_classes(
    dataset: ImageDataset, class_names: Sequence[str], outputs: int | None = None
) -> ImageDataset:
    """The data set with labels in the network's class order, by name.

    A network without names takes the data set's order, where it has as many `outputs` (None: it
    gives no scores). Of fewer classes than the network knows it is said which ones they are. Raises
    DataError where the data set has a class that the network does not know, or it has no names and
    another number of outputs.
    """
    from signbit.data.class_names import class_name, nearly

    source, own = dataset.source, dataset.class_names
    class_names = [class_name(name) for name in class_names]
    if not class_names:
        if outputs is not None and len(own) != outputs:
            raise DataError(
                f"{source}: has {counted(len(own), 'class', 'classes')} ({listed(own)}), the "
                f"network {counted(outputs, 'output')} without names, so which is which is not "
                "known; compile it with class_names=, or name other images with --data"
            )
        if outputs is not None:
            console.say(f"the network names no classes; its outputs are taken to be: {listed(own)}")
        return dataset
    if tuple(class_names) == own:
        return dataset
    unknown = [name for name in own if name not in class_names]
    if unknown:
        if like := nearly(unknown[0], class_names):
            raise DataError(
                f"{source}: the network knows no class {unknown[0]!r}, but {like!r}, which "
                "differs in case only; rename the folder"
            )
        raise DataError(
            f"{source}: the network knows no class {listed(unknown)}; it knows "
            f"{listed(class_names)}, and the images are of {listed(own)}; rename the classes, or "
            "name other images with --data"
        )
    if len(own) < len(class_names):
        count = f"{len(own)} of the network's {counted(len(class_names), 'class', 'classes')}"
        console.say(f"{source}: has images of {count}: {listed(own)}")
    from signbit.data import ImageDataset

    order = np.array([class_names.index(name) for name in own])
    return ImageDataset(
        dataset.read,
        order[dataset.labels],
        class_names,
        source=dataset.source,
        split=dataset.split,
        fingerprint=dataset.fingerprint,
        workers=dataset.workers,
    )
