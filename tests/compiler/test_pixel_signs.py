"""Signs of pixels: the file's are PyTorch's own, for each of a pixel's 256 values.

PyTorch normalises (x / 255 − mean) / std step by step, so that the pixel 255·mean is exactly 0 and
its sign +1; maths on constants beforehand would make it something next to 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import many
from torch import Tensor, nn

import signbit
from signbit.compiler import Compiled, compile_model
from signbit.compiler.exporting.exported import normalise
from signbit.compiler.verification.verify import verify
from signbit.errors import CompileError
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]
Case = tuple[nn.Module, list[float], list[float]]
SIDE = 16

GREY = np.arange(256, dtype=np.uint8).reshape(1, SIDE, SIDE, 1)


class Add(nn.Module):
    def __init__(self, value: float | Tensor) -> None:
        super().__init__()
        self.value = value if isinstance(value, float) else nn.Parameter(value.view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.value


class Times(Add):
    def forward(self, x: Tensor) -> Tensor:
        return x * self.value


class Own(nn.Module):
    """A function of the images."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def every_value(channels: int) -> Array:
    """One image (1, 16, 16, channels) that has every value in every channel, in another order."""
    rolled = [np.roll(GREY, 37 * c).reshape(1, SIDE, SIDE) for c in range(channels)]
    return np.stack(rolled, axis=-1)


def signs_of(channels: int) -> BinaryConv2d:
    """A binary layer whose results are the signs it reads, or their opposites."""
    return BinaryConv2d(channels, channels, 1, groups=channels)


def compiled(model: nn.Module, mean: list[float], std: list[float], side: int = SIDE) -> Compiled:
    return compile_model(
        model.eval(),
        input_size=(side, side, len(mean)),
        mean=mean,
        std=std,
        class_names=(),
        resize_shorter_side=side,
    )


def pytorch(model: nn.Module, images: Array, mean: list[float], std: list[float]) -> Array:
    with torch.no_grad():
        result: Array = model(normalise(images, mean, std)).numpy()
    return result.transpose(0, 2, 3, 1) if result.ndim == 4 else result


def assert_equal_signs(model: nn.Module, mean: list[float], std: list[float]) -> Compiled:
    """Of a model of 16×16 images; every engine, every value, every channel."""
    result = compiled(model, mean, std)
    images = every_value(len(mean))
    expected = pytorch(model, images, mean, std)
    np.testing.assert_array_equal(ReferenceEngine(result.data)(images), expected)
    for isa in signbit.cpu_isas():
        np.testing.assert_array_equal(signbit.load(result.data, isa=isa)(images), expected)
    return result


def assert_equal_signs_or_refused(model: nn.Module, mean: list[float], std: list[float]) -> None:
    """A layer may be refused if PyTorch's signs are the same for all values of each channel."""
    try:
        assert_equal_signs(model, mean, std)
    except CompileError as error:
        if "every sign of its input is the same for all images" not in str(error):
            raise
        signs = pytorch(model, every_value(len(mean)), mean, std)
        np.testing.assert_array_equal(signs, np.broadcast_to(signs[:, :1, :1], signs.shape))


def _beside(value: float, ulps: int) -> float:
    """A float32 so many places above a value."""
    found = np.float32(value)
    for _ in range(abs(ulps)):
        found = np.nextafter(found, np.float32(np.copysign(np.inf, ulps)))
    return float(found)


means = st.builds(lambda k, ulps: _beside(k / 255, ulps), st.integers(0, 255), st.integers(-2, 2))
stds = st.one_of(st.sampled_from([1.0, 0.22, 0.25, 0.26, 0.5]), st.floats(0.05, 2.0))
factors = st.sampled_from([-3.0, -1.0, -0.3, 0.0, 0.1, 1.0, 7.0])
kinds = st.sampled_from(["bias", "scale", "norm", "hardtanh", "threshold", "prelu"])


