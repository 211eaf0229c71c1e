"""A report in headless Chromium, on a desktop, a phone, in dark colours: what everybody can use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.compiler.nets import compiled, network
from tests.edge.tools import npm_packages

import signbit
from edge.chromium import Tab, chromium, served
from signbit.data import ImageDataset
from signbit.report import gather, page_of
from signbit.report.charts import charts_of
from signbit.training.reports.curves import Curves

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no chromium; see tools/install_edge_tools.sh"),
]

SERIOUS = """axe.run(document).then((found) => found.violations
  .filter(({impact}) => impact === 'serious' || impact === 'critical')
  .map(({id, help, nodes}) => [id, help, nodes.map(({target}) => target.join(' '))]))"""
SCREENS = {"desktop": (1200, 900, False), "phone": (360, 740, False), "dark": (1200, 900, True)}


def page(folder: Path) -> str:
    """A report with all of its parts, and names as long as those of ImageNet."""
    size = (8, 8, 1)
    data = compiled(network("digits", "sdbnn", size), size).data
    rng = np.random.default_rng(0)
    images = ImageDataset.from_arrays(
        rng.integers(0, 256, (40, *size), dtype=np.uint8),
        rng.integers(0, 10, 40),
        [f"class {number}, with another name, and a third of them" for number in range(10)],
        source="random",
        split="test",
    )
    entry = {"train_loss": 1.0, "test_loss": 1.5, "top1": 0.5, "flips/conv": 0.1}
    layers = {"inputs/conv/mean": 0.5, "inputs/conv/min": 0.1, "inputs/conv/max": 0.9}
    curves = Curves(folder, ({**entry, **layers},) * 3, (3,))
    engine = signbit.load(data)
    card = {"recipe": "a recipe", "training images": f"50,000; SHA-256 {'0123456789abcdef' * 4}"}
    found = gather("A report", data, engine, card=card, images=images, curves=curves)
    return page_of(found, charts_of(found))


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "report.html").write_text(page(folder), "utf-8")
    with served(folder) as address, Tab(tmp_path_factory.mktemp("profile")) as tab:
        tab.open(f"{address}report.html")
        yield tab


@pytest.mark.parametrize("screen", SCREENS)
def test_it_fits_the_screen_and_loads_nothing(tab: Tab, screen: str) -> None:
    width, height, dark = SCREENS[screen]
    tab.screen(width, height, dark)
    assert tab.run("document.documentElement.scrollWidth") <= width
    light = tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light is not dark
    assert [each for each in tab.problems() if "favicon" not in each] == []
    pictures = tab.run("[...document.images].every((each) => each.naturalWidth > 0)")
    assert pictures
    addresses = {each for each in tab.requests() if not each.startswith("data:")}
    assert {each.rpartition("/")[2] for each in addresses} <= {"report.html", "favicon.ico"}


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_serious(tab: Tab, screen: str) -> None:
    axe = npm_packages() / "axe-core" / "axe.min.js"
    tab.screen(*SCREENS[screen])
    tab.run(f"{axe.read_text('utf-8')}; 0")
    assert tab.run(SERIOUS) == []
