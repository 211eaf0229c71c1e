"""Views of a batch: what each image draws, and that one image's draws change no other image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from signbit.data.pixels import resized_crop, views
from signbit.data.pixels.views import Views

NOTHING = Views(
    crop_area=1.0,
    jitter_probability=0.0,
    gray_probability=0.0,
    blur_probability=0.0,
    size=(12, 12),
)
MOCO = Views(
    crop_area=0.2,
    jitter_probability=0.8,
    gray_probability=0.2,
    blur_probability=0.5,
    size=(12, 12),
)


def images(count: int, side: int = 12, channels: int = 3) -> Tensor:
    random = np.random.default_rng(count)
    return torch.from_numpy(random.integers(0, 256, (count, side, side, channels), dtype=np.uint8))


def unchanged(batch: Tensor) -> Tensor:
    return batch.permute(0, 3, 1, 2) / 255


def same(left: Tensor, right: Tensor) -> list[bool]:
    """For each image whether it is the same in both."""
    return [bool(torch.allclose(a, b, atol=1e-6)) for a, b in zip(left, right, strict=True)]


def test_with_all_switched_off_half_of_the_images_are_mirrored() -> None:
    batch = images(400)
    view = NOTHING(batch, seed=1, view=0)
    kept = same(view, unchanged(batch))
    assert 160 < sum(kept) < 240
    mirrored = torch.tensor([not each for each in kept])
    torch.testing.assert_close(view[mirrored], unchanged(batch)[mirrored].flip(3))


def test_a_view_is_a_function_of_its_arguments() -> None:
    batch = images(32)
    before = torch.get_rng_state()
    view = MOCO(batch, seed=3, view=0)
    torch.rand(5)
    assert torch.equal(MOCO(batch, seed=3, view=0), view)
    torch.set_rng_state(before)
    MOCO(batch, seed=3, view=0)
    assert torch.equal(torch.get_rng_state(), before)
    assert view.shape == (32, 3, 12, 12)
    assert view.dtype == torch.float32
    assert view.min() >= 0
    assert view.max() <= 1 + 1e-6
    # Two views of an image share nothing.
    for other in (MOCO(batch, seed=3, view=1), MOCO(batch, seed=4, view=0)):
        assert not any(same(other, view))


def test_processes_get_their_part_of_a_step() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        batch = images(9, side=20)
        whole = MOCO(batch, 5, 1)
        parts = [MOCO(batch[:5], 5, 1, 0, 9), MOCO(batch[5:], 5, 1, 5, 9)]
    finally:
        torch.set_default_dtype(torch.float32)
    assert whole.dtype == torch.float64
    torch.testing.assert_close(torch.cat(parts), whole, rtol=0, atol=1e-13)


def test_crops_are_pillows_of_the_windows_that_were_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []

    def remember(*arguments):  # type: ignore[no-untyped-def]
        found.append(resized_crop.windows(*arguments))
        return found[-1]

    monkeypatch.setattr(views, "windows", remember)
    batch = images(40, side=30)
    result = replace(NOTHING, crop_area=0.2)(batch, seed=2, view=0)
    assert len({*map(tuple, found[0].tolist())}) > 30
    for image, box, view in zip(batch.numpy(), found[0].tolist(), result, strict=True):
        scaled = Image.fromarray(image).crop(box).resize((12, 12), Image.Resampling.BILINEAR)
        expected = np.asarray(scaled).transpose(2, 0, 1) / 255
        either = [np.abs(view.numpy() - each).max() for each in (expected, expected[..., ::-1])]
        assert min(either) < 1.6 / 255  # Pillow rounds twice


def test_each_change_has_its_probability_and_touches_no_other_image() -> None:
    batch = images(500)
    plain = NOTHING(batch, seed=7, view=0)
    for change in ("jitter", "gray", "blur"):
        some = replace(NOTHING, **{f"{change}_probability": 0.3})(batch, seed=7, view=0)
        kept = same(some, plain)
        assert 300 < sum(kept) < 400, change
        every = replace(NOTHING, **{f"{change}_probability": 1.0})(batch, seed=7, view=0)
        # Who is changed is changed in the same way, however likely that was.
        assert [not each for each in kept] == [
            same_as and not as_before
            for same_as, as_before in zip(same(some, every), kept, strict=True)
        ]
        # A gray picture, or one that a weak blur leaves alone, may look the same.
        assert sum(same(every, plain)) < 100
    gray = replace(NOTHING, gray_probability=1.0)(batch, seed=7, view=0)
    torch.testing.assert_close(gray[:, 0], gray[:, 1])


def test_factors_fill_their_ranges_in_every_order() -> None:
    """Gray pixels of one brightness: brightness alone moves the mean, by its factor."""
    batch = torch.full((2000, 4, 4, 3), 100, dtype=torch.uint8)
    jitter = replace(NOTHING, jitter_probability=1.0, size=(4, 4))
    factors = jitter(batch, seed=1, view=0).mean((1, 2, 3)) / (100 / 255)
    assert factors.min() == pytest.approx(0.6, abs=0.005)
    assert factors.max() == pytest.approx(1.4, abs=0.005)
    assert factors.mean() == pytest.approx(1.0, abs=0.02)
    draws = np.random.default_rng(0).random((6000, views._NUMBERS))
    chosen = jitter._drawn(draws, 4, 4).chosen
    # Each of the four is as often in each place, and each image has all four once.
    assert all(1350 < len(which) < 1650 for which in chosen)
    np.testing.assert_array_equal(np.sort(np.concatenate(chosen)), np.repeat(np.arange(6000), 4))


def test_gray_images_stay_gray() -> None:
    batch = images(50, channels=1)
    view = replace(MOCO, gray_probability=0.0)(batch, seed=1, view=0)
    assert view.shape == (50, 1, 12, 12)
    assert not any(same(view, unchanged(batch)))
