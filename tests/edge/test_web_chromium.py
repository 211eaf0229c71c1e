"""The engine for browsers in headless Chromium, with SIMD and without: the bits of x86-64."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytest
from tests.compiler import nets
from tests.edge.cases import assert_same_answers, cases, expected, published
from tests.edge.web import ISAS, build, module_folder

from edge.chromium import Tab, chromium, served

Array = npt.NDArray[Any]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(chromium() is None, reason="no chromium; see tools/install_edge_tools.sh"),
]

RUN = """(async (number, simd, types, batch) => {
  const there = (name) => new URL(name, location);
  const {load} = await import(there('signbit.js'));
  const model = await load(there(`${number}.sbnn`), {simd, worker: false});
  const inputs = await Promise.all(types.map(async (type, place) => {
    const bytes = await (await fetch(there(`${number}.${place}`))).arrayBuffer();
    return type === 'uint8' ? new Uint8Array(bytes) : new Float32Array(bytes);
  }));
  const outputs = await model.run(inputs, {batch});
  const bytes = outputs.map((each) =>
    [...new Uint8Array(each.buffer, each.byteOffset, each.byteLength)]);
  const {isa} = model;
  model.close();
  return [isa, ...bytes];
})"""


class Page:
    """An empty page beside the module, in which networks run."""

    def __init__(self, tab: Tab, folder: Path) -> None:
        self.tab = tab
        self.folder = folder
        self.count = 0

    def outputs(self, data: bytes, inputs: list[Array], isa: str) -> list[bytes]:
        """The bytes of every output of a batch."""
        self.count += 1
        (self.folder / f"{self.count}.sbnn").write_bytes(data)
        for place, array in enumerate(inputs):
            (self.folder / f"{self.count}.{place}").write_bytes(array.tobytes())
        types = [array.dtype.name for array in inputs]
        given = (self.count, isa == "wasm", types, len(inputs[0]))
        used, *found = self.tab.run(f"{RUN}({', '.join(map(json.dumps, given))})")
        assert used == isa
        return [bytes(each) for each in found]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    build()
    folder = module_folder(tmp_path_factory.mktemp("site"))
    (folder / "index.html").write_text("<!doctype html><title>empty</title>")
    with served(folder) as address, Tab(tmp_path_factory.mktemp("profile")) as tab:
        tab.open(address)
        yield Page(tab, folder)


def assert_same_bits(page: Page, data: bytes, inputs: list[Array], what: object) -> None:
    wanted = expected(data, inputs)
    for isa in ISAS:
        assert_same_answers(b"".join(page.outputs(data, inputs, isa)), wanted, (what, isa))


def test_every_operation(page: Page) -> None:
    for number, (data, inputs) in enumerate(cases()):
        assert_same_bits(page, data, inputs, number)


@pytest.mark.parametrize(("network", "shape"), [("digits", (8, 8, 1)), ("resnet20", (32, 32, 3))])
def test_networks(page: Page, network: str, shape: tuple[int, int, int]) -> None:
    data = nets.compiled(nets.network(network, "sdbnn", shape), shape).data
    assert_same_bits(page, data, [nets.pixels(3, shape)], network)


def test_a_published_network(page: Page, shared_data: Path) -> None:
    data = published(shared_data)
    assert_same_bits(page, data, [nets.pixels(5, (32, 32, 3))], "CNV-W1A1")
