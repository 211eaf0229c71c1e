"""What is made of operations.toml and checked in is what it makes today."""

from pathlib import Path

import pytest

from signbit.bitformat.generate import generated_files
from signbit.bitformat.generate.docs import with_tables

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", generated_files(ROOT), ids=lambda path: path.name)
def test_a_generated_file_is_current(path: Path) -> None:
    wanted = generated_files(ROOT)[path]
    assert path.read_text("utf-8") == wanted, "run python -m signbit.bitformat.generate"


def test_a_lost_marker_is_an_error() -> None:
    with pytest.raises(ValueError, match="<!-- keys: generated -->"):
        with_tables("# The file\n")


def test_tables_are_renewed_and_the_prose_around_them_stays() -> None:
    page = "a\n<!-- {}: generated -->\nold\n<!-- end -->\n"
    text = with_tables("".join(page.format(name) for name in ("keys", "operations", "steps")))
    assert "old" not in text
    assert text.count("a\n<!--") == 3
    assert with_tables(text) == text
