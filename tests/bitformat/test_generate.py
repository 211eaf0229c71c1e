"""What is made of operations.toml and checked in is what it makes today."""

import re
from pathlib import Path

import pytest

from signbit.bitformat.generate import generated_files
from signbit.bitformat.generate.docs import with_tables
from signbit.bitformat.table import OPERATIONS, STEPS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", generated_files(ROOT), ids=lambda path: path.name)
def test_a_generated_file_is_current(path: Path) -> None:
    wanted = generated_files(ROOT)[path]
    assert path.read_text("utf-8") == wanted, "run python -m signbit.bitformat.generate"


def test_a_lost_marker_is_an_error() -> None:
    with pytest.raises(ValueError, match="<!-- keys: generated -->"):
        with_tables("# The file\n")


PAGE = "".join(
    f"a\n<!-- {part}: generated -->\nold\n<!-- end -->\n"
    for part in ("keys", "operations", "arithmetic of operations", "steps", "arithmetic of steps")
)


def test_parts_are_renewed_and_the_prose_around_them_stays() -> None:
    text = with_tables(PAGE)
    assert "old" not in text
    assert text.count("a\n<!--") == 5
    assert with_tables(text) == text


def test_arithmetic_is_one_list() -> None:
    """However its lines are broken, none begins as an item unless a paragraph does."""
    text = with_tables(PAGE)
    items = re.findall(r"^ *(?:[-+*>#]|\d+\.) .*", text, re.MULTILINE)
    rules = (*OPERATIONS.values(), *STEPS.values())
    paragraphs = [part for rule in rules for part in rule.arithmetic.split("\n\n") if part]
    assert len(items) == len(paragraphs) > len(OPERATIONS)
    assert all(item.startswith("- **`") for item in items)
