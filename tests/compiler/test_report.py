"""The compile report: a line for each layer, in 80 columns."""

from __future__ import annotations

from tests.compiler.nets import compiled, network
from torch import nn

from signbit.compiler.count import LayerCost, ModelCost
from signbit.compiler.report import layer_kinds, report
from signbit.nn.binarizers import RealActivation, RealWeight
from signbit.nn.layers import BinaryConv2d


def test_every_layer_with_weights_has_a_line() -> None:
    result = compiled(network("digits", "sdbnn", (8, 8, 1)), (8, 8, 1))
    lines = dict(layer_kinds(result.cost))
    assert lines["conv1"] == "binary"
    assert lines["stem.0"] == "first layer: reads pixels"
    assert "self-distribution" in lines["conv1.squeeze"]
    assert max(map(len, result.report.splitlines())) <= 80
    assert result.report.splitlines()[0].split() == ["stem.0", *lines["stem.0"].split()]


def test_layers_that_the_method_keeps_real() -> None:
    kinds = [
        {"weight_binarizer": RealWeight()},
        {"activation_binarizer": RealActivation()},
        {"weight_binarizer": RealWeight(), "activation_binarizer": RealActivation()},
    ]
    layers = [BinaryConv2d(8, 8, 3, padding=1, **kind) for kind in kinds]  # type: ignore[arg-type]
    model = nn.Sequential(nn.Conv2d(3, 8, 3), *layers, nn.Flatten(), nn.Linear(8 * 16, 3)).eval()
    assert compiled(model, (6, 6, 3)).report.splitlines() == [
        "0  first layer: reads pixels",
        "1  real weights on signs (32/1)",
        "2  binary weights on real inputs (1/32)",
        "3  not binarised in the model",
        "5  last layer: yields the class scores",
    ]


def test_long_names_and_a_notice() -> None:
    name = "backbone.features.stage3.block11.residual.conv.activation_binarizer.squeeze"
    why = "self-distribution: shifts each channel's threshold for each image"
    costs = [
        LayerCost(n, "real_conv", "real", why, (1, 1, 1, 1), (1, 1, 1), 0, 1, 0, 1, 4)
        for n in ("a", name)
    ]
    lines = report(ModelCost(tuple(costs), 0), "one two " * 15).splitlines()
    assert max(map(len, lines)) <= 80
    start = lines.index(name)
    assert " ".join(" ".join(lines[start + 1 :]).split()) == why
    assert lines[0].startswith("one two")
