"""What depends on the number of images is refused where it stands; what does not compiles."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.compiler.nets import assert_same_answers, compiled
from torch import Tensor, nn

from signbit.errors import CompileError

SIZE = (6, 6, 3)


class Asks(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def _net(function: Callable[[Tensor], Tensor]) -> nn.Module:
    body = nn.Sequential(nn.Conv2d(3, 4, 3), Asks(function))
    return nn.Sequential(body, nn.Flatten(), nn.Linear(64, 3)).eval()


def _one(x: Tensor) -> Tensor:
    return x + 0.5 if x.shape[0] == 1 else x


def _fewer_than_two(x: Tensor) -> Tensor:
    return x * 2 if len(x) < 2 else x


def _more_than_eight(x: Tensor) -> Tensor:
    return x + 0.5 if x.size(0) > 8 else x


def _even(x: Tensor) -> Tensor:
    return x if x.shape[0] % 2 == 0 else -x


def _elements(x: Tensor) -> Tensor:
    return x if x.numel() > 100 else -x


def _whole_batch(x: Tensor) -> Tensor:
    return x if x.numel() > 64 else -x


def _at_least_two(x: Tensor) -> Tensor:
    return x if x.shape[0] >= 2 else -x


def _not_one(x: Tensor) -> Tensor:
    return x if x.shape[0] - 1 else -x


def _exactly(x: Tensor) -> Tensor:
    return x.relu() if x.shape == (2, 4, 4, 4) else x


BRANCHES = (
    *(_one, _fewer_than_two, _more_than_eight, _even, _elements, _whole_batch, _at_least_two),
    *(_not_one, _exactly),
)


@pytest.mark.parametrize("function", BRANCHES)
def test_a_branch_is_refused_by_module_and_line(
    function: Callable[[Tensor], Tensor], capfd: pytest.CaptureFixture[str]
) -> None:
    model = _net(function)
    with pytest.raises(CompileError) as caught:
        compiled(model, SIZE)
    message = str(caught.value)
    line = function.__code__.co_firstlineno + 1
    assert message.startswith(f"0.1 (test_batch_size.py, line {line}: return x")
    assert "is not the same for each image of any batch size" in message
    assert "\n" not in message
    # Nothing of torch's own, nor on the screen, nor in the model.
    assert capfd.readouterr() == ("", "")
    assert not any(module._forward_pre_hooks for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.stack(list(x)),
        lambda x: x.view(2, 4, 4, 4),
        lambda x: x + x.new_ones(2, 1, 1, 1),
    ],
    ids=["unrolled", "view", "added"],
)
def test_a_fixed_batch_size_is_refused(function: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(CompileError, match="any batch size"):
        compiled(_net(function), SIZE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.view(x.size(0), -1).view(-1, 4, 4, 4),
        lambda x: x.flatten(1).reshape(x.shape[0], *x.shape[1:]),
        lambda x: x.view(x.shape[0] * 1, 4, 4, 4),
        lambda x: x.relu() if x.shape[1] == 4 else x,
        lambda x: x if x.dim() == 4 else x.unsqueeze(0),
        lambda x: x.contiguous(memory_format=torch.channels_last),
    ],
    ids=["view", "reshape", "arithmetic", "channels", "dimensions", "layout"],
)
def test_what_is_the_same_for_every_batch_size_compiles(
    function: Callable[[Tensor], Tensor],
) -> None:
    for count in (1, 3):
        assert_same_answers(_net(function), SIZE, count)
