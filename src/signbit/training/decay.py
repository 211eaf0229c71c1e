"""Which parameters weight decay reaches: groupings by name, those of published code among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor, nn

from signbit.nn.binarizers import RSign
from signbit.nn.layers import BinaryConv2d
from signbit.nn.nonlinearities import RPReLU
from signbit.training.reports.signs import binary_weights

__all__ = ["DECAYED"]

Parameters = Iterable[Tensor]


def _convolutions(model: nn.Module) -> Parameters:
    return [
        module.weight for module in model.modules() if isinstance(module, nn.Conv2d | BinaryConv2d)
    ]


def _reactnet(model: nn.Module) -> Parameters:
    # Its code decays what has four dimensions. There a shift of RSign or RPReLU is (1, C, 1, 1), so
    # that it is decayed; here it is (C,). The slopes of PReLU are (C,) in both, and spared.
    decayed: list[Tensor] = [parameter for parameter in model.parameters() if parameter.dim() == 4]
    for module in model.modules():
        if isinstance(module, RSign):
            decayed.append(module.bias)
        elif isinstance(module, RPReLU):
            decayed += [module.before, module.after]
    return decayed


def _bireal(model: nn.Module) -> Parameters:
    # Its code decays what has four dimensions. There latent weights are (N, 1), so that they are
    # spared; here they have the shape of their convolution.
    latent = {id(layer.weight) for layer in binary_weights(model).values()}
    return [each for each in model.parameters() if each.dim() == 4 and id(each) not in latent]


DECAYED: dict[str, Callable[[nn.Module], Parameters]] = {
    "everything": lambda model: model.parameters(),
    "convolutions": _convolutions,
    "reactnet": _reactnet,
    "bireal": _bireal,
}
"""Value of `decay_on` -> (network -> the parameters that decay).

convolutions: the weights of all convolutions, real and binary (in no paper). reactnet: as in
ReActNet's code, those and the shifts of RSign and RPReLU (Liu, Shen, Savvides, Cheng 2020). bireal:
as in Bi-Real Net's code, the weights of real convolutions alone (Liu et al. 2018)."""
