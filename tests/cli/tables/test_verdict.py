from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.bitformat.samples import sample

from signbit.bitformat import encode
from signbit.cli.tables.verdict import agreement_lines, cost_lines, origin_line, stem_line
from signbit.compiler.count import LayerCost, ModelCost, count
from signbit.compiler.verification.agreement import Agreement, EndToEnd, NodeAgreement
from signbit.compiler.verification.stem_change import StemChange


def compiled(**facts: Any) -> Any:
    return SimpleNamespace(sizes=(), **facts)


def test_what_is_not_noted_is_left_out() -> None:
    assert origin_line("m.sbnn", {}) == "m.sbnn: a network"
    assert origin_line("m.sbnn", {"network": "resnet20", "method": "bnn"}) == (
        "m.sbnn: resnet20 by bnn"
    )
    noted = {"network": "digits", "data": "digits"}
    assert (
        origin_line("m.sbnn", {**noted, "epochs": "1"}) == "m.sbnn: digits after 1 epoch on digits"
    )
    assert origin_line("m.sbnn", {**noted, "epochs": "2"}).endswith("after 2 epochs on digits")


def test_layers_that_are_not_binary_are_listed_by_reason() -> None:
    layers = [LayerCost("a", "binary_conv", "binary", "", (1,), (1, 1, 1), 90, 0, 64, 0, 12)]
    for name in "bcdefg":
        layers.append(LayerCost(name, "real_conv", "real", "wide", (1,), (1, 1, 1), 0, 1, 0, 9, 4))
    lines = cost_lines(ModelCost(tuple(layers), 100))
    assert lines[0] == "100 B, 3.8 times smaller than its parameters in float32 (384 B)"
    assert lines[2] == "binary: 1 of 7 layers, 93.75 % of the parameters"
    assert lines[3:] == ["not binary: b, c, d, e and 2 more (wide)"]


def test_a_file_without_parameters_has_lines() -> None:
    graph, constants = sample()
    assert cost_lines(count(graph, constants, len(encode(graph, constants))))
    assert cost_lines(ModelCost((), 10))[2].startswith("binary: 0 of 0 layers")


def test_nodes_that_disagree_come_first() -> None:
    nodes = [NodeAgreement(f"n{i}", "identity", "", dots=1, dots_different=i % 2) for i in range(4)]
    found = Agreement(tuple(nodes), EndToEnd(images=4, changed=[2]))
    assert agreement_lines(compiled(), found, classes=True) == [
        "DISAGREES with PyTorch at 2 of 4 nodes: n1, n3",
        "same top class on 3 of 4 images",
    ]
    features = Agreement((nodes[0],), EndToEnd(images=2, cosines=[1.0, 0.5]))
    assert agreement_lines(compiled(), features, classes=False) == [
        "agrees with PyTorch at its one node",
        "features of 2 images: median cosine with PyTorch's 0.750000",
    ]


def test_sizes_that_do_not_fit_are_named() -> None:
    sizes = [
        SimpleNamespace(size=(8, 9), agreement=True, why=""),
        SimpleNamespace(size=(7, 5), agreement=None, why="odd"),
    ]
    found = Agreement((), EndToEnd(images=1))
    assert agreement_lines(SimpleNamespace(sizes=sizes), found, classes=True)[-1] == (  # type: ignore[arg-type]
        "agrees at 1 other size, tried on random pixels; does not fit 7×5"
    )


def test_what_the_stem_changed() -> None:
    change = StemChange(images=4, changed=1, cosines=(), float32_top1=0.5, int16_top1=0.75)
    assert stem_line(change) == (
        "the int16 stem changed the top class, or largest feature, of 1 of 4 images; "
        "top-1 50.00 % before, 75.00 % after"
    )
