"""The browser's package in bundlers and in TypeScript: apps of npm's tools, opened in Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.edge.test_web_page import photo_network
from tests.edge.tools import npm_packages
from tests.edge.web import build

import signbit
from edge.chromium import Tab, chromium, served
from signbit.bitformat import encode
from signbit.targets.folders import write_folder
from signbit.targets.web.package import web_package

APP = Path(__file__).with_name("bundled")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BUNDLERS = {
    "vite": ["node_modules/vite/bin/vite.js", "build"],
    "webpack": ["webpack.mjs"],
}


@pytest.fixture(scope="module")
def npm_tools() -> Path:
    """npm's packages, and the engine."""
    packages = npm_packages()
    build()
    return packages


@pytest.fixture
def app(npm_tools: Path, tmp_path: Path) -> Path:
    """A copy of the app, with npm's tools, and a network's package among them."""
    folder = tmp_path / "app"
    shutil.copytree(APP, folder)
    modules = folder / "node_modules"
    modules.mkdir()
    for package in npm_tools.iterdir():
        (modules / package.name).symlink_to(package)
    write_folder(modules / "signbit-model", web_package(model(), "model"), overwrite=False)
    return folder


def model() -> bytes:
    return encode(*photo_network())


def run(folder: Path, *command: str) -> str:
    """What a program prints that succeeds."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def expected() -> list[int]:
    engine = signbit.load(model(), isa="scalar")
    shape = engine.inputs[0].shape
    pixels = (np.arange(np.prod(shape)) % 251).astype(np.uint8).reshape(1, *shape)
    return [int(bits) for bits in engine(pixels).view(np.uint32).ravel()]


@pytest.mark.skipif(chromium() is None, reason="no chromium; see tools/install_edge_tools.sh")
@pytest.mark.parametrize("bundler", BUNDLERS)
def test_a_bundled_app_has_the_engines_bits(app: Path, bundler: str, tmp_path: Path) -> None:
    said = run(app, "node", *BUNDLERS[bundler])
    assert "warning" not in said.lower(), said
    site = app / "dist"
    if bundler == "webpack":  # which writes no page
        shutil.copy(app / "index.html", site)
    shutil.rmtree(app / "node_modules")  # the site holds all that it needs
    with served(site) as address, Tab(tmp_path / "profile") as tab:
        tab.open(address)
        tab.wait("globalThis.found !== undefined")
        found: dict[str, Any] = tab.run("globalThis.found")
        assert tab.problems() == []
        assert all(each.startswith((address, "data:")) for each in tab.requests())
    assert found["runs"] == [expected()] * 4
    is_ours, status, message = found["error"]
    assert (is_ours, status) == (True, "model_file")
    assert message.startswith("header: ")


def test_types_say_what_a_program_may_do(app: Path) -> None:
    tsc = ("node", "node_modules/typescript/bin/tsc", "--project", ".")
    run(app, *tsc)
    # Types of what is not there would be `any`, which allows all.
    check = app / "check.ts"
    check.write_text(check.read_text().replace("// @ts-expect-error", "// an error"))
    node = ("--module", "nodenext", "--moduleResolution", "nodenext")
    done = subprocess.run([*tsc, *node], cwd=app, capture_output=True, text=True)
    assert done.stdout.count("error TS") == 2, done.stdout


def test_node_imports_the_package_by_its_name(app: Path) -> None:
    script = "import { load } from 'signbit-model'; console.log((await load()).bytes)"
    said = run(app, "node", "--input-type=module", "--eval", script)
    assert said == f"{len(model())}\n"
