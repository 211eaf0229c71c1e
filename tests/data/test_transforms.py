import numpy as np
import torch
from numpy.typing import NDArray

from signbit.data.transforms import Augmentation, Normalization, to_unit


def windows(image: NDArray[np.float32], padding: int) -> list[NDArray[np.float32]]:
    """Every window of the old size that a crop of the black-padded (C, H, W) image can give."""
    _, height, width = image.shape
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    return [
        padded[:, y : y + height, x : x + width]
        for y in range(2 * padding + 1)
        for x in range(2 * padding + 1)
    ]


def test_to_unit_divides_by_255_and_moves_channels_first() -> None:
    images = np.random.randint(0, 256, (2, 3, 4, 3), dtype=np.uint8)
    expected = images.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(to_unit(torch.from_numpy(images)).numpy(), expected)


def test_normalization_is_per_channel() -> None:
    x = torch.rand(2, 3, 4, 4)
    mean, std = [0.1, 0.2, 0.3], [0.5, 0.25, 2.0]
    shape = (1, 3, 1, 1)
    expected = (x.numpy() - np.reshape(mean, shape)) / np.reshape(std, shape)
    np.testing.assert_allclose(Normalization(mean, std)(x).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_every_result_is_a_mirrored_or_plain_window_of_the_black_padded_image() -> None:
    x = torch.rand(64, 3, 8, 8)
    y = Augmentation((8, 8), flip=True, crop_padding=2)(x, seed=1).numpy()
    mirrored, moved = set(), set()
    for before, after in zip(x.numpy(), y, strict=True):
        found = [
            (flip, index)
            for flip in (False, True)
            for index, window in enumerate(windows(before[..., ::-1] if flip else before, 2))
            if np.array_equal(window, after)
        ]
        assert len(found) == 1
        mirrored.add(found[0][0])
        moved.add(found[0][1])
    assert mirrored == {False, True}
    assert len(moved) > 15  # of 25 positions, 64 draws


def test_the_result_depends_on_the_seed_alone() -> None:
    augment = Augmentation((8, 8), flip=True, crop_padding=4)
    x = torch.rand(16, 1, 8, 8)
    first = augment(x, seed=5)
    torch.rand(3)
    assert torch.equal(augment(x, seed=5), first)
    assert not torch.equal(augment(x, seed=6), first)


def test_the_global_generator_is_left_alone() -> None:
    augment = Augmentation((8, 8), flip=True, crop_padding=4)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    augment(torch.ones(2, 1, 8, 8), seed=1)
    assert torch.equal(torch.rand(4), expected)


def test_nothing_asked_for_changes_nothing() -> None:
    x = torch.rand(2, 1, 8, 8)
    assert Augmentation((8, 8), flip=False, crop_padding=0)(x, seed=1) is x
