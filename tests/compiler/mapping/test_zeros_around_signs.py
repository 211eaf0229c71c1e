"""Signs with zeros around them: three values, never stored as signs; a binary layer skips zeros."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.file_nodes import kinds
from tests.compiler.mapping.bodies import of_reals, signs
from tests.compiler.nets import compiled, op_names, randomise
from torch import Tensor, nn

from signbit.errors import CompileError
from signbit.nn.binarizers import AdaptiveActivation, RealWeight
from signbit.nn.layers import BinaryConv2d

SIZE = (5, 6, 3)
C = 4
SIDES = (1, 2, 0, 3)

WEIGHTS = torch.where(torch.linspace(-7, 7, 6 * C * 6).sin() < 0, -1.0, 1.0).reshape(6, C, 2, 3)
OFFSET = torch.linspace(-0.5, 0.7, 6)


def zeros(x: Tensor, sides: tuple[int, ...] = SIDES) -> Tensor:
    return F.pad(x, sides, value=0.0)


def binary(
    x: Tensor,
    padding: int = 0,
    weight: Tensor = WEIGHTS,
    weight_offset: Tensor | None = None,
    input_offset: Tensor | None = None,
) -> Tensor:
    """signbit's own operation, which multiplies what it is given."""
    y: Tensor = torch.ops.signbit.binary_conv2d(
        *(x, weight, None, weight_offset, input_offset), [1, 1], [padding] * 2, [1, 1], 1
    )
    return y


BINARY: dict[str, Callable[[Tensor], Tensor]] = {
    "zeros": lambda x: binary(zeros(signs(x))),
    "twice": lambda x: binary(zeros(zeros(signs(x)), (0, 1, 1, 0))),
    "and its own": lambda x: binary(zeros(signs(x)), 1),
    "pool of the signs": lambda x: binary(zeros(F.max_pool2d(signs(x), 2, 1))),
}


@pytest.mark.parametrize("name", list(BINARY))
def test_a_binary_layer_counts_nothing_there(name: str) -> None:
    result = assert_exact(of_reals(C, BINARY[name]), SIZE)
    assert [op for op in op_names(result) if op != "max_pool"] == ["real_conv", "binary_conv"]


def test_nor_does_the_offset_of_its_weights() -> None:
    model = of_reals(C, lambda x: binary(zeros(signs(x)), 1, weight_offset=OFFSET.reshape(6)))
    result = assert_exact(model, SIZE)
    assert op_names(result) == ["real_conv", "sign_sum", "binary_conv"]


def test_an_offset_of_the_input_counts_there() -> None:
    model = of_reals(C, lambda x: binary(zeros(signs(x)), input_offset=torch.tensor(0.3)))
    result = assert_exact(model, SIZE)
    assert op_names(result) == ["real_conv", "binary_conv"]


def test_but_not_outside() -> None:
    model = of_reals(C, lambda x: binary(zeros(signs(x)), 1, input_offset=torch.tensor(0.3)))
    with pytest.raises(CompileError, match="zeros that count and zeros that do not"):
        compiled(model, SIZE)


def test_zeros_inside_ones() -> None:
    """What is around the zeros are signs again, but the whole is none."""

    def function(x: Tensor) -> Tensor:
        inside = F.pad(signs(x), (1, 0, 1, 0), value=-1.0)
        return binary(zeros(inside)) + binary(F.pad(zeros(signs(x)), (1, 0, 1, 0), value=-1.0))

    assert_exact(of_reals(C, function), SIZE)


@pytest.mark.parametrize("padding", [0, 1])
def test_the_sign_of_a_zero_is_plus_one(padding: int) -> None:
    """`BinaryConv2d` takes the sign of what it is given."""
    model = of_reals(C, lambda x: zeros(signs(x)))
    model.behind = BinaryConv2d(C, 5, 3, padding=padding)
    result = assert_exact(randomise(model), SIZE)
    assert "binary_conv" in op_names(result)
    if not padding:
        assert op_names(result) == ["real_conv", "binary_conv"]
        assert result.graph.nodes[-1]["pad_sign"] == "positive"


