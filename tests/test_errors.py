"""Every exception that signbit names or raises can be caught by a public name."""

from __future__ import annotations

import ast
import builtins
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import signbit
from signbit import errors

PACKAGE = Path(signbit.__file__).parent
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def test_errors_have_one_root() -> None:
    others = {"Refusal", "SignbitWarning"}
    offered = [getattr(errors, name) for name in errors.__all__ if name not in others]
    assert len(offered) == 15
    assert all(issubclass(error, signbit.SignbitError) for error in offered)
    assert issubclass(signbit.SignbitWarning, UserWarning)
    assert issubclass(signbit.ModelVersionError, signbit.ModelFileError)
    assert issubclass(signbit.InputError, ValueError)
    assert issubclass(signbit.MissingExtraError, ImportError)


def test_the_repr_of_an_error_is_short() -> None:
    assert repr(signbit.InputError("threads: is 0")) == "InputError('threads: is 0')"
    long = signbit.CompileError("x" * 100_000)
    assert len(repr(long)) < 300
    assert str(long) == "x" * 100_000


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


def test_a_missing_package_is_named_with_both_ways_to_install_it() -> None:
    error = errors.MissingExtraError.of("sklearn", "the data set digits")
    assert error.name == "sklearn"
    assert str(error) == (
        "the data set digits needs scikit-learn, which is not installed: pip install "
        "'signbit[train]', or pip install -e '.[train]' in a checkout of signbit"
    )
    with pytest.raises(KeyError):
        errors.MissingExtraError.of("nonsense", "this")


def test_extras_bring_what_hints_say() -> None:
    project = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text())["project"]
    declared = {
        extra: {re.split(r"[\[>=<]", each)[0] for each in packages}
        for extra, packages in project["optional-dependencies"].items()
    }
    for extra, modules in errors.EXTRAS.items():
        assert set(modules.values()) - {"pyarrow"} == declared[extra] - {"signbit"}
    assert "signbit[cli,plot]" in project["optional-dependencies"]["train"]


def test_hints_of_installations_come_from_one_place() -> None:
    for file in PACKAGE.rglob("*.py"):
        if file.name != "errors.py":
            assert not re.search(r"install signbit|pip install", file.read_text("utf-8")), file


def parts() -> Iterator[tuple[Path, ast.AST]]:
    """Every node of every module's syntax."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            yield file, node
