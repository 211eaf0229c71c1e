"""Models in another precision: converted without a change of value, or refused."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest
import torch
from tests.compiler.nets import compiled, network, pixels, pytorch_logits
from torch import Tensor, nn

import signbit
from signbit.compiler.checks.float32 import in_float32
from signbit.compiler.verification.verify import verify
from signbit.errors import CompileError
from signbit.nn.binarizers import MeanAbsScale
from signbit.nn.layers import BinaryConv2d

SIZE = (8, 8, 3)


def _net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3),  # with a bias, which PyTorch itself wants in the images' precision
        nn.BatchNorm2d(8),
        BinaryConv2d(8, 8, 3, weight_binarizer=MeanAbsScale()),
        nn.BatchNorm2d(8),
        nn.Flatten(),
        nn.Linear(128, 4),
    ).eval()


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.double])
def test_a_model_whose_values_float32_has(dtype: torch.dtype) -> None:
    model = _net().to(dtype)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.warns(UserWarning, match=r"answers as model\.float\(\) does") as caught:
        result = compiled(model, SIZE)
    assert [str(w.message) for w in caught] == [result.notice]
    assert str(dtype).removeprefix("torch.") in result.notice
    assert result.report.replace("\n", " ").startswith(result.notice)
    for name, value in model.state_dict().items():
        assert value.dtype == before[name].dtype
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    images = pixels(5, SIZE)
    expected = pytorch_logits(copy.deepcopy(model).float(), images)
    np.testing.assert_allclose(signbit.load(result.data)(images), expected, atol=1e-5)
    assert verify(result, images).agrees


def test_one_layer_in_another_precision() -> None:
    model = _net()
    model[5].to(torch.bfloat16)
    with pytest.warns(UserWarning, match="bfloat16 were converted"):
        result = compiled(model, SIZE)
    assert verify(result, pixels(3, SIZE)).agrees


def test_float32_is_left_alone() -> None:
    model = _net()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert in_float32(model) == (model, "")
    assert compiled(network("digits", "bnn", (8, 8, 1)), (8, 8, 1)).notice == ""


@pytest.mark.parametrize("name", ["0.weight", "2.weight", "1.running_var", "5.bias"])
@pytest.mark.parametrize("value", [1 / 3, 1e300, 1e-300])
def test_values_that_float32_has_not(name: str, value: float) -> None:
    model = _net().double()
    state = model.state_dict()
    state[name].view(-1)[1] = value
    with pytest.raises(CompileError) as caught:
        compiled(model, SIZE)
    assert str(caught.value).startswith(
        f"{name}: 1 of its {state[name].numel()} values in float64 are no float32 numbers"
    )
    assert "call model.float() first" in str(caught.value)


def test_buffers_that_no_state_dict_has() -> None:
    model = _net()
    model[0].register_buffer("grid", torch.full((3,), 0.1, dtype=torch.float64), persistent=False)
    with pytest.raises(CompileError, match=r"0\.grid: 3 of its 3 values in float64"):
        compiled(model, SIZE)


class Constant(nn.Module):
    """Adds numbers that are no parameter: nothing converts them."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.added = [torch.ones(4, 1, 1, dtype=dtype)]

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x) + self.added[0]
        return y


def test_arithmetic_in_double_is_refused() -> None:
    compiled(Constant(torch.half).eval(), SIZE)
    with pytest.raises(CompileError, match=r"the model \(aten\.add.*yields torch\.float64"):
        compiled(Constant(torch.double).eval(), SIZE)


def test_a_model_that_cannot_be_copied() -> None:
    model = _net().half()
    model.derived = model[0].weight * 2  # not a leaf: PyTorch does not copy it
    with pytest.raises(CompileError, match=r"0\.weight: is float16.*call model\.float\(\) first"):
        compiled(model, SIZE)
