"""Imports point one way: a room imports what lies below it, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import signbit

BELOW = {
    "errors": set[str](),
    "config": {"errors"},
    "files": {"errors"},
    "hub": {"errors"},
    "extensions": {"errors", "files"},
    "html": {"printable"},
    "lazy": set[str](),
    "moved": set[str](),
    "printable": set[str](),
    "words": set[str](),
    "bitformat": {"errors", "files"},
    "runtime": {"bitformat", "data", "errors", "html", "hub", "words"},
    "targets": {"bitformat", "errors", "files", "runtime"},
    "fast": {"runtime", "errors"},
    "nn": {"bitformat", "fast", "errors", "lazy"},
    "methods": {"nn", "errors"},
    "models": {"methods", "nn", "errors"},
    "data": {"bitformat", "config", "errors", "files", "printable", "words"},
    "binarizing": {"compiler", "methods", "nn", "errors", "html", "words"},
    "training": {
        "binarizing",
        "models",
        "methods",
        "data",
        "nn",
        "fast",
        "errors",
        "extensions",
        "files",
        "hub",
        "lazy",
        "printable",
        "words",
    },
    "recipes": {"training", "errors"},
    "selfsup": {
        "training",
        "models",
        "methods",
        "data",
        "nn",
        "fast",
        "errors",
        "files",
        "lazy",
        "words",
    },
    "compiler": {"nn", "bitformat", "errors", "files", "html", "lazy", "words"},
    "report": {
        "bitformat",
        "compiler",
        "data",
        "files",
        "html",
        "hub",
        "printable",
        "runtime",
        "training",
    },
    "exchange": {
        "compiler",
        "recipes",
        "training",
        "models",
        "methods",
        "data",
        "nn",
        "bitformat",
        "errors",
        "printable",
        "words",
    },
}
"""Room -> the rooms that it may import. `cli` is on top, and imports all."""

SOURCES = Path(signbit.__file__).parent


def imports(file: Path) -> Iterator[str]:
    """The rooms that a file imports, those inside functions and for type checkers included."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "signbit":
            names = [f"signbit.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith("signbit."))


def test_every_room_has_its_place() -> None:
    rooms = {entry.stem for entry in SOURCES.iterdir() if entry.suffix == ".py" or entry.is_dir()}
    assert rooms - {"__init__", "__main__", "__pycache__", "py"} == {*BELOW, "cli"}


def test_no_room_imports_upwards() -> None:
    wrong = [
        f"{file.relative_to(SOURCES)} imports {other}"
        for room, below in BELOW.items()
        for file in sorted(SOURCES.glob(f"{room}/**/*.py")) + sorted(SOURCES.glob(f"{room}.py"))
        for other in imports(file)
        if other != room and other not in below
    ]
    assert not wrong


def test_rooms_do_not_import_each_other_in_a_ring() -> None:
    done: set[str] = set()
    while len(done) < len(BELOW):
        free = {room for room, below in BELOW.items() if room not in done and below <= done}
        assert free, f"{sorted(BELOW.keys() - done)} import each other"
        done |= free
