"""What `compile_model` is given beside the model: every spelling that makes sense, checked.

What would make a file that no reader reads, or that is of no use, is refused here, before anything
is computed.
"""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from signbit.bitformat.graph import INTERPOLATIONS, Resize
from signbit.compiler.checks.collected import Collected
from signbit.compiler.checks.given_inputs import checked_inputs, image_input, refused
from signbit.compiler.checks.photographs import checked_rule, rule_of_side
from signbit.compiler.inputs import ImageInput, ModelInput, Numbers, RealInput, Size
from signbit.compiler.ir import Graph
from signbit.errors import CompileError, Refusal
from signbit.words import counted

__all__ = [
    "Arguments",
    "checked_arguments",
    "require_one_name_each",
]

_MOST_NAMED = 5


@dataclass(frozen=True)
class Arguments:
    """What a file says beside its network."""

    inputs: tuple[ModelInput, ...]
    class_names: tuple[str, ...]
    source: dict[str, str]
    allow_real: tuple[str, ...]
    keep: tuple[str, ...]


def checked_arguments(
    model: nn.Module,
    *,
    inputs: Mapping[str, ImageInput | RealInput] | None,
    input_size: Size | None,
    mean: Numbers | None,
    std: Numbers | None,
    class_names: Sequence[str] | None,
    resize: Resize | None,
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
    by_side: dict[str, object] = {
        "resize_shorter_side": resize_shorter_side,
        "interpolation": None if interpolation == INTERPOLATIONS[0] else interpolation,
    }
    if inputs is None:
        one: Any = (input_size, mean, std)
        found = tuple(image_input(model, ImageInput(*one), checks))
        for image in found:
            with checks:
                if resize is None:
                    rule = rule_of_side(resize_shorter_side, interpolation, image.shape[:2])
                else:
                    _leave_out(by_side, "resize", checks)
                    rule = checked_rule(resize, image.shape[:2])
                found = (replace(image, resize=rule),)
    else:
        others: dict[str, object] = {
            "input_size": input_size,
            "mean": mean,
            "std": std,
            "resize": resize,
        }
        _leave_out(others | by_side, "inputs", checks)
        found = checked_inputs(model, inputs, checks)
        with checks:
            found = tuple(_with_rule(each, inputs[each.name]) for each in found)
    with checks:
        names = _class_names(class_names)
    with checks:
        notes = _notes(source)
    with checks:
        allowed = _texts("allow_real", allow_real)
    with checks:
        kept = _texts("keep", keep)
    checks.require_none()
    return Arguments(found, names, notes, allowed, kept)


def _with_rule(image: ModelInput, given: ImageInput | RealInput) -> ModelInput:
    """An input with its rule for photographs, if it is an image."""
    if not isinstance(given, ImageInput):
        return image
    size = image.shape[:2]
    rule = Resize(max(size)) if given.resize is None else given.resize
    return replace(image, resize=checked_rule(rule, size, f"inputs[{image.name!r}].resize"))


def _leave_out(given: Mapping[str, object], because_of: str, checks: Collected) -> None:
    """Refuse each argument that is given although another one says it."""
    for name in (name for name, value in given.items() if value is not None):
        checks.keep(CompileError(f"{name}: is what {because_of} says; leave it out"))


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


def _notes(source: Mapping[str, str] | None) -> dict[str, str]:
    if source is None:
        return {}
    if not isinstance(source, Mapping):
        raise refused("source", "must be a dict of notes, text by name", source)
    for name, note in source.items():
        for text in (name, note):
            if why := _why_no_text(text):
                raise refused(f"source[{reprlib.repr(name)}]", f"{why}; write str(…) of it", text)
    return {str(name): str(note) for name, note in source.items()}


def _texts(name: str, given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str | bytes | Set | Mapping) or not isinstance(given, Iterable):
        raise refused(name, "must be a list of names, in order", given)
    texts = tuple(given)
    for index, text in enumerate(texts):
        if why := _why_no_text(text):
            raise refused(f"{name}: number {index}", why, text)
    return tuple(map(str, texts))


def _why_no_text(value: object) -> str:
    if not isinstance(value, str):
        return "must be a string"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "must be text that UTF-8 has, without halves of surrogate pairs"
    return ""
