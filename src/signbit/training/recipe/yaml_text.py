"""Recipes as YAML text, which says the same in YAML 1.1, what PyYAML reads, and in YAML 1.2.

010 is eight in the one and ten in the other, 1_000 a number or text, yes true or text: what differs
is refused. But 1e-3 is a number, as in YAML 1.2, and a date is text.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from signbit.errors import RecipeError

__all__ = ["read", "written"]

_TAG = "tag:yaml.org,2002:"
_TEXT_IN_1_2 = (f"{_TAG}timestamp", f"{_TAG}value")
_INTEGERS = ((r"[-+]?[0-9]+", 10), (r"0o[0-7]+", 8), (r"0x[0-9a-fA-F]+", 16))
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}


def read(text: str, name: str) -> Any:
    """The values of `text`, plain ones alone; None where it is empty.

    Raises RecipeError, which begins with `name` and says the line, on what is no YAML, a key that
    is there twice, a value that contains itself, and one that YAML 1.1 and 1.2 read otherwise.
    """
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check(node, name, ())
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f"line {mark.line + 1}: "
        raise RecipeError(f"{name}: not valid YAML ({line}{error.problem})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RecipeError(f"{name}: not valid YAML ({error})") from error


def written(values: Any) -> str:
    """YAML of plain values, keys in their order, which both versions read as these values."""
    return yaml.dump(values, Dumper=_Writer, sort_keys=False, allow_unicode=True)


class _Writer(yaml.SafeDumper):
    """Quotes text that only YAML 1.2 takes for a number; SafeDumper does so for YAML 1.1."""

    def represent_str(self, text: str) -> yaml.ScalarNode:
        style = None if isinstance(_value(text), str) else "'"
        return self.represent_scalar(f"{_TAG}str", text, style=style)


_Writer.add_representer(str, _Writer.represent_str)


def _value(text: str) -> Any:
    """What a scalar without quotes is in YAML 1.2, by its core schema."""
    if text in _WORDS:
        return _WORDS[text]
    for pattern, base in _INTEGERS:
        if re.fullmatch(pattern, text):
            return int(text, base)
    if _FLOAT.fullmatch(text):
        return float(re.sub(r"\.(?=[iInN])", "", text))
    return text


def _check(node: yaml.Node, name: str, around: tuple[yaml.Node, ...]) -> None:
    where = f"{name}, line {node.start_mark.line + 1}"
    if any(node is outer for outer in around):
        raise RecipeError(f"{where}: a value contains itself; write it out")
    if isinstance(node, yaml.ScalarNode):
        if node.style is None:
            _settle(node, where)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check(item, name, (*around, node))
    elif isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            _check(key, name, (*around, node))
            _check(value, name, (*around, node))
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in keys:
                    line = key.start_mark.line + 1
                    raise RecipeError(f"{name}, line {line}: {key.value} is there twice; keep one")
                keys.add((key.tag, key.value))


def _settle(node: yaml.ScalarNode, where: str) -> None:
    """Give a scalar without quotes the type that YAML 1.2 gives it."""
    if node.tag in _TEXT_IN_1_2:
        node.tag = f"{_TAG}str"
    if node.tag == f"{_TAG}merge":
        return
    text = str(node.value)
    old, new = text if node.tag == f"{_TAG}str" else yaml.safe_load(text), _value(text)
    if isinstance(old, str) and isinstance(new, float):
        node.tag = f"{_TAG}float"
    elif repr(old) != repr(new):
        raise RecipeError(
            f"{where}: {text} is {_said(old)} to YAML 1.1 and {_said(new)} to YAML 1.2; write the "
            "one that is meant, text in quotes"
        )


def _said(value: Any) -> str:
    return "text" if isinstance(value, str) else str(value).lower()
