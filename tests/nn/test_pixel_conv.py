"""The pixel convolution against loops over integers, and what is around it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.runtime import oracle
from torch import nn

from signbit.errors import InputError
from signbit.nn.pixels.pixel_conv import PixelConv2d, pixel_sums, recover_pixels

MEAN = (0.49, 0.31, 0.0, 1.0)
STD = (0.25, 0.07, 1.0, 3.0)


def normalised(pixels: np.ndarray) -> torch.Tensor:
    """(x / 255 − mean) / std of (N, H, W, 4) as (N, 4, H, W), in float32 step by step."""
    unit = pixels.astype(np.float32) / np.float32(255)
    images = (unit - np.float32(MEAN)) / np.float32(STD)
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def layer(seed: int = 0, out: int = 6, **geometry: Any) -> PixelConv2d:
    rng = np.random.default_rng(seed)
    per_group = 4 // geometry.get("groups", 1)
    kernel = geometry.pop("kernel", (3, 2))
    return PixelConv2d(
        torch.from_numpy(rng.integers(-8191, 8192, (out, per_group, *kernel)).astype(np.int16)),
        torch.from_numpy(rng.standard_normal(out).astype(np.float32)),
        torch.from_numpy(rng.standard_normal(out).astype(np.float32)),
        torch.from_numpy(rng.integers(0, 256, 4).astype(np.uint8)),
        MEAN,
        STD,
        **geometry,
    )


GEOMETRIES: list[dict[str, Any]] = [
    {},
    {"padding": (1, 1)},
    {"stride": (2, 3), "padding": (2, 1), "dilation": (1, 2)},
    {"groups": 2, "padding": (0, 2), "kernel": (1, 5)},
    {"groups": 4, "out": 8, "padding": (3, 3), "kernel": (7, 7), "stride": (2, 2)},
]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_sums_are_the_oracle_s(geometry: dict[str, Any]) -> None:
    stem = layer(**geometry)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 9, 8, 4)).astype(np.uint8)
    windows = stem.stride, stem.padding, stem.dilation, stem.groups
    sums = pixel_sums(normalised(pixels), stem.weight, stem.pad, MEAN, STD, *windows)
    weight = stem.weight.numpy().transpose(0, 2, 3, 1)
    expected = oracle.pixel_conv(pixels, weight, stem.pad.numpy(), *windows)
    assert sums.dtype == torch.float64
    np.testing.assert_array_equal(sums.numpy().transpose(0, 2, 3, 1), expected)
    result = stem(normalised(pixels))
    assert result.dtype == torch.float32
    assert result.shape == sums.shape
    scaled = expected.astype(np.float32) * stem.scale.numpy() + stem.shift.numpy()
    np.testing.assert_array_equal(result.numpy().transpose(0, 2, 3, 1), scaled)


def test_sums_beyond_float32_are_exact() -> None:
    """Bright pixels on the largest weights: near 2³¹ every unit counts."""
    weight = torch.full((1, 4, 16, 16), 8191, dtype=torch.int16)
    images = normalised(np.full((1, 16, 16, 4), 255, np.uint8))
    pad = torch.zeros(4, dtype=torch.uint8)
    sums = pixel_sums(images, weight, pad, MEAN, STD, (1, 1), (0, 0), (1, 1), 1)
    assert sums.item() == 255 * 8191 * 1024


def test_every_pixel_is_recovered() -> None:
    pixels = np.tile(np.arange(256, dtype=np.uint8)[:, None], (1, 1, 1, 4)).reshape(1, 256, 1, 4)
    found = recover_pixels(normalised(pixels), MEAN, STD)
    np.testing.assert_array_equal(found.numpy().transpose(0, 2, 3, 1), pixels)
    beyond = torch.tensor([-40.0, 40.0]).reshape(1, 1, 1, 2)
    assert recover_pixels(beyond, [0.5], [0.5]).ravel().tolist() == [0, 255]


def test_it_is_one_named_operation() -> None:
    stem = layer(padding=(1, 1)).eval()
    images = normalised(np.zeros((2, 9, 8, 4), np.uint8))
    program = torch.export.export(stem, (images,))
    names = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert names == ["signbit.pixel_conv2d.default"]
    arguments = (images, stem.weight, stem.scale, stem.shift, stem.pad, MEAN, STD)
    windows = ([1, 1], [1, 1], [1, 1], 1)
    tests = ("test_schema", "test_faketensor")
    torch.library.opcheck(
        torch.ops.signbit.pixel_conv2d.default, (*arguments, *windows), test_utils=tests
    )


def test_autocast_leaves_it_alone() -> None:
    stem = layer(padding=(1, 1))
    images = normalised(np.random.default_rng(2).integers(0, 256, (1, 9, 8, 4)).astype(np.uint8))
    with torch.autocast("cpu", torch.bfloat16):
        result = stem(images)
    assert torch.equal(result, stem(images))


def test_it_has_no_gradient_and_the_rest_has() -> None:
    stem = layer()
    images = normalised(np.zeros((1, 9, 8, 4), np.uint8))
    with pytest.raises(NotImplementedError, match=r"no gradient.*round it afterwards"):
        stem(images.requires_grad_()).sum().backward()
    network = nn.Sequential(stem, nn.Conv2d(6, 2, 1))
    network(images.detach()).sum().backward()
    assert network[1].weight.grad is not None
    assert list(stem.parameters()) == []


def test_it_is_saved_and_shown() -> None:
    stem, other = layer(1, padding=(1, 1)), layer(2, padding=(1, 1))
    other.load_state_dict(stem.state_dict())
    images = normalised(np.full((1, 9, 8, 4), 77, np.uint8))
    assert torch.equal(stem(images), other(images))
    assert repr(stem) == (
        "PixelConv2d(4, 6, kernel_size=(3, 2), stride=(1, 1), padding=(1, 1), "
        "dilation=(1, 1), groups=1)"
    )


@pytest.mark.parametrize("shape", [(4, 9, 8), (1, 3, 9, 8)])
def test_refuses_other_images(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"PixelConv2d expects \(N, 4, H, W\)"):
        layer()(torch.zeros(shape))


@pytest.mark.parametrize("name", ["weight", "scale", "shift", "pad"])
def test_refuses_other_types(name: str) -> None:
    tensors = layer().state_dict()
    tensors[name] = tensors[name].to(torch.int32)
    with pytest.raises(InputError, match=f"PixelConv2d: {name} must be torch"):
        PixelConv2d(**tensors, mean=MEAN, std=STD)
