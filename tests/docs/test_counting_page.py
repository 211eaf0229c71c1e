"""Every figure in the tables of docs/counting.md is what `signbit inspect` prints."""

import json
import re
from pathlib import Path

import pytest

from signbit.cli.main import run

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
@pytest.mark.parametrize("label", SMALL)
def test_small_networks(label, capfd):
    check(label, SMALL[label], "10", capfd)


@pytest.mark.slow
@pytest.mark.parametrize("label", LARGE)
def test_large_networks(label, capfd):
    check(label, LARGE[label], "1000", capfd)


def test_every_row_is_checked():
    assert set(rows()) == set(SMALL) | set(LARGE)
