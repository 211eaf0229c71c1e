"""`compile --calibrate`: the temperature that a file gets, and how far that helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from signbit.cli import console
from signbit.errors import InputError
from signbit.words import counted

if TYPE_CHECKING:
    from signbit.compiler import Compiled
    from signbit.data import ImageDataset

__all__ = ["Calibration", "calibrate"]


@dataclass(frozen=True)
class Calibration:
    """A temperature, and the calibration error, 0 … 1, without it and with it."""

    images: int
    temperature: float
    error_before: float
    error_after: float
    """Of images that are not those of the temperature that is used for them."""

    @property
    def line(self) -> str:
        before, after = map(console.percent, (self.error_before, self.error_after))
        return (
            f"temperature {self.temperature:.3g}, fitted on {counted(self.images, 'image')}: "
            f"calibration error {before} before, {after} after, on images not fitted on"
        )


def calibrate(compiled: Compiled, images: ImageDataset) -> Calibration:
    """Fit a temperature to the file's own scores of labelled images.

    Raises InputError for a network that is no classifier, and for fewer than 10 images.
    """
    import signbit
    from signbit.cli.scoring import logits
    from signbit.report.scores import Scores
    from signbit.report.temperature import fitted_temperature, held_out_error
    from signbit.runtime.prediction import class_labels

    if len(images) < 10:
        raise InputError(
            f"--calibrate: takes 10 images or more, and {images.source} has {len(images)} of the "
            f"{images.split} split; name more with --data"
        )
    engine = signbit.load(compiled.data)
    try:
        names = tuple(class_labels(engine))
    except InputError as error:
        raise InputError(f"--calibrate is for classifiers: the network is {error}") from None
    scores = Scores(logits(engine, images.images), images.labels, names)
    return Calibration(
        len(images),
        fitted_temperature(scores),
        scores.calibration_error(),
        held_out_error(scores),
    )
