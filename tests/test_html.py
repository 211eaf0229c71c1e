"""Tables in notebooks: every object that has one, and text from outside as text."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.bitformat.samples import sample, sample_bytes
from tests.compiler.nets import compiled
from torch import nn

import signbit
from signbit.binarizing.report import BINARY, REAL, Change, Report
from signbit.bitformat import encode
from signbit.html import shown, table
from signbit.report import Findings, Scores
from signbit.report.inside import Inside

HOSTILE = "</td><script>hit()</script>&\x1b\u202e"
SIZE = (4, 4, 1)


def rows_of(html: str) -> list[list[str]]:
    """The cells of every row, of HTML that is well formed; it has no element that does anything."""
    root = ElementTree.fromstring(f"<body>{html}</body>")
    assert {each.tag for each in root.iter()} <= {
        *("body", "div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td")
    }
    assert "\x1b" not in html
    assert "\u202e" not in html
    return [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]


def engine() -> signbit.Engine:
    graph, constants = sample()
    (output,) = graph.outputs
    named = dataclasses.replace(output, classes=tuple(f"{HOSTILE}{i}" for i in range(4)))
    graph = dataclasses.replace(graph, outputs=(named,), source={HOSTILE: HOSTILE})
    return signbit.load(encode(graph, constants), threads=1)


def small() -> Any:
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (3, *SIZE), dtype=np.uint8)
    return compiled(model, SIZE, source={"recipe": HOSTILE}), pixels


def binarized() -> Report:
    changes = [Change(HOSTILE, "Conv2d", BINARY, ""), Change("fc", "Linear", REAL, HOSTILE)]
    return Report(tuple(changes), by_modules=HOSTILE)


def findings() -> Findings:
    scores = Scores(np.eye(3, dtype=np.float32), np.array([0, 1, 1]), (HOSTILE, "b", "c"))
    cost = small()[0].cost
    return Findings(HOSTILE, {"recipe": HOSTILE}, cost, (), "scalar", Inside(), scores=scores)


OBJECTS: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "engine": (engine, ["instruction set"]),
    "nodes": (lambda: engine().explain(), ["node", "kernel", "threads"]),
    "prediction": (
        lambda: engine().predict(np.zeros(engine().input_shape, np.uint8)),
        ["class", "probability"],
    ),
    "compiled": (lambda: small()[0], ["layer", "operation"]),
    "binarized": (binarized, ["module", "what", "is now", "why"]),
    "findings": (findings, ["top-1", "66.67% of 3 images"]),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_shows_itself_as_a_table(name: str) -> None:
    make, expected = OBJECTS[name]
    rows = rows_of(make()._repr_html_())
    assert expected in [row[: len(expected)] for row in rows]


def test_agreement_has_a_row_for_each_node() -> None:
    from signbit.compiler.verification.verify import verify

    result, pixels = small()
    agreement = verify(result, pixels)
    rows = rows_of(agreement._repr_html_())
    assert [row[0] for row in rows[-len(agreement.nodes) :]] == [
        node.name for node in agreement.nodes
    ]
    assert ["agreement", "3 of 3 images as in PyTorch"] in rows_of(
        dataclasses.replace(result, agreement=agreement)._repr_html_()
    )


def test_reports_of_nodes_are_still_a_list_and_json() -> None:
    nodes = signbit.load(sample_bytes(), threads=1).explain()
    assert isinstance(nodes, list)
    assert json.loads(json.dumps(nodes)) == nodes


def test_a_long_table_is_cut_in_a_notebook_and_whole_elsewhere() -> None:
    rows = [(str(i), "x") for i in range(1234)]
    html = shown("many", [], ["a", "b"], rows)
    assert len(rows_of(html)) == 201
    assert "and 1,034 more" in html
    assert len(rows_of(table(["a", "b"], rows))) == 1235
