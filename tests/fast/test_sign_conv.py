"""Native passes against the layers' own PyTorch operations, in float64 where rounding matters."""

from __future__ import annotations

import copy
import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from tests.fast.common import dots
from torch import Tensor

from signbit.fast import use_native_ops
from signbit.nn.binarizers import ASD, MeanAbsScale, PlainSignActivation
from signbit.nn.binarizers.activations import ActivationBinarizer
from signbit.nn.binarizers.weights import BinaryWeight
from signbit.nn.estimators import EDE, Clip, Estimator, Identity, Polynomial
from signbit.nn.layers import BinaryLinear, binary_conv2d

ESTIMATORS: list[Estimator] = [
    Identity(),
    Clip(),
    Clip(1.25),
    Polynomial(),
    EDE(0.7, 0.7),
    EDE(10.0, 10.0),
]


def expected(
    x: Tensor, shift: Tensor | None, weight: BinaryWeight, estimator: Estimator, geometry: tuple
) -> Tensor:
    moved = x if shift is None else x + shift[:, :, None, None]
    return binary_conv2d(estimator(moved), weight, *geometry)


def draw(
    seed: int, channels: int, out: int, groups: int, kernel: tuple[int, int], size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(3, channels, *size, generator=generator)
    x[0, 0, 0, :2] = torch.tensor([0.0, -0.0])
    weight = torch.randn(out, channels // groups, *kernel, generator=generator).sign()
    return x, torch.randn(3, channels, generator=generator), weight


SHAPES = [
    # channels, out, groups, kernel, size, stride, padding, dilation
    (16, 16, 1, (3, 3), (9, 7), (1, 1), (1, 1), (1, 1)),
    (3, 5, 1, (3, 3), (6, 11), (2, 2), (1, 1), (1, 1)),
    (20, 33, 1, (1, 1), (5, 5), (1, 1), (0, 0), (1, 1)),
    (64, 48, 2, (3, 2), (8, 9), (2, 1), (2, 0), (1, 2)),
    (130, 16, 1, (5, 5), (7, 7), (1, 1), (2, 2), (1, 1)),
    (16, 16, 16, (3, 3), (9, 7), (1, 1), (1, 1), (1, 1)),
    (3, 3, 3, (3, 2), (8, 9), (2, 1), (2, 0), (1, 2)),
    (65, 65, 65, (5, 1), (3, 6), (1, 3), (4, 0), (1, 1)),
    (8, 16, 8, (3, 3), (6, 6), (1, 1), (1, 1), (1, 1)),  # two filters a channel
]


@pytest.mark.parametrize(
    ("shape", "with_shift", "channels_last"),
    list(itertools.product(SHAPES, [False, True], [False, True])),
)
def test_dots_are_exact_and_gradients_agree(
    shape: tuple, with_shift: bool, channels_last: bool
) -> None:
    channels, out, groups, kernel, size, *geometry = shape
    x, shift, signs = draw(1, channels, out, groups, kernel, size)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    geometry = (*geometry, groups)
    for estimator in ESTIMATORS:
        leaves = [x.clone(), shift.clone(), signs.clone()]
        doubles = [leaf.double() for leaf in leaves]
        for leaf in (*leaves, *doubles):
            leaf.requires_grad_()
        # The float64 reference takes its signs where float32 addition has them.
        moved = shift if with_shift else torch.zeros_like(shift)
        doubtful = (x + moved[:, :, None, None]).abs() < 1e-6
        assert not bool((doubtful & (x != 0)).any())
        y = dots(
            leaves[0],
            leaves[1] if with_shift else None,
            leaves[2],
            None,
            (estimator.name, estimator.parameters),
            *geometry,
        )
        wanted = expected(
            doubles[0],
            doubles[1] if with_shift else None,
            BinaryWeight(doubles[2], None),
            estimator,
            geometry,
        )
        assert torch.equal(y.double(), wanted)
        gradient = torch.randn(y.shape, generator=torch.Generator().manual_seed(2))
        y.backward(gradient)
        wanted.backward(gradient.double())
        for leaf, double in zip(leaves, doubles, strict=True):
            if leaf is leaves[1] and not with_shift:
                continue
            assert leaf.grad is not None
            assert double.grad is not None
            scale = float(double.grad.abs().max()) + 1e-12
            torch.testing.assert_close(leaf.grad.double(), double.grad, rtol=0, atol=1e-5 * scale)


def test_a_scale_multiplies_the_finished_dots() -> None:
    x, _, signs = draw(3, 16, 16, 1, (3, 3), (5, 5))
    scale = torch.rand(16).requires_grad_()
    geometry = ((1, 1), (1, 1), (1, 1), 1)
    y = dots(x, None, signs, scale, ("clip", ()), *geometry)
    plain = dots(x, None, signs, None, ("clip", ()), *geometry)
    assert torch.equal(y, plain * scale[:, None, None])
    y.sum().backward()
    assert scale.grad is not None
    torch.testing.assert_close(scale.grad, plain.sum((0, 2, 3)))


def test_threads_may_share_a_shape() -> None:
    geometry = ((1, 1), (1, 1), (1, 1), 1)
    drawn = [draw(seed, 64, 64, 1, (3, 3), (16, 16)) for seed in range(4)]

    def run(case: tuple[Tensor, Tensor, Tensor]) -> list[Tensor]:
        x, _, signs = (tensor.clone() for tensor in case)
        x.requires_grad_()
        y = dots(x, None, signs, None, ("clip", ()), *geometry)
        y.square().sum().backward()
        assert x.grad is not None
        return [y.detach(), x.grad]

    alone = [run(case) for case in drawn]
    with ThreadPoolExecutor(len(drawn)) as pool:
        for _ in range(10):
            for mine, theirs in zip(pool.map(run, drawn), alone, strict=True):
                assert torch.equal(mine[0], theirs[0])
                torch.testing.assert_close(mine[1], theirs[1])


@pytest.mark.parametrize(
    "binarizer", [PlainSignActivation(Polynomial()), ASD(70, 8, EDE(0.7, 0.7))]
)
def test_a_linear_layer_trains_alike_with_and_without(binarizer: ActivationBinarizer) -> None:
    torch.manual_seed(3)
    layer = BinaryLinear(70, 37, weight_binarizer=MeanAbsScale(), activation_binarizer=binarizer)
    x, gradient = torch.randn(9, 70), torch.randn(9, 37)
    results = []
    for native in (True, False):
        copied, leaf = copy.deepcopy(layer), x.clone().requires_grad_()
        with use_native_ops(native):
            y = copied(leaf)
            assert (type(y.grad_fn).__name__ == "ViewBackward0") == native  # a flattened image
            y.backward(gradient)
        results.append([y.detach(), leaf.grad, *(p.grad for p in copied.parameters())])
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
