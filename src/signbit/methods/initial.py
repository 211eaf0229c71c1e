"""Initial weights that several papers share; each sets a whole model's in place.

All draw from torch's global generator.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from signbit.layers import BinaryConv2d, BinaryLinear

__all__ = ["INITIAL_WEIGHTS", "small_positive"]


def small_positive(model: nn.Module) -> None:
    """Latent weights uniform in (0, 0.001), all positive; real layers keep PyTorch's.

    Bi-Real Net's code, and after it ReActNet's and SD-BNN's for ImageNet.
    """
    for module in model.modules():
        if isinstance(module, BinaryConv2d | BinaryLinear):
            nn.init.uniform_(module.weight, 0.0, 1e-3)


def _kaiming(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | BinaryConv2d | BinaryLinear):
            nn.init.kaiming_normal_(module.weight)


def _fan_out(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d | BinaryConv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
        elif isinstance(module, nn.Linear | BinaryLinear):
            nn.init.normal_(module.weight, std=0.01)


def _default(model: nn.Module) -> None:
    """What the layers were made with: Kaiming-uniform, as PyTorch's own."""


INITIAL_WEIGHTS: dict[str, Callable[[nn.Module], None]] = {
    "kaiming": _kaiming,
    "fan-out": _fan_out,
    "default": _default,
}
"""kaiming: normal, fan in, every convolution and linear layer (CIFAR ResNet-20 of IR-Net, SD-BNN
and AdaBin). fan-out: convolutions N(0, sqrt(2 / (k^2 out))), linear layers N(0, 0.01) (VGG-Small of
the same). default: PyTorch's own. All include the linear layers of binarizers."""
