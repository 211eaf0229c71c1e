import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from tests.bitformat.samples import offsets_sample
from tests.compiler.nets import compiled, network, randomise
from tests.thorough import sample
from torch import nn

from signbit import methods, models
from signbit.compiler.count import LayerCost, ModelCost, count
from signbit.compiler.report import report
from signbit.nn.layers import BinaryConv2d


def _cost(model: nn.Module, size: tuple[int, int, int]) -> ModelCost:
    result = compiled(model, size)
    return count(result.graph, result.constants, len(result.data))


def _small() -> ModelCost:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        BinaryConv2d(8, 16, 3, padding=1),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(16),
        BinaryConv2d(16, 16, 3, stride=2, padding=1, groups=2),
        nn.BatchNorm2d(16),
        nn.Hardtanh(),
        nn.Flatten(),
        nn.Linear(16 * 2 * 2, 10),
    )
    return _cost(randomise(model), (8, 8, 3))


class _Attention(nn.Module):
    """Of 16 tokens of 8 channels: products of signs, and of what softmax makes of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 2, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.stem(x).flatten(2).transpose(1, 2)
        signs = torch.ops.signbit.sign(tokens, "clip", [])
        weights = (signs @ signs.transpose(1, 2) / 3).softmax(-1)
        y: torch.Tensor = (weights @ signs).mean(1)
        return y


def test_products_of_two_values_count() -> None:
    torch.manual_seed(0)
    products = [
        layer for layer in _cost(_Attention().eval(), (8, 8, 3)).layers if layer.op == "matmul"
    ]
    assert [(layer.kind, layer.bops, layer.flops) for layer in products] == [
        ("binary", 16 * 16 * 8, 0),
        ("real", 0, 16 * 8 * 16),
    ]


def test_counts_by_hand() -> None:
    cost = _small()
    stem, first, second, last = cost.layers
    assert (stem.weight, stem.output) == ((8, 3, 3, 3), (8, 8, 8))
    assert stem.flops == 64 * 8 * 27
    assert stem.real_parameters == 8 * 27 + 8  # weights, thresholds
    assert (stem.bops, stem.binary_parameters) == (0, 0)
    assert stem.bytes == 4 * 8 * 27 + 4 * 3 + 4 * 8 + 8  # weights, padding, thresholds, flips

    # The pool comes after the 8×8 dots.
    assert (first.weight, first.output) == ((16, 3, 3, 8), (4, 4, 16))
    assert first.bops == 64 * 16 * 72
    assert first.binary_parameters == 16 * 72
    assert first.real_parameters == 16
    assert first.bytes == 8 * 16 * 2 + 4 * 16 + 16
    assert first.flops == 0
    assert first.ops == first.bops / 64

    assert (second.weight, second.output) == ((16, 3, 3, 8), (2, 2, 16))
    assert second.bops == 4 * 16 * 72
    assert second.real_parameters == 2 * 16  # scale and shift: the hardtanh is stored
    assert second.bytes == 8 * 16 * 2 + 8 * 16

    assert (last.weight, last.output) == ((10, 2, 2, 16), (1, 1, 10))
    assert last.flops == 640
    assert last.real_parameters == 640 + 10  # its scale is 1

    assert cost.binary_parameters == 2 * 16 * 72
    assert cost.parameters == cost.binary_parameters + 224 + 16 + 32 + 650
    assert cost.bits == cost.binary_parameters + 32 * (224 + 16 + 32 + 650)
    assert cost.float32_bytes == 4 * cost.parameters
    assert cost.bops == 68 * 16 * 72
    assert cost.flops == 64 * 8 * 27 + 640
    assert cost.ops == cost.flops + cost.bops / 64


def test_says_which_layers_are_real_and_why() -> None:
    cost = _cost(network("digits", "sdbnn", (8, 8, 1)), (8, 8, 1))
    why: dict[str, LayerCost] = {layer.name: layer for layer in cost.layers}
    assert why["stem.0"].why.startswith("first layer")
    assert why["classifier"].why.startswith("last layer")
    assert why["conv1.squeeze"].why.startswith("self-distribution")
    assert why["conv1.excite"].why.startswith("self-distribution")
    assert why["conv1.add"].why == "no weights"
    assert (why["conv1"].kind, why["conv1"].why) == ("binary", "")
    assert why["classifier"].kind == "real"


def test_a_real_convolution_in_the_middle_is_named() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.Conv2d(4, 4, 1),
        BinaryConv2d(4, 4, 3),
        nn.Flatten(),
        nn.Linear(64, 2),
    ).eval()
    assert _cost(model, (8, 8, 1)).layers[1].why == "not binarised in the model"


def test_every_part_of_the_format_counts() -> None:
    graph, constants = offsets_sample()
    layers = {layer.name: layer for layer in count(graph, constants, 0).layers}
    prepare, mean, box, signs, conv, head = (
        layers[name] for name in ("prepare", "mean", "box", "sum", "conv", "head")
    )
    assert (prepare.kind, prepare.real_parameters) == ("real", 3 * 4)
    assert (mean.kind, mean.flops, mean.real_parameters) == ("real", 0, 0)
    assert (
        mean.why
        == box.why
        == "scaling: the map that the dots of a binary layer are multiplied with"
    )
    assert (box.kind, box.flops, box.real_parameters) == ("real", 30 * 9, 9)
    # The sums of two groups of signs, 6×5 pixels: as two filters of 3×3×2.
    assert (signs.kind, signs.why, signs.weight) == ("binary", "", ())
    assert (signs.bops, signs.flops, signs.binary_parameters) == (30 * 2 * 9 * 2, 0, 0)
    # scale, shift (once, whatever the border), weighted, both slopes, offset
    assert (conv.bops, conv.real_parameters) == (30 * 10 * 9 * 2, 6 * 10)
    assert conv.binary_parameters == 10 * 9 * 2
    assert conv.bytes == 8 * 10 + 4 * 10 * (12 + 5) + 10
    # Signs on both sides, but in a chain of floats.
    assert (head.kind, head.why) == ("binary weights", "binary weights on real inputs (1/32)")
    assert (head.flops, head.bops) == (900, 0)
    assert (head.binary_parameters, head.real_parameters) == (900, 0)


def test_real_weights_on_signs_are_named() -> None:
    graph, constants = offsets_sample()
    constants[str(graph.nodes[-1]["weight"])] = np.ones((3, 6, 5, 10), np.float32)
    head = count(graph, constants, 0).layers[-1]
    assert (head.kind, head.why) == ("binary inputs", "real weights on signs (32/1)")
    assert (head.flops, head.bops) == (900, 0)
    assert (head.binary_parameters, head.real_parameters) == (0, 900)


IMAGENET = {
    # (binary weights, real weights, BOPs, FLOPs); real: stem, 1×1 shortcuts, classifier
    "resnet18": (10_985_472, 9_408 + 172_032 + 513_000, 1_676_279_808, 137_793_536),
    "resnet34": (21_086_208, 9_408 + 172_032 + 513_000, 3_525_967_872, 137_793_536),
}
"""By hand: 112²·64·147 + 3·28²·64·128 + 512·1000 FLOPs."""


@pytest.mark.slow
@pytest.mark.parametrize("network_name", sample(IMAGENET, "resnet18"))
def test_published_operations(network_name: str) -> None:
    """Bi-Real Net 2018, table 3: 1.63e8 and 1.93e8 OPs, 33.6 and 43.7 Mbit (docs/counting.md)."""
    binary, weights, bops, flops = IMAGENET[network_name]
    torch.manual_seed(0)
    model = models.build(network_name, methods.get("bireal"), classes=1000, channels=3)
    norms = sum(
        m.weight.numel() + m.bias.numel() for m in model.modules() if isinstance(m, nn.BatchNorm2d)
    )
    cost = _cost(randomise(model), (224, 224, 3))
    assert (cost.binary_parameters, cost.bops, cost.flops) == (binary, bops, flops)
    assert cost.bits == binary + 32 * (weights + norms)
    assert abs(cost.ops - {"resnet18": 1.63e8, "resnet34": 1.93e8}[network_name]) < 0.01e8
    published = {"resnet18": 33.6e6, "resnet34": 43.7e6}[network_name]
    assert abs(cost.bits - published) < 0.005 * published


@pytest.mark.slow
def test_published_operations_of_reactnet_a() -> None:
    """Liu et al. 2020: 0.12e8 FLOPs, 4.82e9 BOPs, 0.87e8 OPs."""
    widths = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    sides = [112, 56, 56, 28, 28, *[14] * 6, 7, 7]
    bops = sum(
        side * side * (9 * before * before + before * after)
        for side, (before, after) in zip(sides, pairwise(widths), strict=True)
    )
    torch.manual_seed(0)
    model = models.build("reactnet-a", methods.get("reactnet"), classes=1000, channels=3)
    cost = _cost(randomise(model), (224, 224, 3))
    assert cost.bops == bops == 4_816_896_000
    assert cost.flops == 112 * 112 * 27 * 32 + 1024 * 1000
    assert (round(cost.flops / 1e8, 2), round(cost.ops / 1e8, 2)) == (0.12, 0.87)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("binarize", "kind", "why"),
    [
        ("weights", "binary weights", "binary weights on real inputs (1/32)"),
        ("activations", "binary inputs", "real weights on signs (32/1)"),
    ],
)
def test_half_binary_networks_are_named(binarize: str, kind: str, why: str) -> None:
    torch.manual_seed(0)
    both, one = (
        models.build("digits", methods.get("bnn", binarize=what), classes=10, channels=1)
        for what in ("both", binarize)
    )
    whole, cost = (_cost(randomise(model), (8, 8, 1)) for model in (both, one))
    layers = {layer.name: layer for layer in cost.layers}
    assert [(layers[n].kind, layers[n].why) for n in ("conv1", "conv2")] == [(kind, why)] * 2
    assert (cost.bops, cost.flops) == (0, whole.flops + whole.bops)
    stored = whole.binary_parameters if binarize == "weights" else 0
    assert cost.binary_parameters == stored


def test_json_holds_the_sums_and_the_layers() -> None:
    cost = _small()
    found = cost.to_dict()
    assert found["bytes"] == cost.bytes
    sums = {"parameters", "binary_parameters", "bits", "bops", "flops", "ops"}
    assert found.keys() == sums | {"bytes", "float32_bytes", "layers"}
    assert found["layers"][1]["ops"] == cost.layers[1].ops
    assert found["layers"][0]["why"] == cost.layers[0].why


def test_counting_does_not_import_torch() -> None:
    code = "import sys, signbit.compiler.count; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


class Gated(nn.Module):
    """A squeeze-and-excite gate, and probabilities of the classes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.reduce, self.expand = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        gate = self.expand(self.reduce(x.mean((2, 3), keepdim=True)).clamp(0, 6)).sigmoid()
        return torch.softmax(self.head((x * gate).mean((2, 3))), 1)


def test_gates_and_what_stands_in_front_of_a_softmax_are_named() -> None:
    cost = _cost(Gated().eval(), (6, 6, 3))
    layers = {layer.name: layer for layer in cost.layers}
    assert layers["reduce"].why == layers["expand"].why
    assert layers["reduce"].why == "gate: multiplies each channel for each image"
    assert layers["head"].why == "last layer: yields the class scores"
    # Bounds of a clip are no parameters.
    assert layers["reduce"].real_parameters == 8 * 2 + 2


@pytest.mark.parametrize("value", [0.0, 2.0])
def test_a_node_that_pads_is_no_layer(value: float) -> None:
    pad = nn.ConstantPad2d((1, 2, 0, 1), value)
    cost = _cost(
        nn.Sequential(nn.Conv2d(3, 4, 3), pad, nn.Upsample(scale_factor=2)).eval(), (8, 8, 3)
    )
    _, layer, _ = cost.layers
    assert (layer.op, layer.weight, layer.why) == ("real_conv", (), "no weights")
    assert (layer.flops, layer.real_parameters, layer.output) == (0, 0, (7, 9, 4))
    assert len(report(cost).splitlines()) == 1
