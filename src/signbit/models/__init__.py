"""The architectures by name. A new one is one file here and one line in a table below.

Models take normalised float images (N, channels, H, W) and return logits (N, classes).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from signbit.errors import RecipeError
from signbit.methods.base import Method
from signbit.models.bnext import BNextTiny
from signbit.models.densenet import BinaryDenseNet28, MeliusNet22
from signbit.models.digits import DigitsNet
from signbit.models.keywords import KeywordNet
from signbit.models.mixer import Mixer
from signbit.models.mobilenet import RealMobileNetCifar
from signbit.models.pokebnn import PokeBNN
from signbit.models.quicknet import QuickNet
from signbit.models.reactnet import ReActNetA
from signbit.models.real_resnet import BasicBlock, Bottleneck, RealResNet, RealResNetCifar
from signbit.models.real_to_binary import RealToBinaryResNet18
from signbit.models.resnet18 import ResNet18, ResNet18Cifar
from signbit.models.resnet18_blocks import ResNet18CifarBlocks
from signbit.models.resnet18_norm import ResNet18Norm
from signbit.models.resnet20 import ResNet20
from signbit.models.resnet34 import ResNet34
from signbit.models.resnet_e import ResNetE18
from signbit.models.same_padding import with_same_padding
from signbit.models.vgg_small import VGGSmall
from signbit.models.vit import BinaryViT

__all__ = ["build", "is_real", "names", "register"]

_binary: dict[str, Callable[..., nn.Module]] = {
    "binary-densenet28": BinaryDenseNet28,
    "binary-densenet28-cifar": partial(BinaryDenseNet28, small_images=True),
    "binary-vit": BinaryViT,
    "bnext-tiny": BNextTiny,
    "bnext-tiny-cifar": partial(BNextTiny, small_images=True),
    "digits": DigitsNet,
    "keywords": KeywordNet,
    "larq-quicknet": partial(with_same_padding, QuickNet),
    "larq-quicknet-large": partial(with_same_padding, QuickNet, layers=(6, 8, 12, 6)),
    "larq-quicknet-small": partial(with_same_padding, QuickNet, widths=(32, 64, 256, 512)),
    "larq-resnet-e18": partial(with_same_padding, ResNetE18),
    "meliusnet22": MeliusNet22,
    "meliusnet22-cifar": partial(MeliusNet22, small_images=True),
    "mixer": Mixer,
    "pokebnn": PokeBNN,
    "pokebnn-cifar": partial(PokeBNN, small_images=True),
    "quicknet": QuickNet,
    "quicknet-cifar": partial(QuickNet, small_images=True),
    "quicknet-large": partial(QuickNet, layers=(6, 8, 12, 6)),
    "quicknet-small": partial(QuickNet, widths=(32, 64, 256, 512)),
    "reactnet-a": ReActNetA,
    "real-to-binary-resnet18": RealToBinaryResNet18,
    "real-to-binary-resnet18-cifar": partial(RealToBinaryResNet18, small_images=True),
    "resnet-e18": ResNetE18,
    "resnet-e18-cifar": partial(ResNetE18, small_images=True),
    "resnet18": ResNet18,
    "resnet18-cifar": ResNet18Cifar,
    "resnet18-cifar-blocks": ResNet18CifarBlocks,
    "resnet18-norm": ResNet18Norm,
    "resnet20": ResNet20,
    "resnet20-x2": partial(ResNet20, width=32),
    "resnet20-x3": partial(ResNet20, width=48),
    "resnet20-x4": partial(ResNet20, width=64),
    "resnet34": ResNet34,
    "vgg-small": VGGSmall,
}
"""(method, classes, channels) -> a network of that method's layers."""

_real: dict[str, Callable[..., nn.Module]] = {
    "real-mobilenet-cifar": RealMobileNetCifar,
    "real-resnet18": partial(RealResNet, BasicBlock, (2, 2, 2, 2)),
    "real-resnet20": partial(RealResNetCifar, 3),
    "real-resnet20-half": partial(RealResNetCifar, 3, width=8),
    "real-resnet20-quarter": partial(RealResNetCifar, 3, width=4),
    "real-resnet20-x2": partial(RealResNetCifar, 3, width=32),
    "real-resnet32": partial(RealResNetCifar, 5),
    "real-resnet34": partial(RealResNet, BasicBlock, (3, 4, 6, 3)),
    "real-resnet44": partial(RealResNetCifar, 7),
    "real-resnet50": partial(RealResNet, Bottleneck, (3, 4, 6, 3)),
    "real-resnet56": partial(RealResNetCifar, 9),
}
"""(classes, channels) -> a network without binary layers."""


def register(name: str, build: Callable[..., nn.Module], *, real: bool = False) -> None:
    """Make `build`, and so recipes, know a network that lives outside of this package.

    build: called as build(method, classes=…, channels=…), or without the method where the network
    is real, that is, has no binary layers. What it returns takes normalised images (N, channels,
    H, W), gives logits (N, classes), and has `input_size`, (height, width). Raises RecipeError if
    the name is taken.
    """
    if name in names():
        raise RecipeError(f"model {name!r} is already registered; choose another name")
    (_real if real else _binary)[name] = build


def names() -> list[str]:
    """Names that `build` knows, sorted."""
    return sorted(_binary | _real)


def is_real(architecture: str) -> bool:
    """Whether the architecture has no binary layers, so that its method is "real" and no other."""
    return architecture in _real


def build(architecture: str, method: Method, *, classes: int, channels: int) -> nn.Module:
    """A new network with the method's initial weights, drawn from torch's global generator.

    channels: of the images, 1 (grey) or 3 (RGB). The network has `input_size`, (height, width).
    Raises RecipeError for an unknown architecture (the choices are listed), counts below 1, and a
    method that a real-valued network has no layers for.
    """
    if architecture not in names():
        raise RecipeError(
            f"unknown model {architecture!r}; choose one of {', '.join(names())}, or --import the "
            "file that registers it"
        )
    if classes < 1 or channels < 1:
        raise RecipeError(f"a model needs classes and channels >= 1, got {classes} and {channels}")
    if is_real(architecture):
        if method.name != "real":
            raise RecipeError(
                f"{architecture} has nothing to binarize, so its method is 'real', "
                f"not {method.name!r}"
            )
        return _sized(architecture, _real[architecture](classes=classes, channels=channels))
    model = _binary[architecture](method, classes=classes, channels=channels)
    method.initialise(model)
    return _sized(architecture, model)


def _sized(architecture: str, model: nn.Module) -> nn.Module:
    """The model, of which all that follows asks `input_size`."""
    if not isinstance(model, nn.Module) or len(getattr(model, "input_size", ())) != 2:
        raise RecipeError(
            f"model {architecture!r}: what it builds must be an nn.Module with input_size = "
            "(height, width)"
        )
    return model
