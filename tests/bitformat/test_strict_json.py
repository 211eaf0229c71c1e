"""What strangers' JSON may not do."""

from __future__ import annotations

import pytest

from signbit.bitformat.strict_json import MAX_DEPTH, parse
from signbit.errors import ModelFileError


def test_ordinary_json_parses() -> None:
    text = '{"a": [1, -2.5, "]]}}", true, null], "é\\n\\u00e9": {}}'
    assert parse(text, "text") == {"a": [1, -2.5, "]]}}", True, None], "é\né": {}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "'a' occurs twice"),
        ('[{"x": {"k": 1, "k": 1}}]', "'k' occurs twice"),
        ("[NaN]", "NaN"),
        ("[-Infinity]", "Infinity"),
        ("[1,]", "not valid JSON"),
        ("{} {}", "not valid JSON"),
        ("", "not valid JSON"),
        ('"\n"', "not valid JSON"),
        ("'a'", "not valid JSON"),
        ("[0x1]", "not valid JSON"),
        ("[01]", "not valid JSON"),
        ('"\\x41"', "not valid JSON"),
        ('"\\ud800"', "half of a surrogate pair"),
        ('{"a": {"\\uDFFF": 1}}', "half of a surrogate pair"),
        ('["\\udc00\\ud800"]', "half of a surrogate pair"),
        ('["\ud800"]', "half of a surrogate pair"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested deeper"),
        ('{"a":' * 1_000_000, "nested deeper"),
        ("[" + "0," * 4_000_000 + "0]", "more than 4000000 values"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(ModelFileError, match=f"^here: .*{message}"):
        parse(text, "here")


def test_whole_surrogate_pairs_and_escaped_backslashes_are_characters() -> None:
    assert parse('["\\ud83d\\ude00", "\\\\ud800"]', "text") == ["😀", "\\ud800"]


@pytest.mark.parametrize("sign", ["", "-"])
def test_long_integers_stay_beyond_every_range(sign: str) -> None:
    value = parse(sign + "9" * 100_000, "text")
    assert isinstance(value, int)
    assert abs(value) > 2**64
    assert (value < 0) == (sign == "-")
    assert parse(sign + str(2**64), "text") == int(sign + str(2**64))


def test_depth_counts_brackets_outside_strings_only() -> None:
    assert parse('["' + "[" * 100 + '\\"[["]', "text") == ["[" * 100 + '"[[']
    depth = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse(depth, "text") is not None
    assert parse(depth.replace("[]", '[0, "["]'), "text") is not None


@pytest.mark.parametrize("text", ['"' + '\\"' * 500_000, '"' * 500_001, "\\" * 1_000_000])
def test_unterminated_strings_cost_one_pass(text: str) -> None:
    """Quadratic time would be hours, and run into the suite's time limit."""
    with pytest.raises(ModelFileError):
        parse(text, "text")
