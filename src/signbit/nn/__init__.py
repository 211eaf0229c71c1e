"""What a binary network is made of, for anyone's own PyTorch code.

Layers and blocks binarize their weights and inputs by binarizers, which take signs by estimators.
`why` says which modules native operations stand in for; `binarize` makes a real-valued network a
binary one. Names are resolved on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from signbit.lazy import from_modules

if TYPE_CHECKING:
    from signbit.nn.binarizers.levels import MultiBitActivation
    from signbit.nn.block_order import CONV_FIRST, NORM_FIRST, BlockOrder
    from signbit.nn.blocks import ChannelGate, ConvBlock, Stem, normalised_conv
    from signbit.nn.estimators import register_estimator, scale_gradient, sign
    from signbit.nn.layers import BinaryConv1d, BinaryConv2d, BinaryLinear
    from signbit.nn.nonlinearities import DPReLU, Maxout, RPReLU
    from signbit.nn.padding import SignPadding
    from signbit.nn.paths import LayerPath, why
    from signbit.nn.pixels.pixel_conv import PixelConv2d
    from signbit.nn.pixels.pixel_table import PixelTable
    from signbit.nn.pixels.stem_rounding import renew_statistics, round_stem
    from signbit.nn.thresholds import Threshold
    from signbit.nn.transposed import BinaryConvTranspose2d

__all__ = [
    "CONV_FIRST",
    "NORM_FIRST",
    "BinaryConv1d",
    "BinaryConv2d",
    "BinaryConvTranspose2d",
    "BinaryLinear",
    "BlockOrder",
    "ChannelGate",
    "ConvBlock",
    "DPReLU",
    "LayerPath",
    "Maxout",
    "MultiBitActivation",
    "PixelConv2d",
    "PixelTable",
    "RPReLU",
    "SignPadding",
    "Stem",
    "Threshold",
    "binarize",
    "normalised_conv",
    "register_estimator",
    "renew_statistics",
    "round_stem",
    "scale_gradient",
    "sign",
    "why",
]

_HOMES = {
    "CONV_FIRST": "block_order",
    "NORM_FIRST": "block_order",
    "BlockOrder": "block_order",
    "ChannelGate": "blocks",
    "ConvBlock": "blocks",
    "Stem": "blocks",
    "normalised_conv": "blocks",
    "register_estimator": "estimators",
    "scale_gradient": "estimators",
    "sign": "estimators",
    "BinaryConv1d": "layers",
    "BinaryConv2d": "layers",
    "BinaryConvTranspose2d": "transposed",
    "BinaryLinear": "layers",
    "DPReLU": "nonlinearities",
    "Maxout": "nonlinearities",
    "MultiBitActivation": "binarizers.levels",
    "RPReLU": "nonlinearities",
    "PixelConv2d": "pixels.pixel_conv",
    "PixelTable": "pixels.pixel_table",
    "renew_statistics": "pixels.stem_rounding",
    "round_stem": "pixels.stem_rounding",
    "Threshold": "thresholds",
    "SignPadding": "padding",
    "LayerPath": "paths",
    "why": "paths",
}

_find = from_modules(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    """A name of this package; `binarize`, which needs methods and the compiler, lies above it."""
    if name == "binarize":
        return getattr(import_module("signbit.binarizing"), name)
    return _find(name)