@st.composite
def models(draw: st.DrawFn) -> Case:
    """Steps of a channel on normalised pixels, then their signs, and the normalisation."""
    channels = draw(st.sampled_from([1, 3, 4, 5]))

    def vector(values: st.SearchStrategy[float]) -> Tensor:
        return torch.tensor([draw(values) for _ in range(channels)])

    mean, std = vector(means), vector(stds)
    layers: list[nn.Module] = []
    for kind in draw(st.lists(kinds, max_size=3)):
        if kind == "bias":
            layers.append(Add(-draw(means)))
        elif kind == "threshold":  # normalised, so that a pixel ties
            at = vector(st.integers(0, 255).map(lambda k: k / 255))
            layers.append(Add(-(at - mean) / std))
        elif kind == "scale":
            layers.append(Times(vector(factors)))
        elif kind == "hardtanh":
            layers.append(nn.Hardtanh())
        elif kind == "prelu":
            layers.append(nn.PReLU(channels, init=0.3))
        else:
            norm = nn.BatchNorm2d(channels)
            norm.running_mean = (vector(means) - mean) / std
            norm.running_var = vector(stds)
            norm.weight = nn.Parameter(vector(factors))
            norm.bias = nn.Parameter(vector(st.sampled_from([0.0, 0.0, 0.2])))
            layers.append(norm)
    return nn.Sequential(*layers, signs_of(channels)), mean.tolist(), std.tolist()


@settings(derandomize=True, deadline=None, max_examples=5)
@given(models())
def test_every_value_has_pytorch_sign(case: Case) -> None:
    assert_equal_signs_or_refused(*case)


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=many(60))
@given(models())
def test_every_value_has_pytorch_sign_in_more_models(case: Case) -> None:
    assert_equal_signs_or_refused(*case)


def test_every_mean_that_is_a_pixel() -> None:
    for first in range(0, 256, 64):
        mean = [k / 255 for k in range(first, first + 64)]
        assert_equal_signs(signs_of(64), mean, [0.2 + k / 256 for k in range(64)])


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [0.2, 0.3, 0.4, 0.5, 0.6])
def test_a_threshold_of_the_user(threshold: float) -> None:
    flat = nn.Sequential(Add(-threshold), nn.Flatten(), BinaryLinear(SIDE * SIDE, 8))
    assert_equal_signs(nn.Sequential(Add(-threshold), signs_of(1)), [0.0], [1.0])
    result = compiled(flat, [0.0], [1.0])
    images = np.concatenate([GREY, GREY[:, ::-1], np.roll(GREY, 5, axis=2)])
    np.testing.assert_array_equal(
        ReferenceEngine(result.data)(images), pytorch(flat, images, [0.0], [1.0])
    )


def _pooled(*, before: list[nn.Module], behind: list[nn.Module]) -> nn.Module:
    return nn.Sequential(*before, nn.MaxPool2d(3, 2, 1), *behind, signs_of(3))


