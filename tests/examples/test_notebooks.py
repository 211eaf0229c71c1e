"""The notebooks run from top to bottom, and are stored as they were written: without results."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
TABLES = {
    "first_steps": ["Compiled", "Agreement", "Engine", "Prediction", "NodeReports"],
    "comparing_methods": ["Compiled", "Compiled"],
    "inside_a_network": ["Findings", "Compiled", "NodeReports"],
}
"""Notebook → the classes of what its cells show as tables, in order."""


def cells(path: Path, kind: str) -> list[str]:
    found = json.loads(path.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == kind]


def run(sources: list[str]) -> list[Any]:
    """Run cells in one namespace; the values of their last lines, which Jupyter would show."""
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    for number, source in enumerate(sources):
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"<cell {number}>", "exec"), names)
        if isinstance(last, ast.Expr):
            shown.append(
                eval(compile(ast.Expression(last.value), f"<cell {number}>", "eval"), names)
            )
    return shown


def test_every_notebook_is_run() -> None:
    assert {path.stem for path in NOTEBOOKS} == {*TABLES}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_results(path: Path) -> None:
    book = json.loads(path.read_text("utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
    for kind in ("code", "markdown"):
        assert all(len(line) <= 100 for text in cells(path, kind) for line in text.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    shown = run(cells(path, "code"))
    tables = [each for each in shown if hasattr(each, "_repr_html_")]
    assert [type(each).__name__ for each in tables] == TABLES[path.stem]
    assert all("<table>" in each._repr_html_() for each in tables)
