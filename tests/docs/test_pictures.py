"""The pages' pictures are those that the script draws, whole SVG, and described in words."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tools import drawings

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "binary-networks.md").read_text("utf-8")


@pytest.mark.parametrize("name", drawings.PICTURES)
def test_a_picture_is_drawn_as_it_is(name: str) -> None:
    drawn = drawings.PICTURES[name]()
    assert (drawings.FOLDER / name).read_text("utf-8") == drawn, "python -m tools.drawings"


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.svg")), ids=lambda path: path.name)
def test_a_picture_is_whole_and_loads_nothing(path: Path) -> None:
    text = path.read_text("utf-8")
    ElementTree.fromstring(text)
    addresses = re.findall(r"""(?:href|src)="([^"]*)"|url\(["']?([^)"']*)""", text)
    inside = ("#", "data:image/png;base64,")
    assert all(one.startswith(inside) for pair in addresses for one in pair if one)
    assert "prefers-color-scheme: dark" in text


def test_every_picture_is_on_the_page_with_words_for_who_does_not_see_it() -> None:
    shown = dict(re.findall(r"!\[([^\]]+)\]\(pictures/([\w-]+\.svg)\)", PAGE.replace("\n", " ")))
    assert sorted(shown.values()) == sorted(drawings.PICTURES)


def test_the_latent_weight_is_the_pages() -> None:
    """0.05 → 0.03 → 0.01 → −0.01 …: what the picture has, and what the page's code prints."""
    values = drawings.latent_weights()
    assert values == [0.05, 0.03, 0.01, -0.01, -0.03]
