"""A recipe's images: which of the source's, and what is done to them before a network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
from torch import nn

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.readable import without_unreadable
from signbit.data.loading.say import Say, log, once
from signbit.data.loading.seeds import derive_seed
from signbit.data.pixels.augment import Augmentation
from signbit.data.pixels.images import Resize
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.resized_crop import ResizedCrop
from signbit.data.sources.any_source import open_dataset
from signbit.data.sources.split import share_of_classes
from signbit.data.sources.unlabelled import LABELS_NEEDED
from signbit.errors import DataError, RecipeError
from signbit.training.recipe import Recipe
from signbit.training.recipe.sections import DataRecipe
from signbit.words import counted, listed

__all__ = ["augmentation_of", "fit_images", "open_images", "preprocessing_of"]


def open_images(recipe: Recipe, say: Say | None = None) -> tuple[ImageDataset, ImageDataset]:
    """The training images, as many as the recipe says, and the test images.

    `say` (by default a logger) hears what is left out, which ones are skipped, where the recipe
    asks for that, and that there are no labels, where it needs none. Raises DataError where the
    source lacks images, its splits have different classes, or, for a recipe that learns from
    labels, only one.
    """
    say = once(say or log)
    labelled = recipe.selfsup is None
    training = open_dataset(recipe.data.source, "train", labelled=labelled, say=say)
    split = recipe.data.test_split
    test = open_dataset(recipe.data.source, split, labelled=labelled, say=say)
    if recipe.data.unreadable == "skip":
        training, test = without_unreadable(training, say), without_unreadable(test, say)
    if not labelled and min(len(training.class_names), len(test.class_names)) == 1:
        training, test = training.without_labels(), test.without_labels()
        say(
            f"{recipe.data.source}: its images have no labels, or one class, so knn_top1 is not "
            f"measured; {len(test)} of them are for the diagnostics alone"
        )
    if recipe.data.test_split == "test" and not test.split.lower().startswith("test"):
        say(f"{recipe.data.source}: no test images; those of {test.split} take their place")
    if training.class_names != test.class_names:
        raise DataError(
            f"{recipe.data.source}: its splits have different classes: {training.split} "
            f"{listed(training.class_names)}; {test.split} {listed(test.class_names)}; name the "
            "classes alike, or choose other test images (data.test_split=NAME)"
        )
    if labelled and len(training.class_names) < 2:
        raise DataError(
            f"{recipe.data.source}: only one class ({training.class_names[0]}); use two or more, "
            f"as {LABELS_NEEDED}"
        )
    if recipe.train_images is not None:
        if recipe.train_images > len(training):
            raise DataError(
                f"{recipe.data.source}: train_images={recipe.train_images}, but the train split "
                f"has {counted(len(training), 'image')}; train_images=null takes all of them"
            )
        seed = derive_seed(recipe.seed, "train images")
        order = torch.randperm(len(training), generator=torch.Generator().manual_seed(seed))
        training = training.take(np.asarray(order[: recipe.train_images]))
    if recipe.label_share is not None:
        chosen = share_of_classes(training.labels, recipe.label_share, recipe.seed)
        training = training.take(chosen)
    return training, test


def preprocessing_of(recipe: Recipe, model: nn.Module) -> Preprocessing:
    """What the network's images go through outside of training.

    Raises RecipeError where the network takes no images of the recipe's `data.input_size`.
    """
    height, width = _input_size(recipe, model)
    return Preprocessing(
        input_size=(height, width, len(recipe.data.mean)),
        mean=recipe.data.mean,
        std=recipe.data.std,
        resize=resize_of(recipe.data, (height, width)),
    )


def resize_of(data: DataRecipe, size: tuple[int, int]) -> Resize:
    """How a photograph becomes an input of this (height, width)."""
    shorter = data.resize_shorter_side
    if shorter is None and data.resize_both_sides is None and data.letterbox is None:
        shorter = math.floor(max(size) / (data.crop_ratio or 1))
    return Resize(
        shorter,
        data.interpolation,
        both_sides=data.resize_both_sides,
        letterbox=data.letterbox,
        aliased=not data.antialias,
        colours=data.colours,
    )


def _input_size(recipe: Recipe, model: nn.Module) -> tuple[int, int]:
    """(height, width) of what the network sees: its own, or the recipe's if it takes that."""
    own = cast("tuple[int, int]", model.input_size)
    wanted = recipe.data.input_size
    if wanted is None or wanted == own:
        return own
    learns = model.training
    image = next(model.parameters()).new_zeros((1, len(recipe.data.mean), *wanted))
    try:
        with torch.no_grad():
            model.eval()(image)
    except RuntimeError as error:
        raise RecipeError(
            f"data.input_size: {recipe.network} takes no images of {wanted[0]}×{wanted[1]}, as its "
            f"own size {own[0]}×{own[1]} is in its layers, or they have no pixel left; leave "
            "input_size out, or choose a network that ends in a mean over the image, such as "
            "resnet20"
        ) from error
    finally:
        model.train(learns)
    return wanted


def fit_images(
    recipe: Recipe,
    preprocessing: Preprocessing,
    parts: Mapping[str, ImageDataset],
    say: Say,
) -> dict[str, ImageDataset]:
    """Each part at the size that it is taken in: "training" by training, others by evaluation."""
    stored = preprocessing
    crop = recipe.data.augment.resized_crop
    side = None if crop is None else crop.side or 2 * max(preprocessing.input_size[:2])
    if recipe.selfsup is not None:
        side = recipe.selfsup.views.side
    if side is not None:
        # Crops are taken from a larger square than the network's input.
        stored = preprocessing.as_square(side)
    return {
        part: (stored if part == "training" else preprocessing).fit(
            dataset, workers=recipe.data.workers, say=say
        )
        for part, dataset in parts.items()
    }


def augmentation_of(recipe: Recipe, preprocessing: Preprocessing) -> Augmentation | ResizedCrop:
    """What training does to images that `fit_images` gave."""
    chosen = recipe.data.augment
    flip, cutout, jitter = chosen.flip, chosen.cutout, chosen.colour_jitter
    if chosen.resized_crop is None:
        return Augmentation(
            flip=flip, crop_padding=chosen.crop_padding, cutout=cutout, colour_jitter=jitter
        )
    height, width, _ = preprocessing.input_size
    return ResizedCrop(
        flip=flip,
        area=chosen.resized_crop.area,
        size=(height, width),
        cutout=cutout,
        colour_jitter=jitter,
    )
