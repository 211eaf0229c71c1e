"""Reads the graph's JSON text, key by key as the table says.

Checks keys, types and ranges, in the order of docs/format.md; validate.py checks the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from signbit.bitformat.graph import (
    COLOURS,
    FORMAT_VERSION,
    INTERPOLATIONS,
    KINDS,
    RESIZE_RULES,
    Graph,
    GraphInput,
    GraphOutput,
    Node,
    Output,
    Resize,
    Shape,
    Step,
)
from signbit.bitformat.strict_json import Json, parse
from signbit.bitformat.table import LIMITS, OPERATIONS, STEPS, Key, Operation, StepRule
from signbit.errors import ModelFileError, ModelVersionError

__all__ = ["from_json", "read_resize"]

_T = TypeVar("_T")

MAX_CONSTANT = LIMITS["items"] - 1


def from_json(text: str) -> Graph:
    """Read the graph from JSON text.

    Raises ModelVersionError for a newer format, ModelFileError naming the field for a missing,
    unknown or mistyped key, or a value outside its range.
    """
    value = parse(text, "signbit")
    if not isinstance(value, dict):
        raise ModelFileError("signbit: must be a JSON object")
    # The version comes first: a newer format may well have keys this reader does not know.
    version = _integer(value.get("format"), "format")
    if version > FORMAT_VERSION:
        raise ModelVersionError(
            f"format: the file has version {version}, this engine reads up to {FORMAT_VERSION}; "
            "upgrade signbit"
        )
    if version < 1:
        raise ModelFileError(f"format: must be at least 1, is {version}")
    fields = _object(
        value, "signbit", ("format", "inputs", "outputs", "nodes"), ("any_size", "source")
    )
    return Graph(
        any_size="any_size" in fields and _flag(fields["any_size"], "any_size"),
        inputs=_list(fields["inputs"], "inputs", _input, LIMITS["operands"]),
        outputs=_list(fields["outputs"], "outputs", _output, LIMITS["outputs"]),
        source=_source(fields.get("source", {}), "source"),
        nodes=_list(fields["nodes"], "nodes", _node, LIMITS["items"]),
        format=version,
    )


def _object(
    value: Json, where: str, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise ModelFileError(f"{where}: must be an object")
    for key in required:
        if key not in value:
            raise ModelFileError(f"{where}: key {key!r} is missing")
    for key in value:
        if key not in required and key not in optional:
            raise ModelFileError(f"{where}: unknown key {key!r}")
    return value


def _string(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise ModelFileError(f"{where}: must be a string")
    return value


def _choice(value: Json, where: str, choices: Sequence[str]) -> str:
    text = _string(value, where)
    if text not in choices:
        raise ModelFileError(f"{where}: must be one of {', '.join(choices)}, is {text!r}")
    return text


def _integer(value: Json, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ModelFileError(f"{where}: must be an integer")
    return value


def _in_range(value: Json, where: str, least: int, most: int) -> int:
    number = _integer(value, where)
    if not least <= number <= most:
        raise ModelFileError(f"{where}: must be {least} to {most}, is {number}")
    return number


def _flag(value: Json, where: str) -> bool:
    if value is not True:
        raise ModelFileError(f"{where}: must be true where it is given")
    return True


def _list(
    value: Json, where: str, read: Callable[[Json, str], _T], most: int, least: int = 0
) -> tuple[_T, ...]:
    if not isinstance(value, list):
        raise ModelFileError(f"{where}: must be a list")
    if not least <= len(value) <= most:
        raise ModelFileError(f"{where}: must have {least} to {most} items, has {len(value)}")
    return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))


def _integers(value: Json, where: str, count: int, least: int, most: int) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) != count:
        raise ModelFileError(f"{where}: must be a list of {count} integers")
    return tuple(
        _in_range(item, f"{where}[{index}]", least, most) for index, item in enumerate(value)
    )


def _source(value: Json, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ModelFileError(f"{where}: must be an object")
    return {_string(key, where): _string(item, f"{where}.{key}") for key, item in value.items()}


def _input(value: Json, where: str) -> GraphInput:
    fields = _object(value, where, ("name", "kind", "shape"), ("resize", "table"))
    return GraphInput(
        name=_string(fields["name"], f"{where}.name"),
        kind=_choice(fields["kind"], f"{where}.kind", KINDS[:2]),
        shape=_shape(fields["shape"], f"{where}.shape"),
        resize=read_resize(fields["resize"], f"{where}.resize") if "resize" in fields else None,
        table=_constant(fields["table"], f"{where}.table") if "table" in fields else None,
    )


def _constant(value: Json, where: str) -> int:
    return _in_range(value, where, 0, MAX_CONSTANT)


def _shape(value: Json, where: str) -> Shape:
    if not isinstance(value, list) or len(value) != 3:
        raise ModelFileError(f"{where}: must be a list of 3 integers")
    height, width = (
        _in_range(value[axis], f"{where}[{axis}]", 1, LIMITS["size"]) for axis in (0, 1)
    )
    return height, width, _in_range(value[2], f"{where}[2]", 1, LIMITS["channels"])


def read_resize(value: Json, where: str) -> Resize:
    """The rule for photographs; ModelFileError as `from_json`, with the field after `where`."""
    ways = ("shorter_side", "both_sides", "letterbox")
    others = ("interpolation", "rule", "aliased", "colours")
    fields = _object(value, where, (), (*ways, *others))
    given = [way for way in ways if way in fields]
    if len(given) != 1:
        raise ModelFileError(f"{where}: must have one of {', '.join(ways)}, has {len(given)}")
    way, place = fields[given[0]], f"{where}.{given[0]}"
    shorter: int | None = None
    both: tuple[int, ...] | None = None
    letterbox: tuple[int, ...] | None = None
    if given == ["shorter_side"]:
        shorter = _in_range(way, place, 1, LIMITS["size"])
    elif given == ["both_sides"]:
        both = _integers(way, place, 2, 1, LIMITS["size"])
    else:
        letterbox = _list(way, place, lambda item, at: _in_range(item, at, 0, 255), 3, 1)
    return Resize(
        shorter,
        _choice(
            fields.get("interpolation", INTERPOLATIONS[0]), f"{where}.interpolation", INTERPOLATIONS
        ),
        _choice(fields.get("rule", RESIZE_RULES[0]), f"{where}.rule", RESIZE_RULES),
        None if both is None else (both[0], both[1]),
        letterbox,
        "aliased" in fields and _flag(fields["aliased"], f"{where}.aliased"),
        _choice(fields.get("colours", COLOURS[0]), f"{where}.colours", COLOURS),
    )


def _output(value: Json, where: str) -> GraphOutput:
    fields = _object(value, where, ("name", "tensor"), ("classes", "confidence"))
    return GraphOutput(
        name=_string(fields["name"], f"{where}.name"),
        tensor=_integer(fields["tensor"], f"{where}.tensor"),
        classes=_list(fields.get("classes", []), f"{where}.classes", _string, LIMITS["channels"]),
        confidence=(
            _constant(fields["confidence"], f"{where}.confidence")
            if "confidence" in fields
            else None
        ),
    )


def _node(value: Json, where: str) -> Node:
    if not isinstance(value, dict):
        raise ModelFileError(f"{where}: must be an object")
    # The op comes first: it decides which keys a node has.
    op = _choice(value.get("op"), f"{where}.op", tuple(OPERATIONS))
    rule = OPERATIONS[op]
    required = ("name", "op", "inputs", *(key.name for key in rule.keys if key.required))
    optional = ("steps", "outputs", *(key.name for key in rule.keys if not key.required))
    fields = _object(value, where, required, optional)
    return Node(
        name=_string(fields["name"], f"{where}.name"),
        op=op,
        inputs=_list(fields["inputs"], f"{where}.inputs", _integer, LIMITS["operands"]),
        keys=_keys(fields, rule, where),
        steps=_list(fields.get("steps", []), f"{where}.steps", _step, LIMITS["steps"]),
        outputs=(
            _list(fields["outputs"], f"{where}.outputs", _tensor, LIMITS["outputs"], least=1)
            if "outputs" in fields
            else (Output(),)
        ),
    )


def _step(value: Json, where: str) -> Step:
    if not isinstance(value, dict):
        raise ModelFileError(f"{where}: must be an object")
    op = _choice(value.get("op"), f"{where}.op", tuple(STEPS))
    rule = STEPS[op]
    required = ("op", *(key.name for key in rule.keys if key.required))
    fields = _object(
        value, where, required, tuple(key.name for key in rule.keys if not key.required)
    )
    return Step(op, _keys(fields, rule, where))


def _tensor(value: Json, where: str) -> Output:
    fields = _object(value, where, ("kind",), ("after", "threshold", "flip"))
    kind = _choice(fields["kind"], f"{where}.kind", ("real", "signs"))

    def optional(key: str, most: int) -> int | None:
        if key not in fields:
            return None
        return _in_range(fields[key], f"{where}.{key}", 0, most)

    output = Output(
        kind,
        after=optional("after", LIMITS["steps"]),
        threshold=optional("threshold", MAX_CONSTANT),
        flip=optional("flip", MAX_CONSTANT),
    )
    if kind == "real":
        for key in ("threshold", "flip"):
            if key in fields:
                raise ModelFileError(f"{where}.{key}: goes with signs")
    return output


def _keys(fields: Mapping[str, Json], rule: Operation | StepRule, where: str) -> dict[str, Any]:
    """The keys of the table that are given, in the table's order."""
    return {
        key.name: _READERS[key.type](fields[key.name], f"{where}.{key.name}", key)
        for key in rule.keys
        if key.name in fields
    }


def _taps(value: Json, where: str, key: Key) -> tuple[tuple[int, ...], ...]:
    def pair(item: Json, place: str) -> tuple[int, ...]:
        return _integers(item, place, 2, 0, LIMITS["size"])

    return _list(value, where, pair, LIMITS["size"])


_READERS: Mapping[str, Callable[[Json, str, Key], Any]] = {
    "pair": lambda value, where, key: _integers(value, where, 2, key.least, key.most),
    "sides": lambda value, where, key: _integers(value, where, 4, key.least, key.most),
    "integer": lambda value, where, key: _in_range(value, where, key.least, key.most),
    "flag": lambda value, where, key: _flag(value, where),
    "choice": lambda value, where, key: _choice(value, where, key.choices),
    "constant": lambda value, where, key: _constant(value, where),
    "operand": lambda value, where, key: _in_range(value, where, 0, LIMITS["operands"] - 1),
    "taps": _taps,
}
"""Type of a key in the table → reads its value."""