@pytest.mark.parametrize("padding", [0, 2])
def test_a_real_layer_reads_the_bits(padding: int) -> None:
    model = of_reals(C, lambda x: F.conv2d(zeros(signs(x)), 0.3 * WEIGHTS, padding=padding))
    result = assert_exact(model, SIZE)
    assert op_names(result) == ["real_conv", "real_conv"]
    assert kinds(result.graph.nodes[0]) == ["signs"]
    assert result.graph.nodes[1]["pad_value"] is None


VALUES: dict[str, Callable[[Tensor], Tensor]] = {
    "themselves": zeros,
    "maximum": lambda x: F.max_pool2d(zeros(x), 2, 1),
    "padded maximum": lambda x: F.max_pool2d(zeros(x), 3, 2, 1),
    "largest": lambda x: F.adaptive_max_pool2d(zeros(x), 1),
    "joined": lambda x: torch.cat((zeros(x), zeros(-x)), 1),
    "joined with signs": lambda x: torch.cat((zeros(x), F.pad(x, SIDES, value=1.0)), 1),
    "part": lambda x: zeros(x)[:, 1:3],
    "halves": lambda x: torch.cat(zeros(x).chunk(2, 1)[::-1], 1),
    "copied": lambda x: F.interpolate(zeros(x), scale_factor=2, mode="nearest"),
    "shuffled": lambda x: F.pixel_shuffle(zeros(x), 2),
    "unshuffled": lambda x: F.pixel_unshuffle(zeros(x, (1, 1, 0, 1)), 2),
    "subsampled": lambda x: zeros(x)[:, :, ::2, ::2],
    "ones around": lambda x: F.pad(zeros(x), SIDES, value=1.0),
    "in ones": lambda x: zeros(F.pad(x, SIDES, value=-1.0)),
    "mean": lambda x: zeros(x).mean((2, 3)),
    "average": lambda x: F.avg_pool2d(zeros(x), 3, 2, 1),
    "maths": lambda x: F.leaky_relu(zeros(x) * 2 + 0.3, 0.2),
    "sum": lambda x: zeros(x) + zeros(x).abs(),
    "zero channels": lambda x: F.pad(x, (0, 1, 0, 0, 1, 2)),
}


@pytest.mark.parametrize("name", list(VALUES))
def test_as_values(name: str) -> None:
    assert_exact(of_reals(C, lambda x: VALUES[name](signs(x))), SIZE)


@pytest.mark.parametrize("name", [name for name in VALUES if name not in ("largest", "mean")])
def test_in_front_of_a_binary_layer(name: str) -> None:
    """A zero has the sign +1; and the values are read as well."""

    def function(x: Tensor) -> Tensor:
        y = VALUES[name](signs(x))
        weight = torch.where(torch.linspace(-9, 9, 5 * y.shape[1]).cos() < 0, -1.0, 1.0)
        dots = binary(signs(y - 0.5), 0, weight.reshape(5, -1, 1, 1))
        return dots + 2 * binary(signs(y), 0, -weight.reshape(5, -1, 1, 1))

    assert_exact(of_reals(C, function), SIZE)


@pytest.mark.parametrize("name", ["joined", "maximum", "part", "themselves"])
def test_other_layers_of_signs(name: str) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(2)
            self.stem = nn.Conv2d(3, C, 3, padding=1)
            inputs = VALUES[name](torch.zeros(1, C, *SIZE[:2])).shape[1]
            self.layers = nn.ModuleList(
                [
                    BinaryConv2d(inputs, 5, 3, padding=1, weight_binarizer=RealWeight()),
                    BinaryConv2d(inputs, 5, 3, padding=1, activation_binarizer=_adaptive()),
                ]
            )

        def forward(self, x: Tensor) -> Tensor:
            y = VALUES[name](signs(self.stem(x)))
            first, second = (layer(y) for layer in self.layers)
            return first + second

    assert_exact(randomise(Net()), SIZE)


def _adaptive() -> AdaptiveActivation:
    binarizer = AdaptiveActivation()
    with torch.no_grad():
        binarizer.alpha.fill_(0.7)
        binarizer.beta.fill_(0.2)
    return binarizer
