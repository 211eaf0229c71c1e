"""Rounding a stem: within its bound of the float one, in the right place, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.compiler.nets import MEAN, STD, network, pixels
from torch import Tensor, nn

from signbit.bitformat.int16_stem import MAX_SUM
from signbit.errors import InputError
from signbit.nn.pixels.pixel_conv import PixelConv2d
from signbit.nn.pixels.stem_rounding import renew_statistics, round_conv, round_stem


def float64(conv: nn.Conv2d, images: np.ndarray) -> tuple[Tensor, Tensor]:
    """The convolution in float64 on normalised images, and the largest error of its rounding.

    A filter's step q rounds each weight by q/2 at most, which a pixel's distance from the mean
    multiplies; a tap outside has q·|W| times the distance of the padding pixel.
    """
    channels = images.shape[3]
    mean = 255 * torch.tensor(MEAN[:channels], dtype=torch.float64).reshape(-1, 1, 1)
    std = 255 * torch.tensor(STD[:channels], dtype=torch.float64).reshape(-1, 1, 1)
    centred = torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float64)) - mean
    weight = conv.weight.detach().double()
    bias = None if conv.bias is None else conv.bias.detach().double()
    geometry = (conv.stride, conv.padding, conv.dilation, conv.groups)
    exact = F.conv2d(centred / std, weight, bias, *geometry)
    rounded = round_conv(conv, MEAN[:channels], STD[:channels])
    step = rounded.scale.double().reshape(-1, 1, 1)
    inside = F.conv2d(centred.abs(), torch.ones_like(weight), None, *geometry) * step / 2
    whole = rounded.weight.double().abs()
    outside = F.conv2d(torch.ones_like(centred), whole, None, *geometry)
    missing = whole.sum((1, 2, 3)).reshape(-1, 1, 1) - outside
    off = (mean.round() - mean).abs().max()
    return exact, inside + missing * step * off


CONVOLUTIONS: list[dict[str, Any]] = [
    {"kernel_size": 3, "padding": 1, "bias": False},
    {"kernel_size": 7, "stride": 2, "padding": 3},
    {"kernel_size": (3, 5), "padding": "same", "dilation": 2},
    {"kernel_size": 2, "padding": "valid", "groups": 3},
    {"kernel_size": 1, "padding": 0, "padding_mode": "reflect"},
]


@pytest.mark.parametrize("arguments", CONVOLUTIONS)
def test_the_error_is_within_its_bound(arguments: dict[str, Any]) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 12, **arguments)
    with torch.no_grad():
        conv.weight *= torch.logspace(-3, 3, 12).reshape(-1, 1, 1, 1)
    images = pixels(4, (11, 12, 3))
    exact, bound = float64(conv, images)
    stem = round_conv(conv, MEAN, STD)
    unit = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).float() / 255
    normalised = (unit - torch.tensor(MEAN).reshape(-1, 1, 1)) / torch.tensor(STD).reshape(-1, 1, 1)
    result = stem(normalised).double()
    assert result.shape == exact.shape
    # float32 rounds the sum, the product and the shift on top: by the largest of them, not more.
    largest = (result - stem.shift.double().reshape(-1, 1, 1)).abs().amax((0, 2, 3)) + 1
    slack = 4 * largest.reshape(-1, 1, 1) * 2**-23
    assert bool(((result - exact).abs() <= bound + slack).all())
    relative = (result - exact).abs().amax((0, 2, 3)) / exact.abs().amax((0, 2, 3))
    assert float(relative.max()) < 0.02
    assert stem.weight.abs().amax((1, 2, 3)).tolist() == [8191] * 12


def test_steps_keep_sums_in_32_bits() -> None:
    """Equal weights use the whole sum, a lone one the whole weight."""
    conv = nn.Conv2d(3, 3, 21, bias=False)
    with torch.no_grad():
        conv.weight.fill_(0.25)
        conv.weight[1, :, 1:] = 0
        conv.weight[2] = -conv.weight[2]
    stem = round_conv(conv, MEAN, (0.2, 0.2, 0.2))
    sums = 255 * stem.weight.long().abs().sum((1, 2, 3))
    assert bool((sums <= MAX_SUM).all())
    assert int(sums[0]) > 0.99 * MAX_SUM
    assert int(sums[0]) == int(sums[2])
    assert int(stem.weight[1].max()) == 8191


def test_filters_of_zeros() -> None:
    conv = nn.Conv2d(1, 2, 3)
    with torch.no_grad():
        conv.weight[0] = 0
        conv.weight[1] = 1e-44
    stem = round_conv(conv, MEAN[:1], STD[:1])
    assert not stem.weight.any()
    assert stem.scale.tolist() == [1, 1]
    assert torch.equal(stem.shift, conv.bias)


class Named(nn.Module):
    """The stem is neither first nor called so."""

    def __init__(self, **stem: Any) -> None:
        super().__init__()
        self.head = nn.Conv2d(8, 4, 3)
        self.body = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU())
        arguments = {"kernel_size": 3, "padding": 1}
        self.entry = nn.ModuleDict({"conv": nn.Conv2d(3, 8, **(arguments | stem))})

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(self.entry["conv"](x.contiguous()))).mean((2, 3))


def rounded(model: nn.Module, size: tuple[int, int, int] = (8, 8, 3)) -> nn.Module:
    return round_stem(model, MEAN[: size[2]], STD[: size[2]], input_size=size)


def test_the_convolution_that_reads_the_images_is_found() -> None:
    model = Named().train()
    result = rounded(model)
    assert isinstance(result.entry["conv"], PixelConv2d)
    assert isinstance(result.head, nn.Conv2d)
    assert not any(module.training for module in result.modules())
    # The model that was given stays as it is.
    assert isinstance(model.entry["conv"], nn.Conv2d)
    assert all(module.training for module in model.modules())
    assert not model.entry["conv"]._forward_pre_hooks
    assert result.head.weight is not model.head.weight


def test_a_model_that_is_a_convolution() -> None:
    assert isinstance(rounded(nn.Conv2d(3, 2, 3)), PixelConv2d)


def test_every_name_of_the_stem_is_replaced() -> None:
    model = Named()
    model.again = model.entry["conv"]
    result = rounded(model)
    assert result.again is result.entry["conv"]
    assert isinstance(result.again, PixelConv2d)


@pytest.mark.parametrize(
    ("architecture", "size"), [("digits", (8, 8, 1)), ("resnet20", (32, 32, 3))]
)
def test_our_networks(architecture: str, size: tuple[int, int, int]) -> None:
    result = rounded(network(architecture, "bnn", size), size)
    assert sum(isinstance(module, PixelConv2d) for module in result.modules()) == 1


class Twice(nn.Module):
    def __init__(self, apart: bool) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 3, 1)
        self.two = nn.Conv2d(3, 3, 1) if apart else self.one
        self.apart = apart

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x) + self.two(x) if self.apart else self.two(self.one(x))


class Shifted(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) + 1


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel")
@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(192, 2)), "^no nn.Conv2d reads the images"),
        (nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1)), "^no nn.Conv2d reads the images"),
        (Twice(apart=True), r"^more than one \(one, two\) nn.Conv2d reads the images"),
        (Twice(apart=False), "^one: is called 2 times"),
        (nn.Sequential(Shifted(3, 2, 1)), "^0: Shifted computes more than a plain convolution"),
        (Named(padding_mode="reflect"), "^entry.conv: cannot .* padding_mode='reflect'"),
        (Named(kernel_size=2, padding="same"), "^entry.conv: cannot .* pads one side more"),
    ],
)
def test_refusals(model: nn.Module, message: str) -> None:
    with pytest.raises(InputError, match=message):
        rounded(model)


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        ((0.5,), (0.5,), "one value for each of the 3 channels, have 1 and 1"),
        ((0.5, 0.5, 1.01), (1, 1, 1), "must be in 0 … 1"),
        ((0.5, -0.01, 0.5), (1, 1, 1), "must be in 0 … 1"),
        ((0.5, 0.5, 0.5), (1, 0, 1), "a std of 0"),
    ],
)
def test_normalisations_that_do_not_fit(mean: Any, std: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        round_conv(nn.Conv2d(3, 2, 3, padding=1), mean, std)


def test_without_padding_any_mean_will_do() -> None:
    assert round_conv(nn.Conv2d(1, 2, 3), (1.5,), (1,)).pad.tolist() == [255]


def test_weights_that_are_not_finite() -> None:
    conv = nn.Conv2d(1, 1, 1)
    with torch.no_grad():
        conv.weight.fill_(float("nan"))
    with pytest.raises(InputError, match="not finite"):
        round_conv(conv, (0.5,), (0.5,))


class Normalised(nn.Module):
    """Batch-norms of every kind, and what would draw numbers or learn in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.first = nn.BatchNorm2d(4, momentum=0.3)
        self.without = nn.BatchNorm2d(4, track_running_stats=False)
        self.dropout = nn.Dropout(0.5)
        self.second = nn.BatchNorm1d(4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.without(self.first(self.conv(x))).relu()
        y: Tensor = self.second(self.dropout(x.mean((2, 3))))
        return y


def test_statistics_are_the_means_of_the_batches() -> None:
    model = Normalised()
    with torch.no_grad():
        model.first.running_mean.fill_(7)
    batches = [torch.randn(5, 3, 6, 7), 2 * torch.randn(3, 3, 6, 7)]
    renewed = renew_statistics(model, iter(batches))
    with torch.no_grad():
        values = [model.conv(batch) for batch in batches]
    means = torch.stack([each.mean((0, 2, 3)) for each in values])
    variances = torch.stack([each.var((0, 2, 3)) for each in values])
    torch.testing.assert_close(renewed.first.running_mean, means.mean(0))
    torch.testing.assert_close(renewed.first.running_var, variances.mean(0))
    assert renewed.first.momentum == 0.3
    assert not any(module.training for module in renewed.modules())
    # Nothing was drawn: the same batches give the same statistics.
    again = renew_statistics(model, batches)
    torch.testing.assert_close(again.second.running_var, renewed.second.running_var, rtol=0, atol=0)
    assert model.training
    assert (model.first.running_mean == 7).all()
    with pytest.raises(InputError, match="batches: there are none"):
        renew_statistics(model, [])
