"""Every figure in the tables of docs/counting.md is what `signbit inspect` prints, or its sum."""

import json
import re
from math import prod
from pathlib import Path

import pytest
from tests.compiler.nets import compiled, randomise
from tests.thorough import sample

from signbit import methods, models
from signbit.bitformat.validate import validate
from signbit.cli.main import run
from signbit.compiler.count import count

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "counting.md").read_text("utf-8")

SMALL = {
    "ResNet-20, BNN, Bi-Real Net or IR-Net": ("resnet20", "bnn", "bireal", "irnet"),
    "ResNet-20, SD-BNN": ("resnet20", "sdbnn"),
    "ResNet-20, XNOR-Net": ("resnet20", "xnor"),
    "ResNet-20, AdaBin": ("resnet20", "adabin"),
    "VGG-Small, BNN": ("vgg-small", "bnn"),
    "VGG-Small, SD-BNN": ("vgg-small", "sdbnn"),
    "VGG-Small, AdaBin": ("vgg-small", "adabin"),
    "ResNet-20, real": ("real-resnet20", "real"),
    "ResNet-56, real": ("real-resnet56", "real"),
}
LARGE = {
    "ResNet-18, real": ("real-resnet18", "real"),
    "ResNet-34, real": ("real-resnet34", "real"),
    "ResNet-50, real": ("real-resnet50", "real"),
    "ResNet-18, Bi-Real Net": ("resnet18", "bireal"),
    "ResNet-34, Bi-Real Net": ("resnet34", "bireal"),
    "ResNet-18, ReActNet": ("resnet18", "reactnet"),
    "ResNet-18, SD-BNN": ("resnet18", "sdbnn-imagenet"),
    "ResNet-18, XNOR-Net": ("resnet18", "xnor"),
    "ResNet-18, AdaBin": ("resnet18", "adabin"),
    "ReActNet-A, ReActNet": ("reactnet-a", "reactnet"),
}


def rows():
    found = re.findall(
        r"^\| ([\w-]+, [^|]+?) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]*)\|$", PAGE, re.M
    )
    return {label: figures for label, *figures in found if label != "network, method"}


def assert_printed(text, figure):
    """The first number of a cell, in its own precision; a dash for nothing."""
    printed = text.split()[0]
    if printed == "–":
        assert figure == 0
        return
    value, _, exponent = printed.partition("e")
    unit = 10.0 ** int(exponent or 0)
    digits = len(value.partition(".")[2])
    assert round(figure / unit, digits) == float(value), text


def check(label, networks, classes, capfd):
    network, *methods = networks
    for method in methods:
        capfd.readouterr()
        assert run(["inspect", network, "--method", method, "--classes", classes, "--json"]) == 0
        found = json.loads(capfd.readouterr().out)
        cells = rows()[label]
        for cell, key in zip(cells, ("flops", "bops", "ops"), strict=False):
            assert_printed(cell, found[key])
        assert_printed(cells[3], found["bits"] / 1e6)


@pytest.mark.slow
@pytest.mark.parametrize("label", sample(SMALL, "ResNet-20, AdaBin", "VGG-Small, SD-BNN"))
def test_small_networks(label, capfd):
    check(label, SMALL[label], "10", capfd)


@pytest.mark.slow
@pytest.mark.parametrize("label", sample(LARGE, "ResNet-18, XNOR-Net", "ResNet-34, real"))
def test_large_networks(label, capfd):
    check(label, LARGE[label], "1000", capfd)


def test_every_row_is_checked():
    assert set(rows()) == set(SMALL) | set(LARGE)


SCALES = {
    "neither (`sdbnn`, `asd: false`)": ("sdbnn", {"asd": False}),
    "SD-BNN": ("sdbnn", {}),
    "SD-BNN and α (`scale: true`)": ("sdbnn", {"scale": True}),
    "XNOR-Net's α and K": ("xnor", {}),
}


def numbers(label):
    """The cells of the row whose first one is `label`."""
    (line,) = re.findall(rf"^\| {re.escape(label)} \| (.*) \|$", PAGE, re.M)
    return [int(cell.replace(",", "")) for cell in line.split(" | ")]


@pytest.mark.slow
@pytest.mark.parametrize("network", sample(["ResNet-20", "VGG-Small"], "VGG-Small"))
@pytest.mark.parametrize("label", SCALES)
def test_scales_in_compiled_networks(network, label):
    name, parameters = SCALES[label]
    architecture = network.lower().replace("t-2", "t2")
    method = methods.get(name, **parameters)
    model = models.build(architecture, method, classes=10, channels=3)
    result = compiled(randomise(model), (32, 32, 3))
    cost = count(result.graph, result.constants, 0)
    tensors = validate(result.graph, result.constants)
    multiplied = sum(
        prod(tensors[written[0]].shape)
        for node, written in result.graph.written()
        if node.op == "binary_conv" and any(step.op == "affine" for step in node.steps)
    )
    reals = cost.parameters - cost.binary_parameters
    assert numbers(f"{network}: {label}") == [cost.flops, cost.ops, reals, multiplied]


def test_scales_layer_by_layer():
    """By hand; a layer's ASD is of the channels that it reads, of which a 16th are hidden."""
    stages = [(32, 16), (16, 32), (8, 64)]
    found = []
    for side, channels in stages:
        outputs, asd = side * side * channels, 2 * channels * max(1, channels // 16)
        row = [6, channels, outputs, 9 * side * side, outputs, asd, asd]
        assert numbers(f"{side}×{side}×{channels}") == row
        found.append(row)
    alpha, multiplied, windows = (6 * sum(row[column] for row in found) for column in (1, 2, 3))
    asd = sum(layers * row[5] for layers, row in zip((7, 6, 5), found, strict=True))
    assert numbers("all") == [18, alpha, multiplied, windows, multiplied, asd, asd]
    # What the page concludes.
    neither, with_asd, with_alpha, with_map = (numbers(f"ResNet-20: {label}") for label in SCALES)
    assert with_alpha == with_asd
    assert with_asd[0] - neither[0] == with_asd[2] - neither[2] == asd
    assert with_map[0] - neither[0] == windows
