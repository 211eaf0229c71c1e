"""Matrices against Pillow and kornia."""

from __future__ import annotations

import kornia
import numpy as np
import pytest
import torch
from PIL import Image

from signbit.data.pixels.resample import blurring, mixed, scaling


@pytest.mark.parametrize("side", [24, 40, 100])
@pytest.mark.parametrize("out", [16, 32])
def test_windows_are_scaled_as_pillow_does(side: int, out: int) -> None:
    """One matrix for each image; the picture is real, so that Pillow rounds nothing."""
    random = np.random.default_rng(side)
    pictures = random.uniform(0, 1, (3, side, side)).astype(np.float32)
    starts, lengths = torch.tensor([0.0, 3.0, 7.0]), torch.tensor([float(side), 11.0, 17.0])
    rows, columns = scaling(starts, lengths, side, out), scaling(starts, lengths, side, out + 4)
    result = mixed(torch.from_numpy(pictures)[:, None], rows, columns)
    assert result.shape == (3, 1, out, out + 4)
    for image, start, length, scaled in zip(
        pictures, starts.int().tolist(), lengths.int().tolist(), result, strict=True
    ):
        window = (start, start, start + length, start + length)
        expected = (
            Image.fromarray(image)
            .crop(window)
            .resize((out + 4, out), resample=Image.Resampling.BILINEAR)
        )
        np.testing.assert_allclose(scaled[0].numpy(), np.asarray(expected), atol=2e-6)


def test_a_window_of_the_size_of_the_result_is_cut_out() -> None:
    weights = scaling(torch.tensor([2.0]), torch.tensor([5.0]), 9, 5)
    assert torch.equal(weights[0], torch.eye(9)[2:7])


@pytest.mark.parametrize("sigma", [0.1, 0.8, 2.0])
def test_blurs_are_kornias(sigma: float) -> None:
    images = torch.rand(2, 3, 20, 14, dtype=torch.float64)
    sigmas = torch.full((2,), sigma, dtype=torch.float64)
    result = mixed(images, blurring(sigmas, 20), blurring(sigmas, 14))
    expected = kornia.filters.gaussian_blur2d(
        images, (17, 17), (sigma, sigma), border_type="replicate"
    )
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


def test_each_image_has_its_own_blur_and_none_is_none() -> None:
    images = torch.rand(3, 1, 12, 12)
    sigmas = torch.tensor([0.0, 0.5, 2.0])
    matrix = blurring(sigmas, 12)
    result = mixed(images, matrix, matrix)
    assert torch.equal(result[0], images[0])
    spread = (result - result.mean((1, 2, 3), keepdim=True)).square().mean((1, 2, 3))
    before = images.var((1, 2, 3))
    assert (spread / before).tolist() == sorted((spread / before).tolist(), reverse=True)
    torch.testing.assert_close(matrix.sum(2), torch.ones(3, 12))
