"""The cases of the agreement grid: every network of every method, its weights and its images.

`built` and `compiled_as` run under an older commit's package too.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit import methods, models
from signbit.compiler import Compiled, compile_model
from signbit.data import open_dataset

try:
    from signbit.data.pixels.preprocessing import Preprocessing
except ImportError:  # commits before the package had rooms
    from signbit.data.preprocessing import Preprocessing

__all__ = [
    "Case",
    "Images",
    "Photographs",
    "built",
    "cases",
    "compiled",
    "compiled_as",
    "evaluated",
    "finished",
]

Images = npt.NDArray[np.uint8]
_Size = tuple[int, int, int]
_Values = tuple[float, ...]

BINARIZE = {"1/1": "both", "32/1": "activations", "1/32": "weights"}
"""Bits of a weight / bits of an activation, as papers write it -> the methods' parameter."""

STEPS, BATCH = 3, 8
"""Of the brief training."""
TRAIN_SIDE = 64
"""The brief training's images are no larger."""


PUBLISHED = {
    "binary-densenet28": "resnet-e",
    "binary-vit": "combined",
    "bnext-tiny": "combined",
    "keywords": "combined",
    "larq-": "resnet-e",
    "larq": "resnet-e",
    "meliusnet22": "resnet-e",
    "mixer": "combined",
    "pokebnn": "combined",
    "quicknet": "resnet-e",
    "real-to-binary-resnet18": "real-to-binary",
    "resnet-e18": "resnet-e",
}
"""Networks that are taken from a paper with its method, and with no other; forms go with them."""

OF_ONE_SIZE = ("binary-vit", "keywords", "mixer", "vgg-small")
"""Networks that have weights for each place of an image."""


class Case(NamedTuple):
    """One network to compile."""

    network: str
    method: str
    bits: str
    """A key of BINARIZE, or 32/32 of the method that binarizes nothing."""
    weights: str
    """random or trained"""

    @property
    def name(self) -> str:
        """What it is called in results; the seed of its weights follows from it."""
        return " ".join(self)

    @property
    def side(self) -> int:
        """Height and width of its images: the network's own, or less where its sums are of reals.

        The oracle's exact sums of reals take a hundred times as long as its dots of signs.
        """
        own = _own_side(self.network)
        if self.bits == "1/1" or self.network in OF_ONE_SIZE:
            return own
        return {224: 64, 32: 16}.get(own, own)


class Photographs(NamedTuple):
    """Where real images are, each as `signbit evaluate --data` takes it."""

    cifar: str
    """With a train and a test split."""
    imagenet: str
    """With a train split: its first images train, its last ones are evaluated."""


def cases() -> list[Case]:
    """All, network by network."""
    return [
        Case(network, method, bits, weights)
        for network in models.names()
        for method in _methods(network)
        for bits in (BINARIZE if method != "real" else ("32/32",))
        for weights in ("random", "trained")
    ]


def _methods(network: str) -> list[str]:
    """Those that a network is tried with."""
    if models.is_real(network):
        return ["real"]
    own = {method for name, method in PUBLISHED.items() if network.startswith(name)}
    return sorted(own) or methods.names()


def compiled(case: Case, photographs: Photographs) -> Compiled:
    """The case's network, the same at every call."""
    model, _ = finished(case, photographs)
    return compiled_as(case, model)


def built(case: Case, classes: int) -> nn.Module:
    """The case's network with the weights of `torch`'s present seed."""
    parameters = {"binarize": BINARIZE[case.bits]} if case.bits in BINARIZE else {}
    method = methods.get(case.method, **parameters)
    channels = _photographs_rule(case)[0][2]
    return models.build(case.network, method, classes=classes, channels=channels)


def finished(case: Case, photographs: Photographs) -> tuple[nn.Module, int]:
    """The case's network with its weights, in evaluation mode, and the number of its classes."""
    kind = _preprocessing(case)
    images, labels, classes = _read(photographs, kind, True, STEPS * BATCH)
    torch.manual_seed(zlib.crc32(case.name.encode()))
    model = built(case, classes)
    mean, std = (torch.tensor(each).view(1, -1, 1, 1) for each in (kind.mean, kind.std))
    pixels = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean) / std
    if case.weights == "trained":
        _train(model, pixels, torch.from_numpy(labels))
    else:
        _disturb(model)
    _collect_statistics(model, pixels[:BATCH])
    if case.weights == "random":
        _disturb_statistics(model)
    return model.eval(), classes


