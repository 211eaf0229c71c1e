"""Flips and balances against counts by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from signbit.methods import get
from signbit.models import build
from signbit.nn.binarizers import WSD, PlainSign
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.training.reports.signs import SignRecords, binary_weights


def alone(counts: Tensor) -> Tensor:
    return counts


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = BinaryConv2d(2, 2, 2, weight_binarizer=WSD(2))
        self.fc = BinaryLinear(8, 4, weight_binarizer=PlainSign())

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.fc(self.conv(x).flatten(1))
        return result


def measured(
    model: nn.Module,
    change: Callable[[], None],
    *inputs: Tensor,
    add: Callable[[Tensor], Tensor] = alone,
) -> dict[str, float]:
    records = SignRecords(model)
    records.start_epoch()
    with torch.no_grad():
        change()
        with records.watching():
            for x in inputs:
                model(x)
    return records.measures(add)


def test_flips_are_shares_of_a_layer_s_weights() -> None:
    model = Net()
    with torch.no_grad():
        model.conv.weight.fill_(0.5)
        model.fc.weight.fill_(-0.5)

    def flip() -> None:
        model.conv.weight.view(-1)[:4] *= -1
        model.fc.weight[3, :3] = 0.0  # zero is +1

    result = measured(model, flip)
    assert result["flips/conv"] == 4 / 16
    assert result["flips/fc"] == 3 / 32
    assert [result[f"weights/conv/{part}"] for part in ("mean", "min", "max")] == [0.75, 0.5, 1]
    assert result["weights/fc/mean"] == 3 / 32
    assert (result["weights/fc/min"], result["weights/fc/max"]) == (0, 3 / 8)
    assert not [name for name in result if name.startswith("inputs")]


def test_it_is_the_binarized_weight_that_counts() -> None:
    model = Net()
    with torch.no_grad():
        model.conv.weight.fill_(1.0)
        model.conv.weight.view(2, -1)[:, 0] = -0.001  # WSD moves it up by 0.005 · 7/8

    result = measured(model, lambda: None)
    assert result["weights/conv/mean"] == 1.0


def test_inputs_are_counted_by_channel_in_the_first_batch_only() -> None:
    model = Net().eval()
    random = np.random.default_rng(0)
    first, second = (torch.tensor(random.normal(0.3, 1, (5, 2, 3, 3))).float() for _ in range(2))
    result = measured(model, lambda: None, first, second)
    shares = (first >= 0).double().mean((0, 2, 3))
    assert result["inputs/conv/mean"] == pytest.approx(float(shares.mean()))
    assert result["inputs/conv/min"] == pytest.approx(float(shares.min()))
    assert result["inputs/conv/max"] == pytest.approx(float(shares.max()))
    with torch.no_grad():
        hidden = model.conv(first).flatten(1)
    assert result["inputs/fc/mean"] == pytest.approx(float((hidden >= 0).double().mean()))
    assert not model.conv.activation_binarizer._forward_hooks


def test_processes_are_added_up_and_one_may_have_no_images() -> None:
    model = Net().eval()
    x = torch.randn(5, 2, 3, 3)
    once = measured(model, lambda: None, x)
    assert measured(model, lambda: None, x, add=lambda counts: 2 * counts) == once
    seen: list[Tensor] = []

    def other_has_them(counts: Tensor) -> Tensor:
        seen.append(counts)
        return counts + torch.tensor([*[1.0] * (len(counts) - 1), 4.0])

    nothing = measured(model, lambda: None, add=other_has_them)
    assert [len(counts) for counts in seen] == [3, 9]
    assert nothing["inputs/conv/mean"] == 0.25


def test_every_binary_layer_of_a_network_is_found() -> None:
    model = build("resnet20", get("sdbnn"), classes=10, channels=3)
    layers = binary_weights(model)
    assert len(layers) == 18
    assert "stage1.0.conv" in layers
    assert binary_weights(nn.Sequential(nn.Conv2d(3, 4, 3))) == {}


@pytest.mark.parametrize(
    ("binarize", "kinds"),
    [
        ("both", {"flips", "weights", "inputs"}),
        ("activations", {"inputs"}),
        ("weights", {"flips", "weights"}),
    ],
)
def test_what_stays_real_is_left_out(binarize: str, kinds: set[str]) -> None:
    model = build("digits", get("bireal", binarize=binarize), classes=10, channels=1).eval()
    result = measured(model, lambda: None, torch.randn(4, 1, 8, 8))
    assert {name.split("/")[0] for name in result} == kinds
    assert {name.split("/")[1] for name in result} == {"conv1", "conv2"}
