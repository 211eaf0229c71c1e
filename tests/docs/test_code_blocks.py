"""Python on the pages: what runs, where that is tested, and what is only checked.

All of it parses, imports what signbit has, and calls it by arguments that there are.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.compiler.nets import compiled, network

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RUN_HERE = {
    "docs/binary-networks.md",
    "docs/deploy/python.md",
    "docs/start.md",
    "docs/tutorials/binarize.md",
}
RUN_ELSEWHERE = {
    "README.md": "tests/docs/test_readme.py",
    "docs/importing.md": "tests/docs/test_importing_page.py",
    "docs/methods.md": "tests/docs/test_methods_page.py",
    "docs/own-networks.md": "tests/docs/test_own_networks_page.py",
    "docs/selfsup.md": "tests/docs/test_selfsup_page.py",
    "docs/thresholds.md": "tests/compiler/mapping/test_comparisons.py",
}
ONLY_CHECKED = {
    "docs/batch.md",
    "docs/compiler.md",
    "docs/estimators.md",
    "docs/onnx.md",
    "docs/publishing.md",
    "docs/training.md",
}
"""They speak of a model, images or files of the reader's."""


def blocks(page: str) -> list[tuple[str, str]]:
    """Each block of Python of a page, with what the page says it prints; "" where it does not."""
    text = (ROOT / page).read_text("utf-8")
    pattern = r"^```python\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?"
    return re.findall(pattern, text, re.MULTILINE | re.DOTALL)


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


WITH_PYTHON = [named(page) for page in PAGES if blocks(named(page))]


def test_every_page_is_run_or_known_to_be_only_checked() -> None:
    assert {*WITH_PYTHON} == RUN_HERE | {*RUN_ELSEWHERE} | ONLY_CHECKED
    assert len(WITH_PYTHON) == len(RUN_HERE) + len(RUN_ELSEWHERE) + len(ONLY_CHECKED)
    for page, test in RUN_ELSEWHERE.items():
        assert Path(page).name in (ROOT / test).read_text("utf-8") or page == "README.md"


def imported(tree: ast.AST) -> Iterator[tuple[str, Any]]:
    """Each name that is imported from signbit, and what it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("signbit"):
            home = import_module(node.module or "")
            for alias in node.names:
                if not hasattr(home, alias.name):
                    import_module(f"{node.module}.{alias.name}")
                yield alias.asname or alias.name, getattr(home, alias.name)


@pytest.mark.parametrize("page", WITH_PYTHON)
def test_code_parses_and_calls_what_there_is(page: str) -> None:
    known: dict[str, Any] = {}
    for code, _ in blocks(page):
        tree = ast.parse(code)
        known |= imported(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called = known.get(node.func.id)
                if called is None or not callable(called):
                    continue
                parameters = inspect.signature(called).parameters
                if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
                    continue
                given = {word.arg for word in node.keywords if word.arg is not None}
                assert given <= {*parameters}, f"{page}: {node.func.id}"


def run(page: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Run a page's Python in one namespace; every block prints what the page says, if it does."""
    names: dict[str, Any] = {}
    for code, printed in blocks(page):
        capsys.readouterr()
        exec(code, names)
        if printed:
            assert capsys.readouterr().out == printed
    return names


def test_how_binary_networks_work(capsys: pytest.CaptureFixture[str]) -> None:
    run("docs/binary-networks.md", capsys)


def test_start(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    size = (8, 8, 1)
    compiled(network("digits", "bnn", size), size).save("runs/demo/model.sbnn")
    answer = run("docs/start.md", capsys)["answer"]
    assert len(answer.probabilities) == 10


def test_python_programs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    size = (8, 8, 3)
    compiled(network("digits", "bnn", size), size).save("model.sbnn")
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save("photo.jpg")
    names = run("docs/deploy/python.md", capsys)
    printed = capsys.readouterr().out.split()
    assert printed == [names["answer"].name] * 8


@pytest.mark.slow
def test_a_network_of_ones_own_becomes_binary(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = run("docs/tutorials/binarize.md", capsys)
    assert names["before"].top1 > 0.9
    assert names["after"].top1 > 0.85
    assert names["right"] == pytest.approx(names["after"].top1, abs=0.01)