def compiled_as(case: Case, model: nn.Module) -> Compiled:
    """A model in evaluation mode, compiled for the case's images."""
    size, mean, std, shorter = _photographs_rule(case)
    return compile_model(
        model,
        input_size=size,
        mean=mean,
        std=std,
        class_names=(),
        resize_shorter_side=shorter,
    )


def evaluated(case: Case, photographs: Photographs, count: int) -> Images:
    """`count` images that did not train: uint8 (count, side, side, channels)."""
    return _read(photographs, _preprocessing(case), False, count)[0]


def _preprocessing(case: Case) -> Preprocessing:
    from signbit.bitformat.graph import Resize  # commits before photographs' rules lack it

    size, mean, std, shorter = _photographs_rule(case)
    return Preprocessing(size, mean, std, Resize(shorter))


def _photographs_rule(case: Case) -> tuple[_Size, _Values, _Values, int]:
    """(input size, mean, std, shorter side)"""
    side, own = case.side, _own_side(case.network)
    if own == 8:
        return (side, side, 1), (0.5,), (0.5,), side
    shorter = side * 256 // 224 if own == 224 else side
    return (side, side, 3), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), shorter


@lru_cache(maxsize=8)
def _read(
    photographs: Photographs, kind: Preprocessing, training: bool, count: int
) -> tuple[Images, npt.NDArray[np.int64], int]:
    """(images, labels, number of classes)"""
    height, _, channels = kind.input_size
    if channels == 1:
        dataset = open_dataset("digits", "train" if training else "test")
    elif height == kind.resize.shorter_side:
        dataset = open_dataset(photographs.cifar, "train" if training else "test")
    else:
        dataset = open_dataset(photographs.imagenet, "train")
        if not training:
            dataset = dataset.take(np.arange(len(dataset) - count, len(dataset)))
    dataset = kind.fit(dataset.take(np.arange(count)), workers=0)
    return dataset.images, dataset.labels, len(dataset.class_names)


@lru_cache
def _own_side(network: str) -> int:
    with torch.device("meta"):
        model = models.build(network, methods.get("real"), classes=2, channels=1)
    return cast("tuple[int, int]", model.input_size)[0]


def _train(model: nn.Module, pixels: Tensor, labels: Tensor) -> None:
    """Some steps of Adam."""
    first = max(0, (pixels.shape[2] - TRAIN_SIDE) // 2)
    middle = pixels[:, :, first : first + TRAIN_SIDE, first : first + TRAIN_SIDE]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
    model.train()
    for step in range(STEPS):
        part = slice(step * BATCH, (step + 1) * BATCH)
        loss = F.cross_entropy(model(middle[part]), labels[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.no_grad()
def _disturb(model: nn.Module) -> None:
    """Move what has one value per channel from where it starts; a third of the slopes below 0."""
    for parameter in model.parameters():
        if parameter.dim() <= 1:
            parameter.add_(torch.randn(parameter.shape))
    for norm in _norms(model):
        norm.weight.sub_(0.6)


@torch.no_grad()
def _collect_statistics(model: nn.Module, pixels: Tensor) -> None:
    """Those of one batch, which keep values in range however deep the network is."""
    for norm in _norms(model):
        norm.momentum = 1.0
    model.train()
    model(pixels)


@torch.no_grad()
def _disturb_statistics(model: nn.Module) -> None:
    """So that no channel is centred on its threshold."""
    for norm in _norms(model):
        assert norm.running_mean is not None
        assert norm.running_var is not None
        deviation = norm.running_var.sqrt()
        norm.running_mean.add_(0.5 * deviation * torch.randn(deviation.shape))
        norm.running_var.mul_(torch.randn(deviation.shape).mul(0.5).exp())


def _norms(model: nn.Module) -> list[nn.BatchNorm1d | nn.BatchNorm2d]:
    return [m for m in model.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
