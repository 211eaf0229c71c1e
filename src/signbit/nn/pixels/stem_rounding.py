"""Rounding a trained network's first convolution to int16: a step of the model, in PyTorch.

It changes the network a little, so it happens where the network can be evaluated; the engine then
runs what PyTorch ran, in exact integers.

A network sees normalised images n = (x / 255 − mean) / std of pixels x. Its stem, zero-padded, is

    y = Σ_inside w·n = Σ_inside v·(x − 255·mean)        with v = w / (255·std)

Rounded per filter, v ≈ q·W with integers W. A tap outside the image reads the pixel P, the integer
next to 255·mean, so that it contributes next to nothing, as it should. Over all taps then

    y ≈ q·Σ W·(x' − 255·mean) = q·D + shift             with D = Σ W·x', shift = −q·Σ W·255·mean

where x' is x inside and P outside. D is exact; q·W, not v, is in the shift, so that each weight's
error multiplies a pixel's distance from the mean, not the pixel. The error of y is

    Σ_inside (q·W − v)·(x − 255·mean) + Σ_outside q·W·(P − 255·mean)
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from signbit.bitformat.int16_stem import MAX_PIXEL, MAX_SUM, MAX_WEIGHT
from signbit.errors import InputError
from signbit.nn.pixels.pixel_conv import Pair, PixelConv2d

__all__ = ["renew_statistics", "round_conv", "round_stem"]


def round_stem(
    model: nn.Module,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    input_size: tuple[int, int, int],
) -> nn.Module:
    """A copy of the model, in evaluation mode, whose first convolution is an int16 stem.

    model: takes images of input_size (height, width, channels), normalised with mean and std (one
    per channel, in units of 0 … 1), as (N, C, H, W). The first convolution is the one `nn.Conv2d`
    that is called with them. Raises InputError naming it where it cannot be rounded, and where
    there is none or more than one.
    """
    rounded = copy.deepcopy(model).eval()
    name, conv = _stem(rounded, input_size)
    try:
        stem = round_conv(conv, mean, std)
    except InputError as error:
        raise InputError(f"{name or 'the model'}: cannot become an int16 stem: {error}") from error
    if conv is rounded:
        return stem.eval()
    for path, module in list(rounded.named_modules(remove_duplicate=False)):
        if module is conv:
            parent, _, attribute = path.rpartition(".")
            setattr(rounded.get_submodule(parent), attribute, stem.eval())
    return rounded


def renew_statistics(model: nn.Module, batches: Iterable[Tensor]) -> nn.Module:
    """A copy of the model, in evaluation mode, whose batch-norms have the statistics of its values.

    What stands in front of a batch-norm was changed, as by `round_stem`, so that its mean and
    variance are those of other values. batches: normalised images (N, C, H, W), as the model takes
    them. A batch-norm's mean and variance are the means of what the batches have, each batch
    counting alike; one without running statistics stays as it is, and everything else is in
    evaluation mode meanwhile. Raises InputError where there are no batches.
    """
    renewed = copy.deepcopy(model).eval()
    norms = [
        norm
        for norm in renewed.modules()
        if isinstance(norm, _BatchNorm) and norm.running_mean is not None
    ]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches
        norm.train()
    count = 0
    with torch.no_grad():
        for images in batches:
            renewed(images)
            count += 1
    if not count:
        raise InputError("batches: there are none, so that no statistics can be estimated")
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return renewed.eval()


def round_conv(conv: nn.Conv2d, mean: Sequence[float], std: Sequence[float]) -> PixelConv2d:
    """Round a convolution of images normalised with mean and std (one per channel, 0 … 1).

    Raises InputError where its padding is not zeros on both sides alike, where mean and std
    do not fit it, and where the mean is no pixel to pad with.
    """
    if not len(mean) == len(std) == conv.in_channels:
        raise InputError(
            f"mean and std must have one value for each of the {conv.in_channels} channels, "
            f"have {len(mean)} and {len(std)}"
        )
    device = conv.weight.device
    means = MAX_PIXEL * torch.tensor(mean, dtype=torch.float64, device=device)
    deviations = MAX_PIXEL * torch.tensor(std, dtype=torch.float64, device=device)
    padding = _zero_padding(conv)
    pad = means.round()
    if any(padding) and bool(((pad < 0) | (pad > MAX_PIXEL)).any()):
        raise InputError(
            f"an int16 stem pads with the pixel of the mean, which must be in 0 … 1, is {mean}"
        )
    weight = conv.weight.detach().double() / _by_weight(deviations, conv)
    if not bool(weight.isfinite().all()):
        raise InputError("it has a weight that is not finite, or a std of 0")
    integers, steps = _round(weight)
    shift = -steps * (integers * _by_weight(means, conv)).sum((1, 2, 3))
    if conv.bias is not None:
        shift += conv.bias.detach().double()
    return PixelConv2d(
        integers.to(torch.int16),
        steps.float(),
        shift.float(),
        pad.clamp(0, MAX_PIXEL).to(torch.uint8),
        mean,
        std,
        cast(Pair, conv.stride),
        padding,
        cast(Pair, conv.dilation),
        conv.groups,
    )


def _by_weight(values: Tensor, conv: nn.Conv2d) -> Tensor:
    """One value per input channel, laid out to multiply weights (out, in / groups, kh, kw)."""
    each = conv.out_channels // conv.groups
    return values.reshape(conv.groups, -1).repeat_interleave(each, 0)[:, :, None, None]


def _round(weight: Tensor) -> tuple[Tensor, Tensor]:
    """float64 (out, …) to whole numbers within the format's bounds, and each filter's step (out,).

    weight ≈ whole · step, off by half a step at most.
    """
    magnitudes = weight.abs().flatten(1)
    taps = magnitudes.shape[1]
    # Rounding adds up to half to each magnitude; one more covers the step's own rounding.
    most = MAX_SUM // MAX_PIXEL - taps / 2 - 1
    if most <= 0:
        raise InputError(f"an int16 stem cannot have {taps} weights per filter")
    steps = torch.maximum(magnitudes.amax(1) / MAX_WEIGHT, magnitudes.sum(1) / most)
    steps = steps.float().double()  # what the file holds
    # Weights too small for any step (all zeros, say) round to zeros with the step 1.
    steps = torch.where(steps < torch.finfo(torch.float32).tiny, 1.0, steps)
    whole = (weight / steps[:, None, None, None]).round().clamp(-MAX_WEIGHT, MAX_WEIGHT)
    return whole, steps


def _zero_padding(conv: nn.Conv2d) -> Pair:
    """The padding on each side, in pixels."""
    padding = conv.padding
    if isinstance(padding, str):
        spans = [d * (k - 1) for k, d in zip(conv.kernel_size, conv.dilation, strict=True)]
        padding = (0, 0) if padding == "valid" else (spans[0] // 2, spans[1] // 2)
        if conv.padding == "same" and any(span % 2 for span in spans):
            raise InputError('padding="same" with an even kernel pads one side more')
    if conv.padding_mode != "zeros" and any(padding):
        raise InputError(f"padding_mode={conv.padding_mode!r}; an int16 stem pads with zeros only")
    return cast(Pair, tuple(padding))


def _stem(model: nn.Module, input_size: tuple[int, int, int]) -> tuple[str, nn.Conv2d]:
    """The convolution that reads the images, and its path."""
    height, width, channels = input_size
    device = next((tensor.device for tensor in model.state_dict().values()), None)
    noise = torch.Generator().manual_seed(0)
    images = torch.randn(1, channels, height, width, generator=noise).to(device)
    original = images.clone()
    inputs: dict[str, list[bool]] = {}
    """Path of a convolution → for each of its calls, whether it read the images."""

    def watch(name: str) -> Any:
        def see(module: nn.Module, arguments: tuple[Any, ...]) -> None:
            read = arguments[0] if arguments else None
            same = isinstance(read, Tensor) and torch.equal(read, original)
            inputs.setdefault(name, []).append(same)

        return see

    convolutions = {n: m for n, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    handles = [m.register_forward_pre_hook(watch(n)) for n, m in convolutions.items()]
    try:
        with torch.no_grad():
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    found = [name for name, calls in inputs.items() if any(calls)]
    if len(found) != 1:
        number = "no" if not found else f"more than one ({', '.join(found)})"
        raise InputError(
            f"{number} nn.Conv2d reads the images; an int16 stem takes the place of exactly one"
        )
    (name,) = found
    conv = convolutions[name]
    if len(inputs[name]) > 1:
        raise InputError(
            f"{name}: is called {len(inputs[name])} times; a stem reads the images once"
        )
    plain = (nn.Conv2d.forward, nn.Conv2d._conv_forward)
    if (type(conv).forward, type(conv)._conv_forward) != plain:
        raise InputError(
            f"{name}: {type(conv).__name__} computes more than a plain convolution; "
            "it cannot become an int16 stem"
        )
    return name, conv
