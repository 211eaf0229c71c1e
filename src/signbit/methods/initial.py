"""Initial weights that several papers share; each sets a whole model's in place.

All draw from torch's global generator.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from signbit.nn.binarizers import RealWeight
from signbit.nn.layers import BinaryConv2d, BinaryLinear

__all__ = ["INITIAL_WEIGHTS", "glorot_normal", "small_positive", "small_positive_in_every_stage"]


def glorot_normal(model: nn.Module) -> None:
    """Latent weights N(0, sqrt(2 / (fan in + fan out))); all others keep PyTorch's. Larq Zoo's."""
    for module in model.modules():
        if isinstance(module, BinaryConv2d | BinaryLinear):
            nn.init.xavier_normal_(module.weight)


def small_positive(model: nn.Module) -> None:
    """Latent weights uniform in (0, 0.001), all positive; all others keep PyTorch's.

    Bi-Real Net's code, and after it ReActNet's. Where a layer's weights stay real, as in ReActNet's
    first stage, there is an nn.Conv2d in that code: such weights start as it does.
    """
    for module in model.modules():
        if isinstance(module, BinaryConv2d | BinaryLinear) and not isinstance(
            module.weight_binarizer, RealWeight
        ):
            nn.init.uniform_(module.weight, 0.0, 1e-3)


def small_positive_in_every_stage(model: nn.Module) -> None:
    """`small_positive`, also of real weights: SD-BNN's code for ImageNet, in both of its stages."""
    for module in model.modules():
        if isinstance(module, BinaryConv2d | BinaryLinear):
            nn.init.uniform_(module.weight, 0.0, 1e-3)


def _kaiming(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | BinaryConv2d | BinaryLinear):
            nn.init.kaiming_normal_(module.weight)


def _fan_out(model: nn.Module) -> None:
    _fan_out_convolutions(model)
    for module in model.modules():
        if isinstance(module, nn.Linear | BinaryLinear):
            nn.init.normal_(module.weight, std=0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)


def _fan_out_convolutions(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d | BinaryConv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")


def _default(model: nn.Module) -> None:
    """What the layers were made with: Kaiming-uniform, as PyTorch's own."""


INITIAL_WEIGHTS: dict[str, Callable[[nn.Module], None]] = {
    "kaiming": _kaiming,
    "fan-out": _fan_out,
    "fan-out-convolutions": _fan_out_convolutions,
    "default": _default,
}
"""kaiming: normal, fan in, every convolution and linear layer (CIFAR ResNet-20 of IR-Net, SD-BNN
and AdaBin). fan-out: convolutions N(0, sqrt(2 / (k^2 out))), linear layers N(0, 0.01), biases 0
(VGG-Small of IR-Net and SD-BNN). fan-out-convolutions: the same of convolutions' weights alone
(ImageNet ResNet-18 of IR-Net and AdaBin). default: PyTorch's own, which is also what the others
leave. Where they set linear layers, those of binarizers are among them."""
