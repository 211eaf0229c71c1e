"""The table as the tables and lists of docs/format.md, between its markers."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence

from signbit.bitformat.generate.native import WIDTH
from signbit.bitformat.table import KEYS, LIMITS, OPERATIONS, STEPS, Key, Operation, StepRule

__all__ = ["with_tables"]


def with_tables(text: str) -> str:
    """docs/format.md with its generated parts renewed; ValueError where a marker is missing."""
    for name, part in _PARTS.items():
        text = _between_markers(text, name, part)
    return text


def _between_markers(text: str, name: str, part: Callable[[], str]) -> str:
    begin, end = f"<!-- {name}: generated -->", "<!-- end -->"
    pattern = re.compile(rf"({re.escape(begin)}\n).*?({re.escape(end)})", re.DOTALL)
    replaced, count = pattern.subn(lambda match: match[1] + part() + match[2], text, count=1)
    if count == 0:
        raise ValueError(f"docs/format.md lacks the marker {begin} or the {end} after it")
    return replaced


def _keys() -> str:
    return _table(
        ("key", "type", "default", "meaning"),
        ((f"`{key.name}`", _type(key), _default(key), key.says) for key in KEYS.values()),
    )


def _type(key: Key) -> str:
    """What a value may be; a limit that has a name stands below the tables."""
    if key.type == "choice":
        return ", ".join(f'"{choice}"' for choice in key.choices)
    if key.type == "operand":
        return f"integer, 0 to {LIMITS['operands'] - 1:,}"
    if key.type == "taps":
        return "list of [first, last)"
    if key.type == "constant":
        return f"constant: {_SHAPES[key.shape]}"
    bounds = f", {key.least} to {key.most:,}" if key.most else ""
    return key.type + bounds


_SHAPES = {
    "filters": "as the operation says",
    "input_channels": "(in,)",
    "one": "(1,)",
    "channels": "(channels,)",
    "shift": "(channels,), or by taps",
}
"""Rule for a constant's shape → what it says."""


def _default(key: Key) -> str:
    if key.required:
        return "required"
    if key.default is None:
        return "none"
    if key.type == "choice":
        return f'"{key.default}"'
    if key.type == "flag":
        return str(key.default).lower()
    return str(list(key.default) if isinstance(key.default, tuple) else key.default)


def _operations() -> str:
    return _table(
        ("operation", "reads", "keys", "v0", "yields"),
        (
            (f"`{rule.name}`", _reads(rule), _key_names(rule), rule.yields, rule.says)
            for rule in OPERATIONS.values()
        ),
    )


def _reads(rule: Operation) -> str:
    kinds = [" or ".join(each) for each in rule.inputs]
    if rule.many:
        return f"{len(kinds)} or more: {kinds[-1]}"
    return "; ".join(kinds)


def _key_names(rule: Operation | StepRule) -> str:
    """The keys in order, those with constants of other dtypes than F32 with their dtypes."""
    texts = []
    for key in rule.keys:
        dtypes = rule.dtypes.get(key.name, ("F32",))
        texts.append(f"`{key.name}`" + ("" if dtypes == ("F32",) else f" ({', '.join(dtypes)})"))
    return ", ".join(texts)


def _steps() -> str:
    return _table(
        ("step", "keys", "v becomes"),
        ((f"`{rule.name}`", _key_names(rule), rule.says) for rule in STEPS.values()),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _arithmetic(rules: Iterable[Operation | StepRule]) -> str:
    """A list with an item for each paragraph."""
    paragraphs = (
        f"**`{rule.name}`**: {' '.join(paragraph.split())}"
        for rule in rules
        for paragraph in rule.arithmetic.split("\n\n")
        if paragraph
    )
    return "".join(map(_item, paragraphs))


def _item(text: str) -> str:
    """An item of a list; none of its lines begins with what Markdown takes for another item."""
    lines = textwrap.fill(
        re.sub(r" (?=([-+*>#=]|\d+\.) )", "\0", text),
        WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace("\0", " ") + "\n"


_PARTS: Mapping[str, Callable[[], str]] = {
    "keys": _keys,
    "operations": _operations,
    "arithmetic of operations": lambda: _arithmetic(OPERATIONS.values()),
    "steps": _steps,
    "arithmetic of steps": lambda: _arithmetic(STEPS.values()),
}
