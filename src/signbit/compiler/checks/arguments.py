"""What `compile_model` is given beside the model: every spelling that makes sense, checked.

What would make a file that no reader reads, or that is of no use, is refused here, before anything
is computed.
"""

from __future__ import annotations

import operator
import reprlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt
from torch import nn

from signbit.bitformat.graph import INTERPOLATIONS, Pair, Resize
from signbit.bitformat.table import LIMITS
from signbit.compiler.checks.collected import Collected
from signbit.compiler.ir import Graph
from signbit.errors import CompileError, Refusal
from signbit.words import counted

__all__ = [
    "Arguments",
    "Numbers",
    "Size",
    "checked_arguments",
    "require_one_name_each",
    "why_units",
]

Size = SupportsIndex | Sequence[SupportsIndex]
Numbers = float | Sequence[float] | npt.NDArray[Any]

_MOST_NAMED = 5


@dataclass(frozen=True)
class Arguments:
    """What a file says beside its network."""

    size: Pair
    """(height, width)"""
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    resize: Resize
    source: dict[str, str]
    allow_real: tuple[str, ...]
    keep: tuple[str, ...]


def checked_arguments(
    model: nn.Module,
    *,
    input_size: Size,
    mean: Numbers,
    std: Numbers,
    class_names: Sequence[str] | None,
    resize_shorter_side: int | None,
    interpolation: str,
    source: Mapping[str, str] | None,
    allow_real: Sequence[str],
    keep: Sequence[str],
) -> Arguments:
    """The arguments of `compile_model` in the form that the compiler works with.

    Raises CompileError for what a file cannot hold, each with the name of the argument in front.
    """
    checks = Collected()
    with checks:
        means = _numbers("mean", mean)
    with checks:
        stds = _numbers("std", std)
    if not checks.refused:
        with checks:
            height, width, channels = _size(input_size, model, means, stds)
            with checks:
                norm = _normalisation(means, stds, channels, (height, width, channels))
            with checks:
                resize = _resize(resize_shorter_side, interpolation, (height, width))
    with checks:
        names = _class_names(class_names)
    with checks:
        notes = _notes(source)
    with checks:
        allowed = _texts("allow_real", allow_real)
    with checks:
        kept = _texts("keep", keep)
    checks.require_none()
    return Arguments((height, width), channels, *norm, names, resize, notes, allowed, kept)


def require_one_name_each(graph: Graph, class_names: Sequence[str]) -> None:
    """Refuse names where there are some, but not one for each score of the network, as traced."""
    output = graph[graph.output]
    channels = output.shape.channels
    if output.op != "unknown" and len(class_names) not in (0, channels):
        reason = (
            f"class_names: has {counted(len(class_names), 'name')}, and the network gives "
            f"{counted(channels, 'score')} for each image"
        )
        graph.refused.append(Refusal("", "", reason, "give one name for each, or none"))


