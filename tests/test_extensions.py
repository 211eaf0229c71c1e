"""What of a user's file can be imported, and what is said where it cannot."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from signbit import extensions
from signbit.errors import InputError, RecipeError
from signbit.extensions import differences, import_file, imported


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(extensions, "_imported", {})
    path = [*sys.path]
    yield
    sys.path[:] = path
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_file_is_executed_once(tmp_path: Path) -> None:
    written(tmp_path / "neighbour_of_it.py", "ONE = 1")
    file = written(tmp_path / "once-only.py", "import neighbour_of_it as n; seen = [n.ONE]")
    first = import_file(file)
    module = sys.modules["once-only"]
    module.seen.append(2)
    assert import_file(str(file)) == first
    assert (imported(), module.seen) == ([first], [1, 2])
    assert not differences([first.to_json()])
    written(file, "seen = []")
    with pytest.raises(InputError, match="begin a new process"):
        import_file(file)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.py", None, "cannot be read .*; name a Python file"),
        ("my.v2.py", "", "must be a Python file"),
        ("mine.txt", "", "must be a Python file"),
        ("json.py", "", "there is a module json already"),
        ("broken_one.py", "x = 1\ny = [", "line 2: SyntaxError"),
        ("broken_two.py", "def f():\n    return 1 / 0\nf()", "line 2: ZeroDivisionError"),
        ("broken_three.py", "import not_there_at_all", "line 1: ModuleNotFoundError"),
    ],
)
def test_a_file_that_cannot_be(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        written(tmp_path / name, text)
    with pytest.raises(InputError, match=f"--import .*{name}: {message}"):
        import_file(tmp_path / name)
    assert not imported()


def test_an_error_of_signbit_stays_what_it_is(tmp_path: Path) -> None:
    clash = "from signbit import methods\nmethods.register('bnn', dict)"
    with pytest.raises(RecipeError, match=r"clash\.py: method 'bnn' is already registered"):
        import_file(written(tmp_path / "clash.py", clash))
    clash = "from signbit import models\nmodels.register('resnet20', dict)"
    with pytest.raises(RecipeError, match=r"clash_two\.py: model 'resnet20' is already registered"):
        import_file(written(tmp_path / "clash_two.py", clash))
