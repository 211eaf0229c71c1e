import numpy as np
import torch

from signbit.data.pixels.transforms import Normalization, to_unit


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