MEAN, STD = [0.4, 0.2, 0.6], [0.26, 0.22, 0.22]
OF_POOLS = {
    "pool": _pooled(before=[], behind=[]),
    "turned in front": _pooled(before=[Times(-2.0)], behind=[Add(0.3)]),
    "turned behind": _pooled(before=[], behind=[Times(-1.0)]),
    "two pools": _pooled(before=[nn.MaxPool2d(2, 1)], behind=[Times(torch.tensor([1.0, -2, 0]))]),
    "magnitudes in front": _pooled(before=[nn.LeakyReLU(-1.0)], behind=[Add(-0.8)]),
    "magnitudes behind": _pooled(before=[], behind=[Add(0.3), nn.LeakyReLU(0.1), Add(-0.3)]),
    "subsampled": nn.Sequential(Own(lambda x: x[:, :, ::2, ::2]), Times(-1.0), signs_of(3)),
    "added to itself": nn.Sequential(Own(lambda x: x + x), signs_of(3)),
    "added to its hardtanh": nn.Sequential(
        Own(lambda x: torch.nn.functional.hardtanh(x) + x), signs_of(3)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(OF_POOLS))
def test_behind_pools_and_sums(name: str) -> None:
    model = OF_POOLS[name]
    result = assert_equal_signs(model, MEAN, STD)
    # Values next to the ties, where windows have several pixels of them.
    images = np.random.default_rng(0).choice(
        np.array([50, 51, 52, 101, 102, 103, 152, 153, 154], np.uint8), (6, SIDE, SIDE, 3)
    )
    expected = pytorch(model, images, MEAN, STD)
    np.testing.assert_array_equal(signbit.load(result.data)(images), expected)
    assert all(n.agrees and not n.signs_near for n in verify(result, images).nodes)


def _scaling(inputs: int, outputs: int, weight: float, bias: float | None) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, 1, groups=inputs, bias=bias is not None)
    nn.init.constant_(conv.weight, weight)
    if conv.bias is not None:
        nn.init.constant_(conv.bias, bias or 0.0)
    return conv


@pytest.mark.parametrize(
    "layers",
    [
        [_scaling(3, 3, 1.0, None)],
        [_scaling(3, 6, -3.0, 0.0)],
        [nn.Hardtanh(), _scaling(3, 6, 0.7, 0.0)],
        [_scaling(3, 3, 1.0, 0.0), nn.MaxPool2d(2), Times(-1.0)],
    ],
)
def test_behind_a_convolution_of_one_weight_a_filter(layers: list[nn.Module]) -> None:
    channels = 6 if any(isinstance(x, nn.Conv2d) and x.out_channels == 6 for x in layers) else 3
    assert_equal_signs(nn.Sequential(*layers, signs_of(channels)), MEAN, STD)


def test_a_thermometer_of_one_channel() -> None:
    conv = _scaling(1, 8, 1.0, 0.0)
    conv.bias = nn.Parameter(-torch.tensor([51, 84, 102, 119, 153, 170, 204, 238]) / 255)
    assert_equal_signs(nn.Sequential(conv, signs_of(8)), [0.0], [1.0])


def test_a_sign_that_changes_twice_is_refused() -> None:
    class Middle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = signs_of(3)

        def forward(self, x: Tensor) -> Any:
            return self.conv(x.abs() - 0.5)

    with pytest.raises(CompileError, match="changes 2 times along the values 0 to 255") as error:
        compiled(nn.Sequential(Middle()), [0.5] * 3, [0.25] * 3)
    assert "(channel 0: +1 from 0, −1 from 96, +1 from 160)" in str(error.value)
    assert str(error.value).startswith("0.conv.")
    assert "; the engine compares a pixel once: " in str(error.value)


def test_a_pool_between_two_steps_that_rise_and_fall_is_refused() -> None:
    valley = nn.LeakyReLU(-1.0)
    model = _pooled(before=[valley], behind=[Add(-0.5), valley, Add(-3.0)])
    with pytest.raises(CompileError, match="in front of the pool and behind it"):
        compiled(model, MEAN, STD)


