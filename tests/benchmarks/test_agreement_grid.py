"""The grid has every network of every method, goes on where it was killed, finds differences."""

import copy
import json
import sys

import numpy as np
import pytest
import torch

import agreement_grid
import signbit
from agreement_grid import Lines, as_table, failed, main
from signbit import methods, models
from subjects.grid_cases import PUBLISHED, Case, cases

FACTS = {"machine": {"date": "2026-01-01", "processor": "x", "torch": "2"}, "isas": ["scalar"]}


def line(network="digits", method="bnn", ours=0, own=0, **changes):
    engines = {"different": 0, "oracle_different": 0}
    ends = {"images": 100, "disagreements": ours, "onednn_disagreements": own}
    found = {
        "case": f"{network} {method}",
        "network": network,
        "method": method,
        "engines": engines,
        "nodes": {"disagreeing": []},
        "end_to_end": ends,
    }
    return {**found, **changes}


def test_every_network_has_every_method_that_fits():
    found = cases()
    assert len(found) == len(set(found))
    assert {case.network for case in found} == {*models.names()}
    for network in {*models.names()}:
        of_it = {case.method for case in found if case.network == network}
        own = {method for name, method in PUBLISHED.items() if network.startswith(name)}
        assert len(own) <= 1
        assert of_it == ({"real"} if models.is_real(network) else own or {*methods.names()})
    assert all(any(name.startswith(each) for name in models.names()) for each in PUBLISHED)
    of_one = [case[2:] for case in found if case[:2] == ("resnet20", "xnor")]
    assert of_one == [
        (bits, weights) for bits in ("1/1", "32/1", "1/32") for weights in ("random", "trained")
    ]
    assert Case("resnet34", "bnn", "1/1", "random").side == 224
    assert Case("resnet34", "bnn", "1/32", "random").side == 64


@pytest.mark.slow
def test_every_network_takes_images_of_its_cases_sides():
    sides = {(case.network, case.method, case.side) for case in cases() if case.bits != "1/1"}
    firsts = {(network, side): method for network, method, side in sides}
    for (network, side), name in firsts.items():
        with torch.device("meta"):
            model = models.build(network, methods.get(name), classes=5, channels=3)
            assert model.eval()(torch.empty(1, 3, side, side)).shape == (1, 5)


def test_what_was_written_is_kept_but_for_half_a_line(tmp_path):
    path = tmp_path / "deep" / "lines.jsonl"
    Lines(path, FACTS).add(line())
    whole = path.read_text()
    path.write_text(whole + '{"case": "half a li')
    again = Lines(path, {**FACTS, "machine": {**FACTS["machine"], "date": "2026-01-02"}})
    assert again.done == {"digits bnn": line()}
    again.add(line(method="xnor"))
    assert list(Lines(path, FACTS).done) == ["digits bnn", "digits xnor"]


def test_results_of_another_machine_are_not_mixed(tmp_path):
    path = tmp_path / "lines.jsonl"
    Lines(path, FACTS)
    other = copy.deepcopy(FACTS)
    other["machine"]["torch"] = "3"
    with pytest.raises(SystemExit, match="made with torch 2, this is 3"):
        Lines(path, other)


def test_what_fails_is_named():
    assert failed(line()) == []
    assert failed(line(engines={"different": 1, "oracle_different": 0})) == [
        "instruction sets or threads differ"
    ]
    assert failed(line(engines={"different": 0, "oracle_different": 2})) == ["the oracle differs"]
    assert failed(line(nodes={"disagreeing": [{}]})) == ["nodes differ from PyTorch"]
    # 30 against 15 is twice, 17 against 0 may be chance at twice the rate (0.1 %), 18 hardly.
    for ours, own, fails in ((30, 15, False), (17, 0, False), (18, 0, True), (60, 5, True)):
        assert bool(failed(line(ours=ours, own=own))) is fails


def test_the_table_has_sums():
    found = [line(ours=1, own=2), line(method="xnor", own=1), line(network="resnet20", ours=18)]
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in as_table(found).splitlines()
        if "-" * 9 not in row
    ]
    assert rows == [
        ["", "bnn", "xnor", "all"],
        ["digits", "1/1, 1 : 2 of 100", "1/1, 0 : 1 of 100", "2/2, 1 : 3 of 200"],
        ["resnet20", "0/1, 18 : 0 of 100", "–", "0/1, 18 : 0 of 100"],
        ["all", "1/2, 19 : 2 of 200", "1/1, 0 : 1 of 100", "2/3, 19 : 3 of 300"],
    ]


@pytest.mark.slow
def test_a_case_is_measured_once(monkeypatch, tmp_path, capsys):
    out = tmp_path / "grid.json"
    arguments = ["--data", "unused", "--imagenet", "unused", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["grid", *arguments, "--only", "digits bnn 1/1 trained"])
    assert main() == 0
    (result,) = json.loads(out.read_text())["cases"]
    assert result["engines"]["runs"] == 2 * len(signbit.cpu_isas())
    assert result["engines"]["oracle_images"] > 0
    assert result["nodes"]["dots"] > 0
    assert result["end_to_end"]["images"] > 100
    assert "1 of 1 cases, failed: none" in capsys.readouterr().out
    monkeypatch.setattr(agreement_grid, "measure", None)  # cannot be called
    assert main() == 0
    monkeypatch.setattr(sys, "argv", ["grid", *arguments, "--only", "digits bnn", "--seconds", "0"])
    assert main() == 0
    assert "1 of 6 cases, failed: none" in capsys.readouterr().out


@pytest.mark.slow
def test_an_engine_that_differs_is_found(monkeypatch):
    data = agreement_grid.compiled(
        Case("digits", "bnn", "1/1", "random"), agreement_grid.Photographs("", "")
    ).data
    images = np.zeros((3, 8, 8, 1), np.uint8)
    assert agreement_grid.engines(data, images, 2)["oracle_different"] == 0
    load = signbit.load

    def wrong(data, *, threads, isa):
        engine = load(data, threads=threads, isa=isa)
        return lambda images: (
            engine(images) + (np.arange(3) == 1)[:, None] * np.float32(isa == "scalar")
        )

    monkeypatch.setattr(signbit, "load", wrong)
    found = agreement_grid.engines(data, images, 2)
    assert (found["different"], found["oracle_different"]) == (2, 0)
