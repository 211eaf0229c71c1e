"""Functions are found in the files of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from signbit.bitformat.by_name import functions_by_name


def test_every_file_that_has_a_table_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "operations_found"
    inner = package / "inner"
    inner.mkdir(parents=True)
    for folder in (package, inner):
        (folder / "__init__.py").write_text("")
    (inner / "three.py").write_text("TABLE = {'d': 4}\n")
    (package / "one.py").write_text("TABLE = {'a': 1, 'b': 2}\n")
    (package / "helper.py").write_text("")
    (package / "two.py").write_text("TABLE = {'c': 3}\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = functions_by_name("operations_found", [str(package)], "TABLE")
    assert found == {"a": 1, "b": 2, "c": 3, "d": 4}
    (package / "wrong.py").write_text("TABLE = {'a': 5}\n")
    with pytest.raises(ValueError, match=r"operations_found.wrong: a is known already"):
        functions_by_name("operations_found", [str(package)], "TABLE")
