"""The table as C++: its names as enums and limits (table.inc.h), its rows as arrays."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from signbit.bitformat.table import KEYS, LIMITS, OPERATIONS, STEPS, Key, Operation, StepRule

__all__ = ["in_file", "names", "rows", "wrapped"]

WIDTH = 100

_HEADER = """\
// Made of operations.toml by `python -m signbit.bitformat.generate`: {what}.
// Change the table, not this file.
"""
# The rows are aligned to be read, which clang-format would undo.
_OFF, _ON = "// clang-format off\n", "// clang-format on\n"


def names() -> str:
    """table.inc.h: limits, and an enum for each kind of name."""
    limits = [f"constexpr int64_t kMax{_camel(name)} = {value};" for name, value in LIMITS.items()]
    shapes = [key.shape for key in KEYS.values() if key.shape]
    parts = [
        "\n".join(limits),
        _enum("Op", OPERATIONS),
        _enum("StepOp", STEPS),
        _enum("Key", KEYS) + f"\nconstexpr size_t kKeyCount = {len(KEYS)};",
        _enum("ShapeRule", (rule.shape for rule in OPERATIONS.values())),
        _enum("ConstantShape", ("none", *shapes)),
        _enum("Yields", (rule.yields for rule in OPERATIONS.values())),
        _enum("Reads", ("one", *(rule.reads for rule in OPERATIONS.values()))),
        *(_enum(_camel(key.name), key.choices) for key in KEYS.values() if key.choices),
    ]
    return in_file(
        "its names and limits",
        *("namespace sbnn {", *parts, "}  // namespace sbnn"),
        above="#pragma once\n\n#include <cstddef>\n#include <cstdint>\n\n",
    )


def rows() -> str:
    """table_rows.inc.h: the rows, as table.h's structs; for table.cpp alone."""
    parts = [
        *(_choices(key) for key in KEYS.values() if key.choices),
        _array("KeyRow", "kKeyRows", map(_key_row, KEYS.values())),
        *(_operation_lists(rule) for rule in OPERATIONS.values() if rule.keys),
        _array("OperationRow", "kOperationRows", map(_operation_row, OPERATIONS.values())),
        *(_key_list(rule) for rule in STEPS.values() if rule.keys),
        _array("StepRow", "kStepRows", map(_step_row, STEPS.values())),
    ]
    return in_file("its rows, for table.cpp", *parts)


def in_file(what: str, *parts: str, above: str = "") -> str:
    """A generated file; above: what precedes its parts, of which it says what they are."""
    text = "\n\n".join(parts)
    return f"{_HEADER.format(what=what)}{above}{_OFF}\n{text}\n\n{_ON}"


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _enum(name: str, members: Iterable[str]) -> str:
    text = ", ".join(f"k{_camel(member)}" for member in dict.fromkeys(members))
    return wrapped(f"enum class {name} : uint8_t {{ {text} }};")


def _choices(key: Key) -> str:
    quoted = ", ".join(f'"{choice}"' for choice in key.choices)
    return f"constexpr const char* k{_camel(key.name)}Choices[] = {{{quoted}, nullptr}};"


def _key_row(key: Key) -> str:
    values = [
        f'"{key.name}"',
        f"KeyType::k{_camel(key.type)}",
        "true" if key.required else "false",
        str(key.least),
        str(key.most),
        f"{{{', '.join(map(str, _defaults(key)))}}}",
        f"k{_camel(key.name)}Choices" if key.choices else "nullptr",
        f"ConstantShape::k{_camel(key.shape or 'none')}",
    ]
    return ", ".join(values)


def _defaults(key: Key) -> Sequence[int]:
    """A default as a Value's numbers, which are 0 where nothing is said."""
    if key.type == "constant":
        return (-1,)
    if key.type == "choice":
        return (key.choices.index(key.default),)
    if isinstance(key.default, tuple):
        return key.default
    return (int(key.default or 0),)


def _operation_lists(rule: Operation) -> str:
    dtypes = [
        " | ".join(f"bit(DType::k{dtype})" for dtype in rule.dtypes.get(key.name, ())) or "0"
        for key in rule.keys
    ]
    text = f"constexpr DTypes k{_camel(rule.name)}DTypes[] = {{{', '.join(dtypes)}}};"
    return _key_list(rule) + "\n" + wrapped(text)


def _key_list(rule: Operation | StepRule) -> str:
    text = ", ".join(f"Key::k{_camel(key.name)}" for key in rule.keys)
    return wrapped(f"constexpr Key k{_camel(rule.name)}Keys[] = {{{text}}};")


def _operation_row(rule: Operation) -> str:
    name = _camel(rule.name)
    kinds = [" | ".join(f"bit(Kind::k{_camel(kind)})" for kind in each) for each in rule.inputs]
    values = [
        f'"{rule.name}"',
        f"{{{', '.join(kinds)}}}",
        str(len(rule.inputs)),
        "true" if rule.many else "false",
        f"k{name}Keys" if rule.keys else "nullptr",
        str(len(rule.keys)),
        f"k{name}DTypes" if rule.keys else "nullptr",
        f"ShapeRule::k{_camel(rule.shape)}",
        f"Yields::k{_camel(rule.yields)}",
        f"Reads::k{_camel(rule.reads)}",
    ]
    return ", ".join(values)


def _step_row(rule: StepRule) -> str:
    keys = f"k{_camel(rule.name)}Keys" if rule.keys else "nullptr"
    return f'"{rule.name}", {keys}, {len(rule.keys)}'


def _array(row: str, name: str, items: Iterable[str]) -> str:
    lines = [wrapped(f"    {{{item}}},", "     ") for item in items]
    return "\n".join([f"constexpr {row} {name}[] = {{", *lines, "};"])


def wrapped(text: str, indent: str = "    ") -> str:
    return textwrap.fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
