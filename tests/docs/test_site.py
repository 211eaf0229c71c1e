"""The site has every page, and its reference every name that a package offers."""

import builtins
import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

import signbit

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
PACKAGES = (
    "signbit",
    "signbit.bitformat",
    "signbit.compiler",
    "signbit.data",
    "signbit.exchange.published",
    "signbit.fast",
    "signbit.methods",
    "signbit.models",
    "signbit.nn",
    "signbit.nn.binarizers",
    "signbit.recipes",
    "signbit.selfsup",
    "signbit.targets.c",
    "signbit.training",
)


LOADED = r"""<(?:script|img|iframe)[^>]*src="?https?:|<link[^>]*stylesheet[^>]*href="?https?:"""
"""What a browser would fetch from another site."""


def documented() -> set[str]:
    """The modules that a page of the reference shows."""
    pages = (page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md"))
    return {module for page in pages for module in re.findall(r"^::: (\S+)$", page, re.MULTILINE)}


def listed(entries) -> list[str]:
    """The files that a part of the navigation names."""
    found = []
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else (entry,):
            found += listed(value) if isinstance(value, list) else [value]
    return found


def test_every_page_is_in_the_navigation_once():
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert sorted(listed(SITE["nav"])) == sorted(pages)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference(package):
    offering = import_module(package)
    for name in offering.__all__:
        if name.startswith("__"):
            continue
        home = getattr(offering, name).__module__  # a value's is that of its class
        assert home in documented(), f"{package}.{name} of {home}"


@pytest.mark.parametrize("module", sorted(documented()))
def test_what_the_reference_shows_exists_and_says_what_it_owns(module):
    assert import_module(module).__doc__


def test_every_exception_that_a_docstring_names_is_exported():
    known = {*signbit.__all__, *dir(builtins)}
    for path in (ROOT / "src" / "signbit").rglob("*.py"):
        for said in re.findall(r'"""(.*?)"""', path.read_text("utf-8"), re.DOTALL):
            assert {*re.findall(r"\b[A-Z][a-zA-Z]+Error\b", said)} <= known, path


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("mkdocs") is None or find_spec("mkdocstrings") is None, reason="no mkdocs"
)
def test_the_site_is_built_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    reference = (tmp_path / "reference" / "nn" / "index.html").read_text("utf-8")
    assert "signbit.nn.layers.BinaryConv2d" in reference
    for notebook in (ROOT / "examples" / "notebooks").glob("*.ipynb"):
        assert (tmp_path / "notebooks" / notebook.name).read_bytes() == notebook.read_bytes()
    for page in tmp_path.rglob("*.html"):
        html = page.read_text("utf-8")
        assert re.findall(LOADED, html) == [], "nothing is loaded from elsewhere"
        for target in re.findall(r"""href="?([^"# >]+)""", html):
            if not re.match(r"\w+:|/", target):
                assert (page.parent / unquote(target)).exists(), (page, target)
