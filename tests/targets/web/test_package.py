"""The files of a browser's package, and the command that writes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.bitformat.builder import Builder
from tests.bitformat.samples import sample_bytes

import signbit
from signbit.bitformat import encode
from signbit.errors import InputError, ModelFileError
from signbit.targets.web import package, web_package

HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture(autouse=True)
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files in the place of those that `make wasm` builds."""
    folder = tmp_path / "built"
    folder.mkdir()
    for name in package.ENGINES:
        (folder / name).write_bytes(b"\0asm")
    monkeypatch.setattr(package, "BUILT", folder)
    return folder


def hostile_file() -> bytes:
    b = Builder(0)
    image = b.input(HOSTILE, "image", 2, 2, 2)
    b.output(
        HOSTILE, b.node(HOSTILE, "global_mean", (b.node("r", "identity", (image,)),)), "a", "b"
    )
    graph, constants = b.sample(source={"recipe": HOSTILE})
    return encode(graph, constants)


def test_it_has_all_that_a_browser_needs() -> None:
    files = web_package(sample_bytes(), "my model")
    own = {"signbit.js", "signbit.d.ts", "worker.js", "model.sbnn", "package.json", "index.html"}
    assert own | {*package.ENGINES} <= {*files}
    assert files["model.sbnn"] == sample_bytes()
    described = json.loads(files["package.json"])
    assert described["name"] == "signbit-my-model"
    assert described["version"] == signbit.__version__
    assert {*described["files"]} == {*files} - {"package.json"}
    for target in (described["main"], described["types"]):
        assert target.removeprefix("./") in files


def test_modules_import_what_is_there() -> None:
    files = web_package(sample_bytes())
    for name, data in files.items():
        if not name.endswith(".js"):
            continue
        for line in data.decode().splitlines():
            if line.startswith(("import ", "export ", "} from")) and ' from "' in line:
                target = line.rpartition(' from "')[2].removesuffix('";')
                folder = Path(name).parent
                path = (folder / target).as_posix()
                resolved = Path(*(part for part in Path("/", path).resolve().parts[1:]))
                assert resolved.as_posix() in files, (name, target)


def test_no_text_of_the_file_is_in_a_program() -> None:
    files = web_package(hostile_file(), HOSTILE)
    plain = web_package(sample_bytes(), HOSTILE)
    for name, data in files.items():
        assert name == "model.sbnn" or data == plain[name]
        assert name == "model.sbnn" or HOSTILE.encode() not in data
    assert json.loads(files["package.json"])["name"] == "signbit-script-script-alert-1-script"


def test_an_example_is_copied_under_a_name_of_the_packages(tmp_path: Path) -> None:
    photo = tmp_path / 'a".PNG'
    Image.new("RGB", (4, 4)).save(photo, "png")
    files = web_package(sample_bytes(), example=photo)
    assert files["example.png"] == photo.read_bytes()
    assert b'data-example="example.png"' in files["index.html"]
    with pytest.raises(InputError, match=r"a.tiff: browsers show .*; convert it first"):
        web_package(sample_bytes(), example=tmp_path / "a.tiff")


def test_a_hostile_file_is_refused() -> None:
    with pytest.raises(ModelFileError, match="data_offsets"):
        web_package(sample_bytes()[:-1])
    with pytest.raises(ModelFileError, match="header"):
        web_package(b"")


def test_without_the_engines_it_says_how_to_build_them(engines: Path) -> None:
    (engines / package.ENGINES[1]).unlink()
    with pytest.raises(InputError, match=r"not built: run make wasm .*make edge-tools"):
        web_package(sample_bytes())
