"""PixelTable: its values, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from signbit.errors import InputError
from signbit.nn import PixelTable


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), ((0.5, 0.4, 0.3), 0.25)])
@pytest.mark.parametrize("channels", [1, 3])
def test_values(channels: int, mean: Any, std: Any) -> None:
    values = torch.randn(256) if channels == 1 else torch.randn(3, 256)
    pixels = torch.randint(0, 256, (2, 3, 5, 4))
    shift = torch.tensor(mean).reshape(-1, 1, 1)
    images = (pixels / 255 - shift) / std
    expected = values[pixels] if channels == 1 else values[torch.arange(3)[:, None, None], pixels]
    torch.testing.assert_close(PixelTable(values, mean, std)(images), expected, rtol=0, atol=0)


@pytest.mark.parametrize("values", [torch.zeros(255), torch.zeros(1, 2, 256), 0.0])
def test_refuses_another_shape(values: Any) -> None:
    with pytest.raises(InputError, match="needs values"):
        PixelTable(values)


def test_refuses_infinite_values_and_other_channels() -> None:
    with pytest.raises(InputError, match="finite"):
        PixelTable(torch.full((256,), torch.inf))
    with pytest.raises(InputError, match=r"expects \(N, 3, H, W\)"):
        PixelTable(torch.zeros(3, 256))(torch.zeros(1, 1, 2, 2))


def test_has_no_gradient_with_respect_to_images() -> None:
    images = torch.zeros(1, 1, 2, 2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="no gradient"):
        PixelTable(torch.zeros(256))(images).sum().backward()