@pytest.mark.parametrize("shift", [-9.0, 9.0])
def test_channels_of_one_sign(shift: float) -> None:
    """All 256 values alike; so are floats outside of them."""
    model = nn.Sequential(Add(torch.tensor([0.0, shift, 0.0])), signs_of(3))
    result = assert_equal_signs(model, MEAN, STD)
    images = np.array([-1e9, -1, 300, 1e9], np.float32).reshape(1, 2, 2, 1)
    images = np.tile(images, (1, SIDE // 2, SIDE // 2, 3))
    answers = signbit.load(result.data)(images)[..., 1]
    assert np.unique(answers).size == 1


def test_fractional_pixels_compare_with_the_same_threshold() -> None:
    """A float between two whole numbers has the sign of the lower one; every engine agrees."""
    model = nn.Sequential(Times(torch.tensor([1.0, -1.0, 1.0])), signs_of(3))
    result = compiled(model, MEAN, STD, side=4)
    # 255·mean is 102, 51 and 153: +1 there, and with a factor of −1 from there down.
    (output,) = result.graph.nodes[0].outputs
    threshold = result.constants[str(output.threshold)]
    np.testing.assert_array_equal(threshold, [102, 52, 153])
    assert threshold.dtype == np.float32
    np.testing.assert_array_equal(result.constants[str(output.flip)], [0, 1, 0])
    below, above = (np.nextafter(np.float32(102), np.float32(to)) for to in (0, 255))
    row = [-1e30, -3.5, -0.0, 51.5, 52, 101, 101.5, below, 102, above, 102.5, 152.9, 153, 254, 300]
    images = np.array([*row, 1e30], np.float32).reshape(1, 4, 4, 1).repeat(3, axis=3)
    expected = np.where(images < [102, 52, 153], -1, 1) * [1, -1, 1]
    weights = np.sign(pytorch(signs_of_weights(model), images[:, :1, :1], [0.0] * 3, [1.0] * 3))
    for engine in (
        ReferenceEngine(result.data),
        *(signbit.load(result.data, isa=isa) for isa in signbit.cpu_isas()),
    ):
        np.testing.assert_array_equal(np.sign(engine(images)), expected * weights)


def signs_of_weights(model: nn.Module) -> nn.Module:
    """What the model's binary layer makes of +1."""
    return nn.Sequential(Own(torch.ones_like), model[-1])  # type: ignore[index]


def test_reals_beside_signs_of_the_same_pixels() -> None:
    """The normalised image is read as reals too; its signs are those of the pixels."""

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.signs = signs_of(3)
            self.reals = nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor) -> Any:
            return self.signs(x) * 1000 + self.reals(torch.relu(x))

    torch.manual_seed(0)
    model = Both()
    result = compiled(model, MEAN, STD)
    images = every_value(3)
    expected = pytorch(model, images, MEAN, STD)
    np.testing.assert_array_equal(signbit.load(result.data)(images) > 0, expected > 0)


def test_a_threshold_of_each_image_is_no_matter_of_one_pixel() -> None:
    """Compiles to reals, and agrees; the mean of the image depends on the order of a sum."""
    model = nn.Sequential(Own(lambda x: x + x.mean((2, 3), keepdim=True).neg()), signs_of(3))
    result = compiled(model, MEAN, STD)
    images = np.random.default_rng(1).integers(0, 256, (4, SIDE, SIDE, 3), dtype=np.uint8)
    assert verify(result, images).agrees


def test_a_network_that_binarizes_its_images() -> None:
    """FINN's CNV in small: 255·mean is a pixel in two channels, and every answer is PyTorch's."""
    torch.manual_seed(1)
    layers: list[nn.Module] = []
    for inputs, outputs, pool in [(3, 16, False), (16, 16, True), (16, 32, True)]:
        layers += [BinaryConv2d(inputs, outputs, 3), nn.BatchNorm2d(outputs, momentum=None)]
        layers += [nn.MaxPool2d(2)] if pool else []
    model = nn.Sequential(*layers, nn.Flatten(), BinaryLinear(128, 10), nn.BatchNorm1d(10))
    images = np.random.default_rng(2).choice(
        np.arange(90, 115, dtype=np.uint8), (120, SIDE, SIDE, 3)
    )
    mean, std = [0.4, 0.42, 102 / 255], [0.25, 0.24, 0.26]
    with torch.no_grad():
        model(normalise(images[:64], mean, std))
    result = compiled(model, mean, std)
    answers = signbit.load(result.data)(images[64:])
    expected = pytorch(model, images[64:], mean, std)
    np.testing.assert_array_equal(answers.argmax(1), expected.argmax(1))
    agreement = verify(result, images[64:])
    assert agreement.agrees
    assert agreement.near["signs"] == 0
