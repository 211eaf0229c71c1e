import subprocess
import sys

import torch
from tests.compiler.nets import compiled, network, randomise
from torch import nn

from signbit.compiler.count import LayerCost, ModelCost, count
from signbit.layers import BinaryConv2d


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
    assert last.real_parameters == 640 + 20

    assert cost.binary_parameters == 2 * 16 * 72
    assert cost.parameters == cost.binary_parameters + 224 + 16 + 32 + 660
    assert cost.float32_bytes == 4 * cost.parameters
    assert cost.bops == 68 * 16 * 72
    assert cost.flops == 64 * 8 * 27 + 640
    assert cost.ops == cost.flops + cost.bops / 64


def test_says_which_layers_are_real_and_why() -> None:
    cost = _cost(network("digits", "sdbnn", (8, 8, 1)), (8, 8, 1))
    why: dict[str, LayerCost] = {layer.name: layer for layer in cost.layers}
    assert why["stem.0"].why.startswith("first layer")
    assert why["classifier"].why.startswith("last layer")
    assert why["conv1.activation_binarizer.squeeze"].why.startswith("self-distribution")
    assert why["conv1.activation_binarizer.excite"].why.startswith("self-distribution")
    assert why["conv1.activation_binarizer.add"].why == "no weights"
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


def test_json_holds_the_sums_and_the_layers() -> None:
    cost = _small()
    found = cost.to_dict()
    assert found["bytes"] == cost.bytes
    keys = {"parameters", "binary_parameters", "bytes", "bops", "flops", "ops", "float32_bytes"}
    assert found.keys() == keys | {"layers"}
    assert found["layers"][1]["ops"] == cost.layers[1].ops
    assert found["layers"][0]["why"] == cost.layers[0].why


def test_counting_does_not_import_torch() -> None:
    code = "import sys, signbit.compiler.count; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
