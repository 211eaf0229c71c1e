"""The layout: short files, small folders, nothing written twice.

These are rules for code (.py, .h, .cpp) that is written by hand; bitformat/operations.toml is data.
Tests are exempt from the last two: a folder of tests holds a file for each file that it tests, and
a test may say things in full.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("src", "native", "benchmarks")

MOST_LINES = 300
MOST_FILES = 15
RUN = 6

LISTS = {
    "src/signbit/cli/commands": "a file for each command",
    "src/signbit/methods": "a file for each method",
    "src/signbit/models": "a file for each architecture",
    "native/src/run/ops": "a file for each operation",
    "benchmarks": "a file for each command; what they share is in folders",
}
"""Folders that may grow, because they are lists of one kind."""

GENERATED = re.compile(r"^// Made of .* by `python -m signbit.bitformat.generate`")


def code_files() -> list[Path]:
    files = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*"))]
    code = [file for file in files if file.suffix in (".py", ".h", ".cpp")]
    return [file for file in code if not GENERATED.match(file.read_text("utf-8"))]


def short(file: Path) -> str:
    return str(file.relative_to(ROOT))


def is_test(file: Path) -> bool:
    return (ROOT / "native" / "tests") in file.parents


def test_no_file_is_too_long() -> None:
    lengths = {short(file): len(file.read_text("utf-8").splitlines()) for file in code_files()}
    assert len(lengths) > 400
    assert not {name: lines for name, lines in lengths.items() if lines > MOST_LINES}


def test_no_folder_holds_too_much() -> None:
    held = defaultdict(int)
    for file in code_files():
        held[short(file.parent)] += file.name != "__init__.py" and not is_test(file)
    assert set(LISTS) <= set(held)
    assert not {
        name: count for name, count in held.items() if count > MOST_FILES and name not in LISTS
    }


def one_line_each(text: str) -> set[int]:
    """Numbers of lines that go on with what a line before has begun, and alone say nothing.

    An import, a function's parameters and `__all__` each count as one line, however they are
    wrapped: they are lists of names that belong to their place.
    """
    more: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            more.update(range(node.lineno + 1, node.body[0].lineno))
        elif isinstance(node, ast.Import | ast.ImportFrom) or (
            isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ):
            more.update(range(node.lineno + 1, (node.end_lineno or 0) + 1))
    return more


def telling_lines(file: Path) -> list[tuple[int, str]]:
    """The lines that count, stripped, with their numbers: those with a word, but for imports."""
    text = file.read_text("utf-8")
    skipped = one_line_each(text) if file.suffix == ".py" else set()
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    return [
        (number, line)
        for number, line in lines
        if number not in skipped
        and re.search(r"\w", line)
        and not line.startswith(("#include", "import ", "from "))
    ]


def equal_runs(files: list[Path]) -> Iterator[list[str]]:
    """The places of each run of RUN equal lines that more than one place has."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for file in files:
        lines = telling_lines(file)
        for start in range(len(lines) - RUN + 1):
            run = tuple(line for _, line in lines[start : start + RUN])
            places[run].append(f"{file}:{lines[start][0]}")
    yield from (found for found in places.values() if len(found) > 1)


def test_nothing_is_written_twice() -> None:
    """Blank lines, brackets alone and imports between two lines do not end a run."""
    assert not list(equal_runs([file for file in code_files() if not is_test(file)]))


@pytest.mark.parametrize(("equal", "runs"), [(RUN - 1, 0), (RUN, 1), (RUN + 1, 2)])
def test_an_equal_run_is_found(tmp_path: Path, equal: int, runs: int) -> None:
    body = "\n\n".join(f"    x{i} = {i}" for i in range(equal))
    file = tmp_path / "twice.py"
    file.write_text(f"def f(\n    a,\n    b,\n):\n{body}\n\n\ndef g():\n    import os\n\n{body}\n")
    assert len(list(equal_runs([file]))) == runs


def test_parameters_imports_and_names_are_one_line_each(tmp_path: Path) -> None:
    file = tmp_path / "lists.py"
    file.write_text(
        "from os import (\n    path,\n    sep,\n)\n\n__all__ = [\n    'f',\n]\n\n\n"
        "def f(\n    a,\n    b,\n):\n    return a\n"
    )
    assert telling_lines(file) == [(6, "__all__ = ["), (11, "def f("), (15, "return a")]
