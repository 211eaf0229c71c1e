"""NaN and infinity are refused by the name of their tensor, before a sign hides them."""

from __future__ import annotations

import pytest
import torch
from tests.compiler.nets import compiled
from torch import Tensor, nn

from signbit.errors import CompileError
from signbit.nn.binarizers import AdaptiveActivation, BinaryWeight, MeanAbsScale
from signbit.nn.binarizers.weights import WeightBinarizer
from signbit.nn.estimators import sign
from signbit.nn.layers import BinaryConv2d

SIZE = (6, 6, 3)


def _net() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        BinaryConv2d(4, 8, 3, weight_binarizer=MeanAbsScale()),
        BinaryConv2d(8, 8, 1, activation_binarizer=AdaptiveActivation()),
        nn.PReLU(8),
        nn.Flatten(),
        nn.Linear(32, 3),
    ).eval()


@pytest.mark.slow
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(
    "name",
    [
        *("0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var"),
        *("2.weight", "3.weight", "3.activation_binarizer.beta", "4.weight", "6.weight", "6.bias"),
    ],
)
def test_every_tensor(name: str, value: float) -> None:
    model = _net()
    state = model.state_dict()
    state[name].view(-1)[-1] = value
    with pytest.raises(CompileError) as caught:
        compiled(model, SIZE)
    assert str(caught.value) == (
        f"{name}: 1 of its {state[name].numel()} values are NaN or infinite; load weights from "
        "before training diverged"
    )


@pytest.mark.parametrize("dtype", [torch.half, torch.double])
def test_other_precisions(dtype: torch.dtype) -> None:
    model = _net().to(dtype)
    with torch.no_grad():
        model[2].weight.fill_(float("nan"))
    with (
        pytest.warns(UserWarning, match="converted"),
        pytest.raises(CompileError, match=r"2\.weight: 288 of its 288 values"),
    ):
        compiled(model, SIZE)


def test_what_no_output_reads_may_be_anything() -> None:
    model = _net()
    model.register_buffer("unused", torch.tensor(float("nan")))
    compiled(model, SIZE)


class Standardised(WeightBinarizer):
    def forward(self, weight: Tensor) -> BinaryWeight:
        flat = weight.flatten(1)
        deviation = flat.std(1).reshape(-1, 1, 1, 1)
        return BinaryWeight(sign((weight - flat.mean(1).reshape(-1, 1, 1, 1)) / deviation, "clip"))


def test_signs_of_what_became_no_number_on_the_way() -> None:
    layer = BinaryConv2d(3, 4, 3, weight_binarizer=Standardised())
    model = nn.Sequential(layer).eval()
    compiled(model, SIZE)
    with torch.no_grad():
        layer.weight[1] = 0.25
    with pytest.raises(CompileError, match=r"0\.weight_binarizer.*takes the sign of NaN"):
        compiled(model, SIZE)
