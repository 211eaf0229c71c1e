import pytest
import torch
from torch import nn

from signbit.fast import native_ops
from signbit.nn.layers import BinaryConv2d
from signbit.nn.select import context
from signbit.training.precision import Precision


@pytest.mark.parametrize(("name", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_real_layers_compute_in_it_and_signs_stay_exact(name: str, dtype: torch.dtype) -> None:
    assert name in ("bf16", "fp16")
    precision = Precision(name, "cpu")
    real = nn.Conv2d(3, 4, 3)
    binary = BinaryConv2d(512, 16, 3, padding=1)
    x = torch.randn(2, 512, 4, 4)
    expected = binary(x)
    with precision.forward():
        assert real(x[:, :3]).dtype == dtype
        result = binary(x)
        assert context(x) == "autocast is on"
    assert native_ops()
    assert result.dtype == torch.float32
    # Dots of up to 4,608 signs: bfloat16 has integers up to 256, float16 up to 2,048.
    assert torch.equal(result, expected)
    assert float(expected.detach().abs().max()) > 100


def test_fp32_leaves_everything_alone() -> None:
    precision = Precision("fp32", "cpu")
    with precision.forward():
        assert not torch.is_autocast_enabled("cpu")
    loss = torch.tensor(3.0)
    assert precision.scaler.scale(loss) is loss
    assert precision.scaler.state_dict() == {}


def test_fp16_scales_losses_and_leaves_overflown_steps_out() -> None:
    scaler = Precision("fp16", "cpu").scaler
    weight = nn.Parameter(torch.ones(()))
    optimizer = torch.optim.SGD([weight], lr=0.5)
    for gradient, expected in ((0.25, 0.875), (float("inf"), 0.875), (0.5, 0.625)):
        optimizer.zero_grad()
        scaler.scale(weight * gradient).backward()
        scaler.step(optimizer)
        scaler.update()
        assert float(weight.detach()) == expected
    assert scaler.state_dict()["scale"] == 2**15
    assert not Precision("bf16", "cpu").scaler.is_enabled()
