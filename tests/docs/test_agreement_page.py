"""The table of docs/agreement.md is that of the results, and what the page says of them is so."""

import json
from pathlib import Path

import pytest

from agreement_grid import as_table, ends, failed
from subjects.grid_cases import PUBLISHED, cases

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "agreement.md").read_text("utf-8")
SENTENCES = " ".join(PAGE.split())
RESULTS = json.loads((ROOT / "benchmarks" / "results" / "agreement_grid.json").read_text())
LINES = RESULTS["cases"]


# Reals of channels that never vary, where PyTorch is as far from the exact sum: see the page.
CANCELLED = "vgg-small sdbnn-imagenet 1/1 trained"


LATER_METHODS = ("resnet-e", "real-to-binary")
LATER_NETWORKS = ("real-mobilenet-cifar", "real-resnet20-", "resnet20-x")
"""What came after the run, as the published architectures did; the page says so."""


def is_later(case):
    return case.method in LATER_METHODS or case.network.startswith((*PUBLISHED, *LATER_NETWORKS))


def test_the_page_says_what_was_not_measured():
    assert any(is_later(case) for case in cases())
    assert "[published architectures](architectures.md)" in SENTENCES
    assert "were not measured" in SENTENCES
    assert all(f"`{name}`" in SENTENCES for name in LATER_METHODS)


def test_every_case_agrees():
    measured = {case.name for case in cases() if not is_later(case)}
    assert {line["case"] for line in LINES} == measured
    failing = [line for line in LINES if failed(line)]
    assert [line["case"] for line in failing] == [CANCELLED]
    (node,) = failing[0]["nodes"]["disagreeing"]
    assert (node["dots_different"], node["signs_different"]) == (0, 0)
    assert CANCELLED in SENTENCES
    total = ends(LINES)
    assert total == RESULTS["end_to_end"]
    assert total["disagreements"] <= 2 * total["onednn_disagreements"]


def test_the_table_is_that_of_the_results():
    assert as_table(LINES) in PAGE


@pytest.mark.parametrize("key", ["dots", "signs", "signs_near", "reals"])
def test_the_sums_are_those_of_the_results(key):
    assert f"{sum(line['nodes'][key] for line in LINES):,}" in SENTENCES


def test_the_command_and_the_machine_are_named():
    assert RESULTS["command"].split(" --out ")[0] in PAGE
    for fact in ("python", "torch", "numpy", "date"):
        assert RESULTS["machine"][fact] in SENTENCES
    assert ", ".join(RESULTS["isas"]) in SENTENCES
