"""`fit`: anybody's own network through the same loop, run folder and resume as `signbit train`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from torch import nn

from signbit import models
from signbit.data import ImageDataset, in_memory, open_dataset
from signbit.data.sources.named import MEMORY, memory_is
from signbit.data.sources.split import held_out_split
from signbit.errors import InputError, RecipeError
from signbit.methods import Method
from signbit.training.networks import build_network, is_of, make_method, own_network
from signbit.training.recipe import Recipe
from signbit.training.recipe.parsing import single_runs
from signbit.training.recipe.recipe import require_recipe
from signbit.training.recipe.sections import Teacher
from signbit.training.runs.folder import load_run
from signbit.training.runs.result import RunResult
from signbit.training.supervised.teacher import own_teacher
from signbit.training.supervised.train import train

__all__ = ["fit"]

_OWN = "own"
"""What a run calls a network that has no name."""


def fit(
    model: nn.Module | Callable[[Method], nn.Module],
    data: object,
    recipe: Recipe,
    out: str | Path,
    *,
    test: object = None,
    teacher: nn.Module | None = None,
    progress: bool = True,
) -> RunResult:
    """Train a network of one's own by a recipe into the run folder `out`, as `train` does.

    model: takes normalised images (N, C, H, W), gives logits (N, classes); it is trained in place
    and is afterwards in evaluation mode, at the last epoch's weights. Or a function that makes one
    for a method: of a recipe whose stages have several it is called for each of them. data: a
    source by name or folder, or what `signbit.data.in_memory` takes, with `test` the test images in
    the same form; without, every fifth image is held out. teacher: a network whose answers are
    learned, as the recipe's section `teacher` says (default: alone, at temperature 1); it sees the
    images as the student does.

    The recipe's network is what the run calls this one: the name of another network is replaced by
    "own". Where a name that `signbit.models.register` knows builds the same network, the commands
    know the run, too; else `signbit.training.load_run(out, model)` reads it. The network's images
    are of `model.input_size`, or else as large as the first of the data.

    The same call goes on where it was stopped. Raises as `train`; InputError for what is no
    network, no images or no recipe; RecipeError for a recipe that does not suit.
    """
    require_recipe(recipe)
    if not callable(model) or isinstance(model, type):
        raise InputError(f"fit: model must be an nn.Module or make one, is {model!r}")
    if recipe.binarize is not None:
        raise RecipeError(
            "binarize: fit takes the network as it is; make it binary first: "
            "signbit.nn.binarize(model, method)"
        )
    one = model if isinstance(model, nn.Module) else None
    if one is not None and len({str(run.method) for run in single_runs(recipe)}) > 1:
        raise RecipeError(
            "stages: change the method, which a network that is made cannot; give fit a function "
            "that makes it: lambda method: …"
        )
    with ExitStack() as stack:
        training, tested = _images(data, test, recipe)
        if not isinstance(data, str | Path):
            stack.enter_context(memory_is(lambda split: training if split == "train" else tested))
        height, width, _ = training.read(0).shape

        def build(method: Method) -> nn.Module:
            network = one if one is not None else model(method)
            if not isinstance(network, nn.Module):
                raise InputError(f"fit: model makes {type(network).__name__}, not an nn.Module")
            if not hasattr(network, "input_size"):
                network.input_size = (height, width)  # type: ignore[assignment]
            return network

        changes: dict[str, object] = {}
        if teacher is not None:
            stack.enter_context(own_teacher(teacher))
            section = recipe.teacher or Teacher()
            nobody = dict.fromkeys(("checkpoint", "network", "method", "mean", "std"))
            changes["teacher"] = section.model_copy(update=nobody)
        if not _is_called(recipe, build, len(training.class_names)):
            changes["network"] = _OWN
        recipe = recipe.model_copy(update=changes)
        stack.enter_context(own_network(recipe.network, build))
        source = data if isinstance(data, str | Path) else MEMORY
        result = train(recipe, source, out, progress=progress)
        if one is not None:
            load_run(out, one)
    return result


def _is_called(recipe: Recipe, build: Callable[[Method], nn.Module], classes: int) -> bool:
    """Whether the recipe's name is this network's: nobody else's, or it builds the same one."""
    if recipe.network not in models.names():
        return True
    method = make_method(single_runs(recipe)[-1].method)
    try:
        with torch.device("meta"):
            named = build_network(
                recipe.network, method, classes=classes, channels=len(recipe.data.mean)
            )
    except RecipeError:  # a real network beside a binary method
        return False
    return is_of(named, build(method).state_dict())


def _images(data: object, test: object, recipe: Recipe) -> tuple[ImageDataset, ImageDataset]:
    """The training and the test images, of the same classes."""
    if isinstance(data, str | Path):
        if test is not None:
            raise InputError("fit: test is for images in memory; a source has its own")
        return tuple(open_dataset(data, each) for each in ("train", recipe.data.test_split))  # type: ignore
    training = in_memory(data)
    if test is None:
        parts = (held_out_split(training.labels, each, MEMORY) for each in ("train", "test"))
        train_part, test_part = (training.take(np.asarray(each)) for each in parts)
        train_part.split, test_part.split = "train", "test"
        return train_part, test_part
    tested = in_memory(test, split="test")
    names = max(training.class_names, tested.class_names, key=len)
    if not isinstance(data, ImageDataset):
        training = in_memory(data, class_names=names)
    if not isinstance(test, ImageDataset):
        tested = in_memory(test, split="test", class_names=names)
    return training, tested
