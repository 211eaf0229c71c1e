"""Every exception that signbit names or raises can be caught by a public name."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

import signbit
from signbit import errors

PACKAGE = Path(signbit.__file__).parent
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def test_errors_have_one_root() -> None:
    offered = [getattr(errors, name) for name in errors.__all__]
    assert len(offered) == 14
    assert all(issubclass(error, signbit.SignbitError) for error in offered)
    assert issubclass(signbit.ModelVersionError, signbit.ModelFileError)
    assert issubclass(signbit.InputError, ValueError)
    assert issubclass(signbit.MissingExtraError, ImportError)


def test_every_exception_is_offered_by_the_package() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert defined == set(errors.__all__)
    assert defined <= set(signbit.__all__)


def test_exceptions_are_documented_by_public_names() -> None:
    standard = {name for name in vars(builtins) if name.endswith("Error")}
    named = {
        name
        for _, node in parts()
        if isinstance(node, DOCUMENTED)
        for name in re.findall(r"\b[A-Z]\w*Error\b", ast.get_docstring(node) or "")
    }
    assert {"CompileError", "UsageError"} <= named
    assert named <= standard | set(errors.__all__)


def test_exceptions_are_defined_in_one_place() -> None:
    """A private one may be elsewhere: its module catches it."""
    elsewhere = {
        f"{file.relative_to(PACKAGE)}: {node.name}"
        for file, node in parts()
        if isinstance(node, ast.ClassDef) and file.name != "errors.py"
        for base in node.bases
        if ast.unparse(base).endswith(("Error", "Exception"))
        and not (node.name.startswith("_") and f"except {node.name}" in file.read_text("utf-8"))
    }
    assert not elsewhere


def parts() -> Iterator[tuple[Path, ast.AST]]:
    """Every node of every module's syntax."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            yield file, node
