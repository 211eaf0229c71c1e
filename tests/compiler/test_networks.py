"""The full grid, on real images: every network of every method, at random weights and at briefly
trained ones. Engines agree to the last bit, every node agrees with PyTorch, and so do the answers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tests.compiler.nets import compiled, randomise
from tests.compiler.small import randomise_vectors, train_briefly

import signbit
from signbit import methods, models
from signbit.compiler.verify import verify
from signbit.data import open_dataset
from signbit.runtime.reference import ReferenceEngine

pytestmark = pytest.mark.slow

Images = npt.NDArray[np.uint8]

BINARY = [name for name in methods.names() if name != "real"]
SIZES = {
    "digits": 8,
    "reactnet-a": 64,
    "resnet18": 64,
    "resnet18-cifar": 16,
    "resnet18-cifar-blocks": 16,
    "resnet20": 32,
    "resnet34": 64,
    "vgg-small": 32,
}
"""Of the images, smaller than the networks' own where they allow it."""

COUNT, ORACLE_COUNT = 8, 2


@pytest.fixture(scope="module")
def photographs(shared_data: Path) -> Images:
    """(COUNT, 32, 32, 3)"""
    images: Images = (
        open_dataset(shared_data / "data/cifar10", "test").take(np.arange(COUNT)).images
    )
    return images


def _fitted(photographs: Images, size: int, channels: int) -> Images:
    """Pixels repeated, or every n-th, and the mean of the colours for one channel."""
    if size > 32:
        images = photographs.repeat(size // 32, 1).repeat(size // 32, 2)
    else:
        images = photographs[:, :: 32 // size, :: 32 // size]
    if channels == 1:
        images = images.mean(3, keepdims=True).astype(np.uint8)
    return np.ascontiguousarray(images)


def _check(
    photographs: Images,
    architecture: str,
    method: str,
    *,
    size: int,
    binarize: str | None = None,
    trained: bool = False,
) -> None:
    channels = 1 if architecture == "digits" else 3
    shape = (size, size, channels)
    torch.manual_seed(4)
    chosen = methods.get(method) if binarize is None else methods.get(method, binarize=binarize)
    model = models.build(architecture, chosen, classes=10, channels=channels)
    if trained:
        train_briefly(model, shape, classes=10, steps=4)
    else:
        randomise_vectors(model)
        randomise(model)
    result = compiled(model, shape)
    images = _fitted(photographs, size, channels)
    answers = [signbit.load(result.data, isa=isa)(images) for isa in signbit.cpu_isas()]
    expected = ReferenceEngine(result.data)(images[:ORACLE_COUNT])
    for answer in answers:
        np.testing.assert_array_equal(answer.view(np.uint32), answers[0].view(np.uint32))
        np.testing.assert_array_equal(
            answer[:ORACLE_COUNT].view(np.uint32), expected.view(np.uint32)
        )
    agreement = verify(result, images)
    assert [node for node in agreement.nodes if not node.agrees] == []
    # PyTorch may disagree with itself; by one image more than that is no matter of the file.
    found = agreement.end_to_end
    assert found.disagreements <= 2 * found.onednn_disagreements + 1


@pytest.mark.parametrize("trained", [False, True], ids=["random", "trained"])
@pytest.mark.parametrize("method", BINARY)
@pytest.mark.parametrize("architecture", list(SIZES))
def test_binary(photographs: Images, architecture: str, method: str, trained: bool) -> None:
    _check(photographs, architecture, method, size=SIZES[architecture], trained=trained)


@pytest.mark.parametrize("binarize", ["activations", "weights"])
@pytest.mark.parametrize("method", BINARY)
@pytest.mark.parametrize(("architecture", "size"), [("digits", 8), ("resnet20", 16)])
def test_one_operand_binary(
    photographs: Images, architecture: str, size: int, method: str, binarize: str
) -> None:
    _check(photographs, architecture, method, size=size, binarize=binarize)


@pytest.mark.parametrize(("architecture", "size"), [("real-resnet20", 16), ("real-resnet18", 32)])
def test_real(photographs: Images, architecture: str, size: int) -> None:
    _check(photographs, architecture, "real", size=size)


def test_every_binary_network_is_in_the_grid() -> None:
    assert sorted(SIZES) == [name for name in models.names() if not models.is_real(name)]
