"""Native ops stand in for nothing that they would change, and for nobody who listens."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules import module as all_modules
from torch.nn.utils import parametrize

from signbit import methods, models
from signbit.fast import use_native_ops
from signbit.nn.binarizers import ASD, BinaryWeight, PlainSignActivation
from signbit.nn.binarizers.weights import WeightBinarizer
from signbit.nn.blocks import ConvBlock, normalised_conv
from signbit.nn.choices import recorded_choices
from signbit.nn.estimators import EDE, Clip, Estimator, Identity, Polynomial, sign
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.nn.nonlinearities import Maxout, RPReLU
from signbit.nn.select import may_miss_calls


def conv(channels: int = 16, out: int = 16, **binarizers: Any) -> BinaryConv2d:
    return BinaryConv2d(channels, out, 3, padding=1, **binarizers)


def block(layer: nn.Module | None = None, *, pool: bool = False) -> ConvBlock:
    pools = [nn.MaxPool2d(2)] if pool else []
    return ConvBlock(layer or conv(), *pools, nn.BatchNorm2d(16), nn.Hardtanh())


def images() -> Tensor:
    return torch.randn(3, 16, 6, 6)


def reasons(module: nn.Module, x: Tensor) -> list[str | None]:
    with recorded_choices() as choices:
        module(x)
    return [choice.reason for choice in choices]


def assert_as_reference(module: nn.Module, x: Tensor, rtol: float = 1e-5) -> None:
    """Results, running statistics and gradients as with native ops switched off."""
    found = []
    for native in (True, False):
        one, leaf = copy.deepcopy(module), x.clone().requires_grad_()
        with use_native_ops(native):
            y = one(leaf)
            y.backward(torch.arange(y.numel()).reshape(y.shape).sin())
        gradients = [p.grad for p in one.parameters() if p.grad is not None]
        found.append([y.detach(), leaf.grad, *gradients, *(b.float() for b in one.buffers())])
    for mine, theirs in zip(*found, strict=True):
        scale = float(theirs.abs().nan_to_num().max()) + 1e-6
        torch.testing.assert_close(mine, theirs, rtol=rtol, atol=10 * rtol * scale, equal_nan=True)


class Returns(WeightBinarizer):
    """Whatever `make` makes of a weight: nothing on the class says what that is."""

    def __init__(self, make: Callable[[Tensor], BinaryWeight]) -> None:
        super().__init__()
        self.make = make
        self.scale = nn.Parameter(torch.rand(16))
        self.calls = 0

    def forward(self, weight: Tensor) -> BinaryWeight:
        self.calls += 1
        return self.make(weight)


def _with_zero(weight: Tensor) -> Tensor:
    return torch.sign(weight * (weight.detach().abs() > 0.01))


RETURNED = {
    "offset": lambda w: BinaryWeight(sign(w, "clip"), None, w.mean((1, 2, 3))),
    "zeros": lambda w: BinaryWeight(_with_zero(w) + 0 * w),
    "scaled signs": lambda w: BinaryWeight(0.5 * sign(w, "clip")),
    "reals": lambda w: BinaryWeight(w),
    "NaN": lambda w: BinaryWeight(sign(w, "clip") * torch.where(w == w.max(), torch.nan, 1.0)),
    "one scale for all": lambda w: BinaryWeight(sign(w, "clip"), w.abs().mean().reshape(1)),
}


@pytest.mark.parametrize("name", RETURNED)
@pytest.mark.parametrize("around", [lambda layer: layer, block])
def test_what_a_weight_binarizer_returned_decides(name: str, around: Any) -> None:
    module = around(conv(weight_binarizer=Returns(RETURNED[name])))
    assert all(reason is not None for reason in reasons(module, images()))
    assert_as_reference(module, images())
    if name == "offset":  # training and evaluation compute the same
        layer = conv(weight_binarizer=Returns(RETURNED[name]))
        x = images()
        torch.testing.assert_close(layer.train()(x), layer.eval()(x))


def test_a_learned_scale_gets_its_gradient_in_a_block() -> None:
    layer = conv()
    layer.weight_binarizer = Returns(
        lambda w: BinaryWeight(sign(w, "clip"), layer.weight_binarizer.scale)
    )
    block(layer)(images()).square().sum().backward()
    assert layer.weight_binarizer.scale.grad is not None
    assert layer.weight_binarizer.calls == 1  # binarized once, whichever way it goes


def test_every_call_binarizes_once() -> None:
    for make in RETURNED.values():
        layer = conv(weight_binarizer=Returns(make))
        block(layer)(images())
        assert layer.weight_binarizer.calls == 1


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


def test_a_single_value_a_channel_is_refused_as_pytorch_does() -> None:
    modules = [block(), block(nn.Conv2d(16, 16, 3, padding=1, bias=False)), block(pool=True)]
    for module, size in zip(modules, (1, 1, 2), strict=True):
        x = torch.randn(1, 16, size, size)
        before = [buffer.clone() for buffer in module.buffers()]
        for native in (True, False):
            with use_native_ops(native), pytest.raises(ValueError, match="more than 1 value"):
                copy.deepcopy(module)(x)
        module(torch.randn(2, 16, size, size))
        assert len(before) > 0


NAN_LAYERS = {
    "convolution": lambda e: conv(activation_binarizer=PlainSignActivation(e)),
    "unit": lambda e: block(conv(activation_binarizer=PlainSignActivation(e))),
    "groups": lambda e: BinaryConv2d(
        16, 16, 3, groups=4, activation_binarizer=PlainSignActivation(e)
    ),
    "rprelu": lambda e: RPReLU(16),
    "maxout": lambda e: Maxout(16),
}


@pytest.mark.parametrize("layer", NAN_LAYERS)
@pytest.mark.parametrize("estimator", [Identity(), Clip(), Polynomial(), EDE(0.9, 0.9)])
def test_gradients_at_nan_and_infinity_are_pytorch_s(layer: str, estimator: Estimator) -> None:
    x = torch.randn(3, 16, 6, 6)
    x[0, 0, 0, :3] = torch.tensor([torch.nan, torch.inf, -torch.inf])
    x[1, 5, 2, :4] = torch.tensor([1.0, -1.0, 1 + 2**-23, -torch.nan])
    assert_as_reference(NAN_LAYERS[layer](estimator), x, rtol=1e-4)


def test_a_nan_in_a_linear_layer_has_pytorch_s_gradient() -> None:
    x = torch.randn(4, 16)
    x[0, 0] = torch.nan
    assert_as_reference(BinaryLinear(16, 8), x)


def test_maxout_s_gradient_at_nan_is_that_of_its_formula() -> None:
    bent = Maxout(2)
    x = torch.tensor([[torch.nan, -1.0], [0.0, -0.0], [-1e-45, 1e-45]], requires_grad=True)
    bent(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1.0, 0.25], [1.0, 1.0], [0.25, 1.0]]


def test_a_shortcut_of_another_shape_is_pytorch_s_business() -> None:
    layer, norm = conv(), nn.BatchNorm2d(16)
    x = torch.randn(3, 16, 4, 6)
    one_a_channel = torch.randn(16, 1, 1)
    y = normalised_conv(layer, norm, nn.Identity(), x, one_a_channel)
    with use_native_ops(False):
        other = normalised_conv(layer, nn.BatchNorm2d(16), nn.Identity(), x, one_a_channel)
    torch.testing.assert_close(y, other)
    with pytest.raises(RuntimeError, match="must match"):
        normalised_conv(layer, norm, nn.Identity(), x, torch.randn(3, 16, 6, 4))


@pytest.mark.parametrize("batch", [torch.zeros(0, 16, 4, 4), torch.zeros(16, 4, 4)])
def test_odd_batches_are_pytorch_s_business(batch: Tensor) -> None:
    results = []
    for native in (True, False):
        with use_native_ops(native):
            try:
                results.append(block(nn.Conv2d(16, 16, 3, bias=False))(batch).shape)
            except (RuntimeError, ValueError) as error:
                results.append(str(error))
    assert results[0] == results[1]


def test_transformations_are_pytorch_s_business() -> None:
    module, x = block(), images()
    with torch.autograd.forward_ad.dual_level():
        assert reasons(module, x)[0] == "forward-mode derivatives are being computed"
    with torch.device("cpu"):
        assert reasons(module, x)[0] == "a torch mode watches or changes operations"
    maxout = Maxout(16).requires_grad_(False)
    together = torch.func.vmap(maxout)(torch.stack([x, x]))
    assert torch.equal(together[0], maxout(x))


@pytest.mark.slow
@pytest.mark.parametrize("native", [True, False])
def test_a_depthwise_network_learns_digits(native: bool) -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = torch.from_numpy(digits.images).float().div(8).sub(1).unsqueeze(1)
    labels = torch.from_numpy(digits.target)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        BinaryConv2d(32, 32, 3, padding=1, groups=32),
        nn.BatchNorm2d(32),
        BinaryConv2d(32, 32, 3, stride=2, padding=1, groups=4),
        nn.BatchNorm2d(32),
        BinaryConv2d(32, 64, 3, stride=2, groups=1),
        nn.BatchNorm2d(64),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    with use_native_ops(native):
        for _ in range(6):
            for batch in torch.randperm(1500).split(100):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x[batch]), labels[batch]).backward()
                optimizer.step()
        model.eval()
        right = model(x[1500:]).argmax(1) == labels[1500:]
    assert float(right.float().mean()) > 0.7
