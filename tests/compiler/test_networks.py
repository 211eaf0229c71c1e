"""Compiled networks on real images: every method on a small one, every network with two methods.

Engines agree to the last bit, every node agrees with PyTorch, and so do the answers. The complete
grid, at full widths and sizes, is `benchmarks/agreement_grid.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tests.compiler.nets import compiled, randomise
from tests.compiler.small import (
    SIZE,
    narrow,
    randomise_latents,
    randomise_vectors,
    small_net,
    train_briefly,
)
from tests.models.test_published import NARROW
from tests.thorough import sample
from torch import nn

import signbit
from signbit import methods, models
from signbit.compiler.verification.verify import verify
from signbit.data import open_dataset
from signbit.runtime.reference import ReferenceEngine

pytestmark = pytest.mark.slow

Images = npt.NDArray[np.uint8]

COUNT, ORACLE_COUNT = 6, 2

BINARY = [name for name in methods.names() if name != "real"]

TELLING = {
    # At random weights, and after a few steps.
    "digits": ("sdbnn", "xnor"),
    "reactnet-a": ("reactnet", "adabin"),
    "resnet18": ("xnor", "sdbnn-imagenet"),
    "resnet18-cifar": ("adabin", "bireal"),
    "resnet18-cifar-blocks": ("sdbnn", "xnor"),
    "resnet18-norm": ("adabin", "irnet"),
    "resnet20": ("adabin", "sdbnn"),
    "resnet34": ("bireal", "reactnet"),
    "vgg-small": ("xnor", "bnn"),
}
"""Methods whose parts differ most from what the network has been compiled with elsewhere."""

FORMS = {
    "larq-quicknet": "quicknet",
    "larq-quicknet-large": "quicknet",
    "larq-quicknet-small": "quicknet",
    "larq-resnet-e18": "resnet-e18",
    "pokebnn": "pokebnn-cifar",
    "quicknet-large": "quicknet",
    "quicknet-small": "quicknet",
    "resnet20-x2": "resnet20",
    "resnet20-x3": "resnet20",
    "resnet20-x4": "resnet20",
}
"""Networks that others are a form of, with other widths, depths and padding, and are tested as.

tests/models/test_same_padding.py is about the padding."""

WEIGHTS = ("random", "trained")


def _in_turn(*axes: Iterable[str]) -> list[tuple[str, ...]]:
    """Of each combination one with random weights, the next with trained ones."""
    return [(*case, WEIGHTS[n % 2]) for n, case in enumerate(product(*axes))]


@pytest.fixture(scope="module")
def photographs(shared_data: Path) -> Images:
    """(COUNT, 32, 32, 3)"""
    images: Images = (
        open_dataset(shared_data / "data/cifar10", "test").take(np.arange(COUNT)).images
    )
    return images


def _fitted(photographs: Images, size: tuple[int, int, int]) -> Images:
    """Their middle, or pixels repeated where they are too small; grey for one channel."""
    times = -(-max(size[:2]) // 32)
    images = photographs.repeat(times, 1).repeat(times, 2)
    top, left = ((32 * times - side) // 2 for side in size[:2])
    images = images[:, top : top + size[0], left : left + size[1]]
    if size[2] == 1:
        images = images.mean(3, keepdims=True).astype(np.uint8)
    return np.ascontiguousarray(images)


def _set_weights(model: nn.Module, size: tuple[int, int, int], weights: str) -> None:
    if weights == "trained":
        train_briefly(model, size, classes=10, steps=4)
    else:
        randomise_latents(model)
        randomise_vectors(model)
        randomise(model)


def _check(model: nn.Module, photographs: Images, size: tuple[int, int, int]) -> None:
    result = compiled(model, size)
    images = _fitted(photographs, size)
    expected = ReferenceEngine(result.data)(images[:ORACLE_COUNT])
    first = signbit.load(result.data)(images)
    for isa in signbit.cpu_isas():
        answer = signbit.load(result.data, isa=isa)(images)
        np.testing.assert_array_equal(answer.view(np.uint32), first.view(np.uint32))
        np.testing.assert_array_equal(
            answer[:ORACLE_COUNT].view(np.uint32), expected.view(np.uint32)
        )
    agreement = verify(result, images)
    assert [node for node in agreement.nodes if not node.agrees] == []
    # PyTorch may disagree with itself; by one image more than that is no matter of the file.
    found = agreement.end_to_end
    assert found.disagreements <= 2 * found.onednn_disagreements + 1


@pytest.mark.parametrize(
    ("binarize", "method", "weights"),
    sample(
        product(("both", "activations", "weights"), BINARY, WEIGHTS),
        *_in_turn(("activations", "weights"), BINARY),
    ),
)
def test_methods(photographs: Images, binarize: str, method: str, weights: str) -> None:
    """By default those with one operand real: test_every_kind_of_block has both binary."""
    chosen = methods.get(method, binarize=binarize)
    model = models.build("digits", chosen, classes=10, channels=1)
    _set_weights(model, (8, 8, 1), weights)
    _check(model, photographs, (8, 8, 1))


@pytest.mark.parametrize("method", BINARY)
def test_every_kind_of_block(photographs: Images, method: str) -> None:
    """At trained weights; test_methods.py has random ones."""
    _check(small_net(method, trained=True), photographs, SIZE)


@pytest.mark.parametrize(
    ("architecture", "weights"), sample(product(TELLING, WEIGHTS), *_in_turn(TELLING))
)
def test_networks(
    monkeypatch: pytest.MonkeyPatch, photographs: Images, architecture: str, weights: str
) -> None:
    side = narrow(monkeypatch, architecture)
    size = (side, side, 1 if architecture == "digits" else 3)
    torch.manual_seed(4)
    method = methods.get(TELLING[architecture][WEIGHTS.index(weights)])
    model = models.build(architecture, method, classes=10, channels=size[2])
    _set_weights(model, size, weights)
    _check(model, photographs, size)


@pytest.mark.parametrize(("architecture", "side"), [("real-resnet20", 8), ("real-resnet18", 32)])
def test_real(photographs: Images, architecture: str, side: int) -> None:
    torch.manual_seed(4)
    model = models.build(architecture, methods.get("real"), classes=10, channels=3)
    _check(randomise(model), photographs, (side, side, 3))


def test_every_binary_network_is_tested() -> None:
    here = {*TELLING, *NARROW, *FORMS}
    assert sorted(here) == [name for name in models.names() if not models.is_real(name)]
    assert {*FORMS.values()} <= {*TELLING, *NARROW}
