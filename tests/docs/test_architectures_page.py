"""No architecture is missing: from the pages, the recipes, the table, or the page's figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from signbit import models, recipes
from subjects.architectures import ELSEWHERE, NETWORKS, PAPERS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "architectures.md").read_text("utf-8")
BINARY = [name for name in models.names() if not models.is_real(name)]
OWN_LOOPS = {"tiny-yolo": "yolo.TinyYolo", "unet": "unet.UNet"}
"""What no recipe can teach -> its class."""


@pytest.mark.parametrize("name", BINARY)
def test_a_page_and_a_recipe_name_it(name: str) -> None:
    pages = PAGE + "".join(
        (DOCS / f"{page}.md").read_text("utf-8") for page in ("methods", "counting")
    )
    assert f"`{name}`" in pages
    if name not in ELSEWHERE:
        assert name in {recipes.load(recipe).network for recipe in recipes.names()}


def test_the_table_has_it_or_says_why_not() -> None:
    assert {*NETWORKS, *ELSEWHERE} == {*BINARY, *OWN_LOOPS}
    for name, subject in NETWORKS.items():
        assert (subject.recipe is None) == (name in OWN_LOOPS)
        if subject.recipe is not None:
            recipe = recipes.load(subject.recipe)
            assert (recipe.network, len(recipe.data.mean)) == (name, subject.channels)
    assert all(f"`signbit.models.{path}`" in PAGE for path in OWN_LOOPS.values())


def test_the_page_has_the_authors_figures() -> None:
    page = PAGE.partition("## Sizes beside")[2].partition("What `signbit inspect")[0]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (\d[\d,| ]+) \|$", page, re.MULTILINE))
    found = {
        name: tuple(int(n.replace(",", "")) for n in row.split(" | ")) for name, row in rows.items()
    }
    assert found == {name: paper[:4] for name, paper in PAPERS.items() if paper.bytes is not None}
