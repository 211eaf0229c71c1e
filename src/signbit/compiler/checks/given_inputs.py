"""The inputs that a model is said to take: every spelling that makes sense, checked."""

from __future__ import annotations

import inspect
import operator
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from signbit.bitformat.table import LIMITS
from signbit.compiler.checks.collected import Collected
from signbit.compiler.inputs import ImageInput, ModelInput, Numbers, RealInput, Size
from signbit.compiler.ir import IMAGE
from signbit.errors import CompileError
from signbit.words import counted

__all__ = ["checked_inputs", "image_input", "refused", "whole_numbers", "why_units"]


def checked_inputs(
    model: nn.Module, inputs: Mapping[str, ImageInput | RealInput], checks: Collected
) -> tuple[ModelInput, ...]:
    """The inputs by name, as `compile_model` takes them, in the order in which forward does.

    Names are those of forward's parameters; where none is, inputs are in their own order. What is
    wrong is kept in `checks`, and then what is returned is not all of them.
    """
    if not isinstance(inputs, Mapping) or not inputs:
        what = "must be a dict of ImageInput and RealInput by name"
        checks.keep(refused("inputs", what, inputs))
        return ()
    found: list[ModelInput] = []
    with checks:
        for name in _in_order(model, inputs):
            given, where = inputs[name], f"inputs[{reprlib.repr(name)}]"
            if isinstance(given, ImageInput):
                found += image_input(model, given, checks, name, f"{where}.", "size")
            elif isinstance(given, RealInput):
                with checks:
                    found.append(_real_input(name, given, where))
            else:
                checks.keep(refused(where, "must be an ImageInput or a RealInput", given))
    return tuple(found)


def _in_order(model: nn.Module, inputs: Mapping[str, object]) -> list[str]:
    """The names as forward takes the tensors, one after the other."""
    for name in inputs:
        if not isinstance(name, str) or not name or not _is_text(name):
            raise refused("inputs", "must have a name of text for each", name)
    if len(inputs) > LIMITS["operands"]:
        most = f"must be {LIMITS['operands']} at most"
        raise CompileError(f"inputs: {most}; there are {len(inputs)}")
    parameters = [*inspect.signature(model.forward).parameters]
    if not any(name in parameters for name in inputs):
        return [*inputs]
    ordered = [name for name in parameters if name in inputs]
    if ordered != parameters[: len(inputs)]:
        raise CompileError(
            f"inputs: {', '.join(map(repr, inputs))} are not the first parameters of the model's "
            f"forward({', '.join(parameters)}); name each as the parameter that it is"
        )
    return ordered


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def image_input(
    model: nn.Module,
    given: ImageInput,
    checks: Collected,
    name: str = IMAGE,
    where: str = "",
    size: str = "input_size",
) -> list[ModelInput]:
    """The image in a list, or nothing where its size is refused; all that is, `checks` has.

    where, size: how messages begin, and what they call the size.
    """
    before, found = len(checks.refused), list[ModelInput]()
    with checks:
        means = _numbers(f"{where}mean", given.mean)
    with checks:
        stds = _numbers(f"{where}std", given.std)
    if len(checks.refused) > before:
        return found
    with checks:
        shape = _size(f"{where}{size}", given.size, model, means, stds)
        found.append(ModelInput(name, shape, 3, (0.0,), (1.0,)))
        mean, std = _normalisation(where, means, stds, shape[2], shape)
        found[0] = ModelInput(name, shape, 3, mean, std)
    return found


def _real_input(name: str, given: RealInput, where: str) -> ModelInput:
    sides = whole_numbers(given.size)
    must = (
        "must be the length of a vector, (length, channels) or (height, width, channels), whole "
        "numbers from 1 on"
    )
    if not 1 <= len(sides) <= 3 or min(sides) < 1:
        raise refused(f"{where}.size", must, given.size)
    height, width, channels = (*(1,) * (3 - len(sides)), *sides)
    too_large = max(height, width) > LIMITS["size"] or channels > LIMITS["channels"]
    if too_large or height * width * channels > LIMITS["elements"]:
        raise CompileError(
            f"{where}.size: {given.size} is more than a file's input has: "
            f"{counted(LIMITS['size'], 'row')} or columns, {LIMITS['channels']:,} channels and "
            f"{LIMITS['elements']:,} values"
        )
    return ModelInput(name, (height, width, channels), len(sides))


