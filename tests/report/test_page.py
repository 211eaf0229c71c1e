"""The page: every part there, text from outside as text, ids that are its own, one file."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.compiler.nets import compiled, network

import signbit
from signbit.data import ImageDataset
from signbit.report import Findings, gather, page_of
from signbit.report.charts import charts_of
from signbit.report.drawn import write_charts
from signbit.training.reports.curves import Curves

HOSTILE = "</style><script>hit()</script><img src=x onerror='hit()'>\"&\x1b[2J $x$" + "y" * 300


class Elements(HTMLParser):
    """Every element of a page with its attributes; text that is read as text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    size = (8, 8, 1)
    data = compiled(network("digits", "sdbnn", size), size).data
    engine = signbit.load(data)
    rng = np.random.default_rng(0)
    names = [HOSTILE, *map(str, range(1, 10))]
    images = ImageDataset.from_arrays(
        rng.integers(0, 256, (40, *size), dtype=np.uint8),
        rng.integers(0, 10, 40),
        names,
        source="random",
        split="test",
    )
    entry = {"train_loss": 1.0, "test_loss": 1.5, "top1": 0.5, "flips/conv": 0.1}
    layers = {"inputs/conv/mean": 0.5, "inputs/conv/min": 0.1, "inputs/conv/max": 0.9}
    curves = Curves(tmp_path_factory.mktemp("run"), ({**entry, **layers},) * 3, (3,))
    return gather(HOSTILE, data, engine, card={HOSTILE: HOSTILE}, images=images, curves=curves)


def test_the_page_has_every_part_and_nothing_that_runs_or_loads(findings: Findings) -> None:
    charts = charts_of(findings)
    page = page_of(findings, charts)
    parsed = Elements()
    parsed.feed(page)
    tags = [tag for tag, _ in parsed.elements]
    assert "script" not in tags
    assert "hit()" in parsed.text
    assert tags.count("svg") == len(charts) == 9
    assert tags.count("section") == tags.count("h2") == 6
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in parsed.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "xlink:href"):
            where = attributes.get(name) or "#"
            assert where.startswith(("#", "data:image/png;base64,")), where
            if where.startswith("#") and len(where) > 1:
                assert where[1:] in ids
        if tag == "img":
            assert attributes["alt"]
    for place in re.findall(r"url\(#([^)]+)\)", page):
        assert place in ids
    assert "\x1b" not in page


def test_charts_take_the_colour_of_the_page_s_text(findings: Findings) -> None:
    page = page_of(findings, charts_of(findings))
    assert "currentColor" in page
    assert "#010203" not in page


def test_charts_are_files_for_papers_too_and_the_same_when_written_again(
    findings: Findings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, second = (tmp_path_factory.mktemp("charts") / "new" for _ in range(2))
    written = [write_charts(charts_of(findings), folder) for folder in (first, second)]
    for path, again in zip(*written, strict=True):
        data = path.read_bytes()
        assert data == again.read_bytes() or path.suffix != ".svg"
        head = {".svg": b"<?xml", ".pdf": b"%PDF", ".png": b"\x89PNG"}[path.suffix]
        assert data.startswith(head)
        if path.suffix == ".svg":
            ElementTree.fromstring(data)
    assert len(written[0]) == 3 * 9


def test_what_is_missing_is_said(findings: Findings) -> None:
    size = (8, 8, 1)
    data = compiled(network("digits", "bnn", size), size).data
    bare = gather(
        "m", data, signbit.load(data), card={}, images=None, without=("No <images> here.",)
    )
    page = page_of(bare, charts_of(bare))
    assert "No &lt;images&gt; here." in page
    assert 'id="answers"' not in page
    assert 'id="costs"' in page
