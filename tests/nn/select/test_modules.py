"""Nobody's own code, hook or parametrization is passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.nn.select.common import (
    RETURNED,
    Returns,
    assert_as_reference,
    block,
    conv,
    images,
    reasons,
)
from torch import Tensor, nn
from torch.nn.modules import module as all_modules
from torch.nn.utils import parametrize

from signbit import methods, models
from signbit.fast import use_native_ops
from signbit.nn.binarizers import ASD, PlainSignActivation
from signbit.nn.blocks import ConvBlock
from signbit.nn.estimators import Clip
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.nn.nonlinearities import RPReLU
from signbit.nn.select import may_miss_calls


class Doubled(BinaryConv2d):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x) + 1


class CalledOtherwise(BinaryConv2d):
    def __call__(self, x: Tensor) -> Tensor:
        return super().__call__(x) + x.mean()


class CallImpl(BinaryConv2d):
    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        return super()._call_impl(*args, **kwargs) * torch.arange(1.0, 17).reshape(-1, 1, 1)


def _own_forward() -> BinaryConv2d:
    layer = conv()
    inner = layer.forward
    layer.forward = lambda x: inner(x).cumsum(1)  # type: ignore[method-assign]
    return layer


OWN_CODE = {
    "subclass": lambda: Doubled(16, 16, 3, padding=1),
    "own __call__": lambda: CalledOtherwise(16, 16, 3, padding=1),
    "own _call_impl": lambda: CallImpl(16, 16, 3, padding=1),
    "forward of one layer": _own_forward,
}


@pytest.mark.parametrize("name", OWN_CODE)
def test_a_layer_s_own_code_runs_inside_of_a_block(name: str) -> None:
    torch.manual_seed(0)
    module = block(OWN_CODE[name]())
    assert reasons(module, images())[0] is not None
    if name != "forward of one layer":  # which a copy would share
        assert_as_reference(module, images())


def test_a_subclass_that_adds_no_code_is_native() -> None:
    class Named(BinaryConv2d):
        def __init__(self, channels: int) -> None:
            super().__init__(channels, channels, 3, padding=1)

    assert reasons(block(Named(16)), images()) == [None]


class SoftNorm(nn.BatchNorm2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).tanh()


class SoftPool(nn.MaxPool2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).tanh()


class Shifted(PlainSignActivation):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x + 1)


class Backwards(Clip):
    def __call__(self, x: Tensor) -> Tensor:
        return -super().__call__(x)


@pytest.mark.parametrize(
    "module",
    [
        ConvBlock(conv(), SoftNorm(16), nn.Hardtanh()),
        ConvBlock(conv(), SoftPool(2), nn.BatchNorm2d(16), nn.Hardtanh()),
        ConvBlock(nn.Conv2d(16, 16, 3, bias=False), SoftNorm(16), nn.Hardtanh()),
        block(conv(activation_binarizer=Shifted())),
        conv(activation_binarizer=Shifted()),
        conv(activation_binarizer=PlainSignActivation(Backwards())),
        BinaryLinear(6, 4, activation_binarizer=Shifted()),
        BinaryLinear(6, 4, weight_binarizer=Returns(RETURNED["scaled signs"])),
    ],
)
def test_nobody_s_own_code_is_passed_over(module: nn.Module) -> None:
    x = torch.randn(5, 6) if isinstance(module, BinaryLinear) else images()
    assert reasons(module, x)[0] is not None
    assert_as_reference(module, x)


def _register_on(kind: str) -> dict[str, Callable[[nn.Module, list[str]], Any]]:
    return {
        "forward": lambda m, seen: m.register_forward_hook(lambda *_: seen.append(kind)),
        "forward pre": lambda m, seen: m.register_forward_pre_hook(lambda *_: seen.append(kind)),
        "backward": lambda m, seen: m.register_full_backward_hook(lambda *_: seen.append(kind)),
        "backward pre": lambda m, seen: m.register_full_backward_pre_hook(
            lambda *_: seen.append(kind)
        ),
    }


@pytest.mark.parametrize("hook", _register_on(""))
@pytest.mark.parametrize(
    "name", ["stem.0", "stem.1", "conv1", "norm1", "nonlinearity1", "conv2", "pool", "norm2"]
)
def test_every_hook_of_every_module_is_called(hook: str, name: str) -> None:
    model = models.build("digits", methods.get("bnn"), classes=10, channels=1).train()
    seen: list[str] = []
    _register_on(name)[hook](model.get_submodule(name), seen)
    model(torch.randn(2, 1, 8, 8, requires_grad=True)).sum().backward()
    assert seen == [name]


@pytest.mark.parametrize("name", ["activation_binarizer", "activation_binarizer.squeeze"])
def test_hooks_inside_of_a_layer_are_called(name: str) -> None:
    layer = conv(activation_binarizer=ASD(16, 4))
    seen: list[str] = []
    layer.get_submodule(name).register_forward_hook(lambda *_: seen.append(name))
    block(layer)(images())
    assert seen == [name]


GLOBAL = {
    "forward": all_modules.register_module_forward_hook,
    "forward pre": all_modules.register_module_forward_pre_hook,
    "backward": all_modules.register_module_full_backward_hook,
    "backward pre": all_modules.register_module_full_backward_pre_hook,
}


@pytest.mark.parametrize("hook", GLOBAL)
def test_hooks_for_all_modules_are_called(hook: str) -> None:
    model = models.build("resnet20", methods.get("reactnet"), classes=10, channels=3).train()
    calls = []
    for native in (True, False):
        seen: list[str] = []
        handle = GLOBAL[hook](lambda m, *_, seen=seen: seen.append(type(m).__name__))
        try:
            with use_native_ops(native):
                model(torch.randn(2, 3, 32, 32, requires_grad=True)).sum().backward()
        finally:
            handle.remove()
        calls.append(seen)
    assert calls[0] == calls[1]
    assert {"BinaryConv2d", "BatchNorm2d", "PReLU"} <= {*calls[0]}


def test_a_hook_may_say_that_it_can_do_without() -> None:
    seen: list[str] = []

    @may_miss_calls
    def hook(module: nn.Module, *_: Any) -> None:
        seen.append(type(module).__name__)

    module = block()
    for part in module:
        part.register_forward_hook(hook)
    assert reasons(module, images()) == [None]
    assert not seen


def test_parametrizations_and_compiled_parts_are_not_passed_over() -> None:
    class Half(nn.Module):
        def forward(self, w: Tensor) -> Tensor:
            return w / 2

    module = block()
    parametrize.register_parametrization(module[1], "weight", Half())
    assert reasons(module, images())[0] == "ParametrizedBatchNorm2d is no BatchNorm2d"
    bent = RPReLU(16)
    parametrize.register_parametrization(bent.prelu, "weight", Half())
    assert reasons(bent, images()) == ["ParametrizedPReLU is no PReLU"]
    compiled = block()
    compiled[1].compile(backend="eager")
    assert reasons(compiled, images())[0] == "BatchNorm2d is compiled"
