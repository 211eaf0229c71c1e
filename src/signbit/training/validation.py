"""The images that choose the best epoch of a run, where its recipe has `early_stopping`.

They are the source's own validation images, or some that training does without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.readable import without_unreadable
from signbit.data.loading.readers import name_of
from signbit.data.loading.say import Say
from signbit.data.sources.any_source import folder_of, has_split, open_dataset
from signbit.data.sources.split import held_out_share
from signbit.errors import DataError
from signbit.training.recipe import Recipe
from signbit.words import counted, listed

__all__ = ["hold_out", "image_names"]

_SPLIT = "validation"
_FEW = 5  # images of a class that little can be learned from


def hold_out(
    recipe: Recipe, training: ImageDataset, test: ImageDataset, say: Say
) -> tuple[ImageDataset, ImageDataset | None]:
    """What is left to train on, and the images whose loss chooses the epoch; None: no choice.

    training, test: as `open_images` gives them. The validation images are `test` itself where the
    source has one such split alone. `say` hears how many there are of each, and which classes have
    few. Raises DataError where no image can be held out, or the validation images have other
    classes.
    """
    if recipe.early_stopping is None:
        return training, None
    source, validation, how = recipe.data.source, test, "too: their top-1 is a little too good"
    if not has_split(source, _SPLIT):
        chosen = held_out_share(training.labels, recipe.early_stopping.held_out, recipe.seed)
        if not len(chosen):
            raise DataError(
                f"{source}: no image can be held out to choose the best epoch by, as that takes "
                "three of one class; add more images, or say early_stopping=null"
            )
        validation = training.take(chosen)
        training = training.take(np.setdiff1d(np.arange(len(training)), chosen))
        how = f"held out of those to train on, with seed {recipe.seed}"
    else:
        own = open_dataset(source, _SPLIT, say=say)
        if own.split != test.split:
            validation = without_unreadable(own, say) if recipe.data.unreadable == "skip" else own
            how = f"those of {own.split}"
    if validation.class_names != training.class_names:
        raise DataError(
            f"{source}: {validation.split} has other classes ({listed(validation.class_names)}) "
            f"than {training.split} ({listed(training.class_names)}); name the classes alike"
        )
    images = [counted(len(each), "image") for each in (training, validation, test)]
    classes = counted(len(training.class_names), "class", "classes")
    say(f"{source}: {images[0]} of {classes} to train on, {images[2]} to test")
    say(f"{source}: {images[1]} to choose the best epoch by, {how}")
    numbers = Counter(training.labels.tolist())
    few = [
        f"{name} ({numbers[label]})"
        for label, name in enumerate(training.class_names)
        if numbers[label] < _FEW
    ]
    if few:
        say(f"{source}: classes with few images to train on: {listed(few)}; more would help")
    return training, validation


def image_names(source: str, parts: Mapping[str, ImageDataset]) -> dict[str, list[str | int]]:
    """The names of every part's images: paths below the source's folder, or numbers in a split."""
    start = f"{folder_of(source)}/"

    def name(dataset: ImageDataset, index: int) -> str | int:
        found = name_of(dataset.read, index)
        return found.removeprefix(start) if isinstance(found, str) else found

    return {
        part: [name(dataset, index) for index in range(len(dataset))]
        for part, dataset in parts.items()
    }
