"""Layers whose input signs are the same for every image are refused; those that vary compile."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.nets import compiled, network, randomise
from torch import Tensor, nn

from signbit.compiler import compile_model
from signbit.errors import CompileError
from signbit.nn.binarizers import ASD, RealActivation, RealWeight, RSign
from signbit.nn.layers import BinaryConv2d, BinaryLinear

SIZE = (8, 8, 3)


class Between(nn.Module):
    """A stem, a function, a binary layer."""

    def __init__(self, function: Callable[[Tensor], Tensor], layer: nn.Module | None = None):
        super().__init__()
        torch.manual_seed(4)
        self.stem = nn.Conv2d(3, 4, 3)
        self.act = Call(function)
        self.layer = layer or BinaryConv2d(4, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(self.act(self.stem(x)))
        return y


class Call(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


CONSTANT: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "clamp": lambda x: x.clamp(min=0),
    "sigmoid": torch.sigmoid,
    "magnitude": torch.abs,
    "prelu of negative slope": lambda x: F.prelu(x, torch.tensor([-0.5])),
    "negative everywhere": lambda x: -F.relu(x) - 1,
    "scaled and moved up": lambda x: 0.5 * F.relu(x) + 2,
    "hardtanh behind it": lambda x: F.hardtanh(F.relu(x)),
    "max pool of it": lambda x: F.max_pool2d(F.relu(x), 2, 1, 1),
    "average pool of it": lambda x: F.avg_pool2d(F.relu(x), 2),
    "sum of two": lambda x: F.relu(x) + torch.sigmoid(x),
    "sum with its mean": lambda x: F.relu(x) + F.relu(x).mean((2, 3), keepdim=True),
    "map of magnitudes": lambda x: F.relu(x) * x.abs().mean(1, keepdim=True),
    "subsampled": lambda x: F.relu(x)[:, :, ::2, ::2],
    "convolution of positive weights": lambda x: F.conv2d(F.relu(x), torch.ones(4, 4, 1, 1)),
    "one sign per channel": lambda x: x * 0 + torch.tensor([1.0, -1.0, 2.0, -3.0])[:, None, None],
}


@pytest.mark.parametrize("name", list(CONSTANT))
def test_refuses(name: str) -> None:
    with pytest.raises(CompileError) as caught:
        compiled(Between(CONSTANT[name]).eval(), SIZE)
    (refusal,) = caught.value.refusals
    assert (refusal.where, refusal.operation) == ("layer", "signbit.binary_conv2d")
    assert refusal.reason.startswith("every sign of its input is the same for all images: act (")
    assert "\n" not in str(caught.value)


VARYING: dict[str, Callable[[Tensor], Tensor]] = {
    "nothing": lambda x: x,
    "moved down": lambda x: F.relu(x) - 0.5,
    "hardtanh": F.hardtanh,
    "leaky relu": lambda x: F.leaky_relu(x, 0.1),
    "prelu": lambda x: F.prelu(x, torch.tensor([0.1, 0.0, 0.0, 0.0])),
    "shortcut around it": lambda x: F.relu(x) + x,
    "convolution behind it": lambda x: F.conv2d(
        F.relu(x), torch.linspace(-1, 1, 16).view(4, 4, 1, 1)
    ),
    "one channel left": lambda x: F.relu(x) - torch.tensor([0.0, 0.0, 1.0, 0.0])[:, None, None],
    "magnitude moved down": lambda x: x.abs() - 1,
    "average moved down": lambda x: F.avg_pool2d(F.relu(x), 2) - 1,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(VARYING))
def test_compiles_what_varies(name: str) -> None:
    compiled(Between(VARYING[name]).eval(), SIZE)


def test_the_message_names_the_relu_and_the_cure() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), BinaryConv2d(4, 8, 3)
    )
    with pytest.raises(CompileError) as caught:
        compiled(randomise(model), SIZE)
    assert str(caught.value) == (
        "4 (signbit.binary_conv2d): every sign of its input is the same for all images: "
        "2 (aten.relu) lets nothing negative through, or nothing else; leave it out, put it behind "
        "the layer, or take one that keeps the sign (Hardtanh, RPReLU)"
    )


@pytest.mark.parametrize(
    "layer",
    [
        BinaryConv2d(4, 8, 3, groups=2),
        BinaryConv2d(4, 8, 3, weight_binarizer=RealWeight()),
        BinaryConv2d(4, 8, 3, activation_binarizer=ASD(4)),
        nn.Sequential(nn.Flatten(), BinaryLinear(4 * 36, 5)),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), BinaryLinear(4, 5)),
    ],
    ids=["groups", "real weights", "self-distribution", "linear", "vector"],
)
def test_every_layer_that_reads_signs(layer: nn.Module) -> None:
    with pytest.raises(CompileError, match=r"act \(aten\.relu\)"):
        compiled(Between(F.relu, layer).eval(), SIZE)


def test_a_layer_that_reads_reals_may_follow_a_relu() -> None:
    layer = BinaryConv2d(4, 8, 3, activation_binarizer=RealActivation())
    compiled(Between(F.relu, layer).eval(), SIZE)


def test_a_batch_norm_that_is_dead_in_all_channels_or_in_some() -> None:
    norm = nn.BatchNorm2d(4)
    model = randomise(nn.Sequential(nn.Conv2d(3, 4, 3), norm, BinaryConv2d(4, 8, 3)))
    assert norm.running_mean is not None
    with torch.no_grad():
        norm.weight[1:] = 0
        norm.bias[0] = norm.running_mean[0] = 0
    compiled(model, SIZE)
    with torch.no_grad():
        norm.weight.zero_()
    with pytest.raises(CompileError, match=r"1 \(aten\.batch_norm\) yields values of one sign"):
        compiled(model, SIZE)


@pytest.mark.parametrize("middle", [nn.BatchNorm2d(4), nn.Identity()])
def test_what_training_will_move_is_no_fault_yet(middle: nn.Module) -> None:
    """XNOR-Net's order, and ReActNet's threshold, before the first step."""
    binarizer = RSign(4) if isinstance(middle, nn.Identity) else None
    layer = BinaryConv2d(4, 8, 3, activation_binarizer=binarizer)
    compiled(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), middle, layer).eval(), SIZE)


def test_a_trained_batch_norm_behind_a_relu_counts_as_it_is() -> None:
    norm = nn.BatchNorm2d(4)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), norm, BinaryConv2d(4, 8, 3)).eval()
    assert norm.running_mean is not None
    norm.running_mean.fill_(0.5)
    compiled(layers, SIZE)
    norm.running_mean.fill_(-0.5)
    with pytest.raises(CompileError, match=r"1 \(aten\.relu\)"):
        compiled(layers, SIZE)


@pytest.mark.parametrize(("mean", "dead"), [(0.0, True), (0.3, False)])
def test_pixels_that_are_not_normalised(mean: float, dead: bool) -> None:
    def result() -> object:
        return compile_model(
            BinaryConv2d(1, 8, 3).eval(),
            input_size=(8, 8, 1),
            mean=[mean],
            std=[1 / 255],
            class_names=(),
            resize_shorter_side=8,
        )

    if dead:
        with pytest.raises(CompileError, match=r"pixels are 0 to 255 and the mean is 0"):
            result()
    else:
        assert result()


def test_a_dead_branch_of_the_export_is_no_layer() -> None:
    class Unread(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = Between(F.hardtanh)
            self.unread = Between(F.relu)

        def forward(self, x: Tensor) -> Tensor:
            self.unread(x)
            y: Tensor = self.body(x)
            return y

    compiled(Unread().eval(), SIZE)


def test_a_relu_put_into_one_of_our_networks() -> None:
    model = network("digits", "bnn", (8, 8, 1))
    compiled(model, (8, 8, 1))
    model.stem[2] = nn.ReLU()
    with pytest.raises(CompileError, match=r"conv1 .*stem\.2 \(aten\.relu\)"):
        compiled(model.eval(), (8, 8, 1))
