"""Files that lie, in both exporters: refused as every reader refuses them, and kept in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.bitformat.builder import Builder
from tests.bitformat.samples import SAMPLES
from tests.cli.conftest import Cli
from tests.runtime.absurd import ABSURD
from tests.runtime.changed_files import changed_files
from tests.runtime.readers import verdict
from tests.runtime.test_hostile_files import HOSTILE
from tests.runtime.test_hostile_graphs import HOSTILE as GRAPHS

from signbit.bitformat import decode, encode
from signbit.errors import SignbitError
from signbit.targets import c
from signbit.targets.web import web_package

pytestmark = pytest.mark.usefixtures("browser_engines")

EXPORTERS: dict[str, Callable[[bytes], object]] = {"c": c.generate, "web": web_package}
exporter = pytest.mark.parametrize("name", EXPORTERS)

PLACES = ["../../out", "/tmp/out", "a/../../b", "C:\\out", "..", ".", "", "\0", "a\nb", "~", "%00"]
"""What would be elsewhere, were it a path."""


@exporter
@pytest.mark.parametrize("sample", SAMPLES)
def test_changed_files_are_refused_as_the_reader_refuses_them(name: str, sample: str) -> None:
    written = 0
    for what, data in changed_files(SAMPLES[sample], 25):
        found = verdict(EXPORTERS[name], data)
        assert found == verdict(decode, data), what
        written += found == ("", "")
    assert written > 0


@exporter
def test_hostile_files_are_refused_with_the_fields_name(name: str) -> None:
    for what, (data, field) in {**HOSTILE, **GRAPHS}.items():
        assert verdict(EXPORTERS[name], data) == ("ModelFileError", field), what


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_files_are_refused_before_anything_is_computed(name: str) -> None:
    data = encode(*ABSURD[name]())
    with pytest.raises(SignbitError, match=r"more than|at most|limit"):
        c.generate(data)


@exporter
@pytest.mark.parametrize("hostile", PLACES)
def test_nothing_is_written_outside_the_folder(
    cli: Cli, name: str, hostile: str, tmp_path: Path
) -> None:
    b = Builder(0)
    image = b.input(hostile, "image", 2, 2, 3)
    mean = b.node(hostile, "global_mean", (b.node(f"{hostile}2", "identity", (image,)),))
    b.output(hostile, mean, hostile, f"{hostile}/", "c")
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    model = folder / "model.sbnn"
    model.write_bytes(encode(*b.sample(source={"recipe": hostile})))
    before = {*tmp_path.rglob("*")}
    assert cli("export", name, model, "-o", folder / "out").code == 0
    inside = {folder / "out", *(folder / "out").rglob("*")}
    assert {*tmp_path.rglob("*")} == before | inside
    assert {path.suffix for path in inside} <= {
        *("", ".c", ".h", ".js", ".ts", ".wasm", ".sbnn", ".json", ".html", ".css", ".svg")
    }