def why_units(given: ModelInput, where: str = "") -> str:
    """What is odd about a normalisation whose numbers are no pixels of 0 to 1; "" where nothing is.

    No mean of such pixels is above 1, and no standard deviation. where: as messages begin.
    """
    mean, std = given.mean, given.std
    if max(mean, default=0) <= 1 and max(std, default=0) <= 1:
        return ""
    name, value = ("mean", max(mean)) if max(mean) > 1 else ("std", max(std))
    return (
        f"{where}{name}: {value:g} is more than any pixel in units where 255 is 1, in which mean "
        "and std are: a network learned on pixels of 0 to 255 needs both divided by 255"
    )


def _numbers(name: str, value: Numbers) -> npt.NDArray[np.float64]:
    """A number, or one per channel, of any shape that holds them along one axis."""
    try:
        given = np.asarray(value)
    except (RuntimeError, TypeError, ValueError):
        given = np.array(None)
    if (
        given.dtype.kind not in "fiu"
        or given.size == 0
        or given.size != max(given.shape, default=1)
    ):
        raise refused(name, "must be a number, or one for each channel", value)
    array = given.astype(np.float64)
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    if not np.isfinite(narrow).all():
        raise refused(name, "must be finite, also as float32", value)
    return array.reshape(-1) if array.ndim else array


def _size(
    name: str, given: Size, model: nn.Module, *per_channel: npt.NDArray[np.float64]
) -> tuple[int, int, int]:
    sides = whole_numbers(given)
    if len(sides) == 1:
        sides *= 2
    if len(sides) == 2:
        sides = (*sides, _channels(name, model, *per_channel))
    if len(sides) != 3 or not all(1 <= side <= LIMITS["size"] for side in sides[:2]):
        raise refused(
            name,
            "must be (height, width, channels), (height, width) or one side of a square, whole "
            f"numbers from 1 to {LIMITS['size']:,}",
            given,
        )
    height, width, channels = sides
    must = (
        f"an image must have 1 to {LIMITS['channels']:,} channels, and no more than "
        f"{LIMITS['elements']:,} values"
    )
    if not 1 <= channels <= LIMITS["channels"] or height * width * channels > LIMITS["elements"]:
        raise refused(name, must, given)
    return height, width, channels


def _channels(name: str, model: nn.Module, *per_channel: npt.NDArray[np.float64]) -> int:
    """As many as there are means or deviations, or as the first convolution reads."""
    for numbers in per_channel:
        if numbers.ndim:
            return len(numbers)
    if isinstance(model, nn.Module):
        for module in model.modules():
            if isinstance(channels := getattr(module, "in_channels", None), int):
                return channels
    raise CompileError(
        f"{name}: has no channels, and neither mean, std nor a convolution of the model says "
        "how many there are; give (height, width, channels)"
    )


def _normalisation(
    where: str,
    mean: npt.NDArray[np.float64],
    std: npt.NDArray[np.float64],
    channels: int,
    size: tuple[int, int, int],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    for name, numbers in (("mean", mean), ("std", std)):
        if numbers.ndim and len(numbers) != channels:
            turned = size[0] == len(numbers)
            raise CompileError(
                f"{where}{name}: must have one value for each of the {channels} channels, or be a "
                f"number; it has {len(numbers)}"
                + ("; sizes are (height, width, channels), channels last" if turned else "")
            )
    # These are the file's constants and PyTorch's own, in float32.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        narrow = std.astype(np.float32)
        constants = np.stack(np.broadcast_arrays(1 / (255 * std), mean / std, mean / narrow))
        constants = constants.astype(np.float32)
    if not (narrow > 0).all() or not np.isfinite(constants).all():
        raise CompileError(
            f"{where}std: must be more than 0, and no smaller than float32 can divide by; the "
            f"least is {std.min():g}"
        )
    means, stds = (np.broadcast_to(numbers, (channels,)).tolist() for numbers in (mean, std))
    return tuple(means), tuple(stds)


def whole_numbers(given: Any) -> tuple[int, ...]:
    """A whole number or several; none where anything else is given."""
    items = tuple(given) if isinstance(given, Iterable) else (given,)
    if any(isinstance(item, bool | np.bool_) for item in items):
        return ()
    try:
        return tuple(map(operator.index, items))
    except TypeError:
        return ()


def refused(name: str, must: str, given: object) -> CompileError:
    """The error for an argument that must be something else."""
    return CompileError(f"{name}: {must}; it is {reprlib.repr(given)}")