def why_units(mean: Sequence[float], std: Sequence[float]) -> str:
    """What is odd about a normalisation whose numbers are no pixels of 0 to 1; "" where nothing is.

    No mean of such pixels is above 1, and no standard deviation.
    """
    if max(mean) <= 1 and max(std) <= 1:
        return ""
    name, value = ("mean", max(mean)) if max(mean) > 1 else ("std", max(std))
    return (
        f"{name}: {value:g} is more than any pixel in units where 255 is 1, in which mean and std "
        "are: a network learned on pixels of 0 to 255 needs both divided by 255"
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
        raise _refuse(name, "must be a number, or one for each channel", value)
    array = given.astype(np.float64)
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    if not np.isfinite(narrow).all():
        raise _refuse(name, "must be finite, also as float32", value)
    return array.reshape(-1) if array.ndim else array


def _size(
    given: Size, model: nn.Module, *per_channel: npt.NDArray[np.float64]
) -> tuple[int, int, int]:
    sides = _integers(given)
    if len(sides) == 1:
        sides *= 2
    if len(sides) == 2:
        sides = (*sides, _channels(model, *per_channel))
    if len(sides) != 3 or not all(1 <= side <= LIMITS["size"] for side in sides[:2]):
        raise _refuse(
            "input_size",
            "must be (height, width, channels), (height, width) or one side of a square, whole "
            f"numbers from 1 to {LIMITS['size']:,}",
            given,
        )
    height, width, channels = sides
    if not 1 <= channels <= LIMITS["channels"] or height * width * channels > LIMITS["elements"]:
        raise _refuse(
            "input_size",
            f"an image must have 1 to {LIMITS['channels']:,} channels, and no more than "
            f"{LIMITS['elements']:,} values",
            given,
        )
    return height, width, channels


def _integers(given: Any) -> tuple[int, ...]:
    """A whole number or several; none where anything else is given."""
    items = tuple(given) if isinstance(given, Iterable) else (given,)
    if any(isinstance(item, bool | np.bool_) for item in items):
        return ()
    try:
        return tuple(map(operator.index, items))
    except TypeError:
        return ()


def _channels(model: nn.Module, *per_channel: npt.NDArray[np.float64]) -> int:
    """As many as there are means or deviations, or as the first convolution reads."""
    for numbers in per_channel:
        if numbers.ndim:
            return len(numbers)
    if isinstance(model, nn.Module):
        for module in model.modules():
            if isinstance(channels := getattr(module, "in_channels", None), int):
                return channels
    raise CompileError(
        "input_size: has no channels, and neither mean, std nor a convolution of the model says "
        "how many there are; give (height, width, channels)"
    )


def _normalisation(
    mean: npt.NDArray[np.float64],
    std: npt.NDArray[np.float64],
    channels: int,
    size: tuple[int, int, int],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    for name, numbers in (("mean", mean), ("std", std)):
        if numbers.ndim and len(numbers) != channels:
            turned = size[0] == len(numbers)
            raise CompileError(
                f"{name}: must have one value for each of the {channels} channels, or be a number; "
                f"it has {len(numbers)}"
                + ("; input_size is (height, width, channels), channels last" if turned else "")
            )
    # These are the file's constants and PyTorch's own, in float32.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        narrow = std.astype(np.float32)
        constants = np.stack(np.broadcast_arrays(1 / (255 * std), mean / std, mean / narrow))
        constants = constants.astype(np.float32)
    if not (narrow > 0).all() or not np.isfinite(constants).all():
        raise CompileError(
            f"std: must be more than 0, and no smaller than float32 can divide by; the least is "
            f"{std.min():g}"
        )
    means, stds = (np.broadcast_to(numbers, (channels,)).tolist() for numbers in (mean, std))
    return tuple(means), tuple(stds)


def _class_names(given: Sequence[str] | None) -> tuple[str, ...]:
    names = () if given is None else _texts("class_names", given)
    if "" in names:
        raise CompileError(f"class_names: number {names.index('')} is empty; a class needs a name")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        places = [index for index, name in enumerate(names) if name == twice[0]]
        raise CompileError(
            f"class_names: {reprlib.repr(twice[0])} stands for several classes (numbers "
            f"{', '.join(map(str, places[:_MOST_NAMED]))}); give each a name of its own"
        )
    return names


def _resize(shorter_side: int | None, interpolation: str, size: Pair) -> Resize:
    if interpolation not in INTERPOLATIONS:
        raise _refuse("interpolation", f"must be one of {', '.join(INTERPOLATIONS)}", interpolation)
    if shorter_side is None:
        return Resize(max(size), interpolation)
    sides = _integers(shorter_side)
    if len(sides) != 1 or not 1 <= sides[0] <= LIMITS["size"]:
        raise _refuse(
            "resize_shorter_side",
            f"must be a whole number of pixels from 1 to {LIMITS['size']:,}",
            shorter_side,
        )
    if sides[0] < min(size):
        raise CompileError(
            f"resize_shorter_side: {sides[0]} does not cover the input of {size[0]}×{size[1]}, so "
            f"no photograph would fit; the usual one is {max(size)}"
        )
    return Resize(sides[0], interpolation)


def _notes(source: Mapping[str, str] | None) -> dict[str, str]:
    if source is None:
        return {}
    if not isinstance(source, Mapping):
        raise _refuse("source", "must be a dict of notes, text by name", source)
    for name, note in source.items():
        for text in (name, note):
            if why := _why_no_text(text):
                raise _refuse(f"source[{reprlib.repr(name)}]", f"{why}; write str(…) of it", text)
    return {str(name): str(note) for name, note in source.items()}


def _texts(name: str, given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str | bytes | Set | Mapping) or not isinstance(given, Iterable):
        raise _refuse(name, "must be a list of names, in order", given)
    texts = tuple(given)
    for index, text in enumerate(texts):
        if why := _why_no_text(text):
            raise _refuse(f"{name}: number {index}", why, text)
    return tuple(map(str, texts))


def _why_no_text(value: object) -> str:
    if not isinstance(value, str):
        return "must be a string"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "must be text that UTF-8 has, without halves of surrogate pairs"
    return ""


def _refuse(name: str, must: str, given: object) -> CompileError:
    return CompileError(f"{name}: {must}; it is {reprlib.repr(given)}")
