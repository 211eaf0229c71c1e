"""What a classifier says of an image: its scores as a class and probabilities. NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from signbit.errors import DataError, InputError, SignbitError
from signbit.runtime.photographs import Photographs
from signbit.runtime.ports import Output, first_output
from signbit.runtime.shown import prediction_html
from signbit.words import counted

if TYPE_CHECKING:
    from signbit.runtime.engine import Engine

__all__ = [
    "OUTPUT",
    "Prediction",
    "class_labels",
    "of_images",
    "predictions",
    "require_finite",
    "softmax",
]

_BATCH = 64

OUTPUT = "output"
"""The note of a file that says what its output is; "features" are no scores."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a classifier says of one image.

    name: the likeliest class, or its number as text where the file names no classes. index: its
    number, from 0; of equal scores the first. probability: in 0 … 1, the softmax of the logits by
    the file's temperature. probabilities: that of every class, float64 (classes,). logits: float32
    (classes,). is_none: whether the answer is "none of these", as the probability is below the
    file's least one.
    """

    name: str
    index: int
    probability: float
    probabilities: npt.NDArray[np.float64] = field(repr=False)
    logits: npt.NDArray[np.float32] = field(repr=False)
    names: Sequence[str] = field(repr=False)
    is_none: bool = False

    _repr_html_ = prediction_html

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The `count` likeliest classes, or all there are: (name, probability), best first.

        Raises InputError for a count that is no whole number, or below 1.
        """
        if not isinstance(count, int | np.integer) or count < 1:
            raise InputError(f"count: must be a whole number of classes, 1 or more, is {count!r}")
        best = np.argsort(-self.logits, kind="stable")[:count]
        return [(self.names[index], float(self.probabilities[index])) for index in best]


def class_labels(engine: Engine) -> list[str]:
    """The name of each class, or its number as text where the file has no names.

    Raises InputError where the network is no classifier: it has one input, and as its output, or
    the first of several, a real score for each class.
    """
    if engine.source.get(OUTPUT) == "features":
        raise InputError("gives features of an image, not scores of classes")
    if len(engine.inputs) != 1:
        taken = counted(len(engine.inputs), "input")
        raise InputError(f"not a classifier: it has {taken}, a classifier has one")
    output = engine.outputs[0]
    height, width, channels = output.shape
    if (height, width) != (1, 1):
        raise InputError(
            f"not a classifier: its first output {output.name!r} is {height}×{width}×{channels}, "
            "a classifier's is 1×1×classes"
        )
    if output.kind != "real":
        raise InputError(
            f"not a classifier: its first output {output.name!r} is signs, a classifier's is scores"
        )
    return list(output.classes) or [str(index) for index in range(channels)]


def require_finite(logits: npt.NDArray[np.float32], images: Sequence[object]) -> None:
    """Raise SignbitError, which names the image, where a score is not finite."""
    finite = np.isfinite(logits).all(axis=1)
    if not finite.all():
        raise SignbitError(
            f"its scores for {images[int(finite.argmin())]} are not finite numbers, as constants "
            "of the file overflow float32; compile the run again"
        )


def softmax(logits: npt.NDArray[np.float32], temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """Probabilities, float64 (N, classes), of finite scores of that shape."""
    behind = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(behind / temperature)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def predictions(
    logits: npt.NDArray[Any], output: Output, names: Sequence[str], images: Sequence[object]
) -> list[Prediction]:
    """One prediction for each row of float32 (N, classes); errors call its image as `images` do.

    output: the one that gave the scores. Raises SignbitError where a score is not finite.
    """
    require_finite(logits, images)
    found = []
    for row, scores in zip(softmax(logits, output.temperature), logits, strict=True):
        best = int(scores.argmax())
        is_none = bool(row[best] < output.least_probability)
        found.append(Prediction(names[best], best, float(row[best]), row, scores, names, is_none))
    return found


def of_images(
    engine: Engine, images: Sequence[Any], return_exceptions: bool = False
) -> Iterator[Prediction | SignbitError]:
    """`Engine.predict` of several images, in order, a batch at a time."""
    names = class_labels(engine)
    prepare = Photographs(engine)
    for start in range(0, len(images), _BATCH):
        batch = [
            _prepared(prepare, image, return_exceptions) for image in images[start : start + _BATCH]
        ]
        arrays = {i: each for i, each in enumerate(batch, start) if isinstance(each, np.ndarray)}
        found: Iterator[Prediction] = iter(())
        if arrays:
            scores = first_output(engine(np.stack([*arrays.values()])))
            called = [f"image {index}" for index in arrays]
            found = iter(predictions(scores, engine.outputs[0], names, called))
        for each in batch:
            yield each if isinstance(each, SignbitError) else next(found)


def _prepared(
    prepare: Photographs, image: object, return_exceptions: bool
) -> npt.NDArray[Any] | DataError | InputError:
    """The input that an image becomes, or why it becomes none."""
    try:
        return prepare(image)
    except (DataError, InputError) as error:
        if not return_exceptions:
            raise
        prepare.require_rule()
        return type(error)(str(error))  # one that holds no traceback, and so no image
