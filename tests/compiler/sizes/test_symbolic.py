"""What fixes a size is refused where it stands: module, line, what it does, and the cure."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.sizes.models import SIZE, Asks, net
from torch import Tensor, nn

from signbit.compiler.sizes.symbolic import require_open_sizes
from signbit.errors import CompileError

Function = Callable[[Tensor], Tensor]


def _larger(x: Tensor) -> Tensor:
    return x if x.shape[-1] > 16 else -x


def _much_larger(x: Tensor) -> Tensor:
    return -x if x.shape[2] >= 3000 else x


def _one_size_alone(x: Tensor) -> Tensor:
    return -x if x.shape[2] == 777 else x


def _square(x: Tensor) -> Tensor:
    return x if x.shape[2] == x.shape[3] else -x


def _even(x: Tensor) -> Tensor:
    return x if x.shape[3] % 2 == 0 else -x


def _number_of_pixels(x: Tensor) -> Tensor:
    return x if x[0, 0].numel() < 10_000 else -x


def _as_an_integer(x: Tensor) -> Tensor:
    return F.pad(x, (0, int(x.shape[2]) // 100))


def _loop(x: Tensor) -> Tensor:
    return sum(x for _ in range(1 + x.shape[2] // 100))  # type: ignore[return-value]


ASKING = (
    *(_larger, _much_larger, _one_size_alone, _square, _even, _number_of_pixels, _as_an_integer),
    _loop,
)


@pytest.mark.slow
@pytest.mark.parametrize("function", ASKING)
def test_what_asks_for_the_size(function: Function) -> None:
    model = net(function)
    with pytest.raises(CompileError) as caught:
        require_open_sizes(model, SIZE)
    message = str(caught.value)
    line = function.__code__.co_firstlineno + 1
    assert message.startswith(f"0.2 (test_symbolic.py, line {line}: return ")
    assert "asks for the height or width of the images" in message
    assert "\n" not in message
    assert not any(module._forward_pre_hooks for module in model.modules())


MADE_FROM_THE_SIZE: dict[str, tuple[Function, str]] = {
    "pad to even": (lambda x: F.pad(x, (0, x.shape[3] % 2)), "aten.pad"),
    "pad of large ones": (lambda x: F.pad(x, (0, x.shape[3] // 100)), "aten.pad"),
    "pad of small ones": (lambda x: F.pad(x, (0, max(0, 5 - x.shape[3]))), "aten.pad"),
    "factor": (lambda x: x * (1 / x.shape[3]), "aten.mul.Tensor"),
    "number of pixels": (lambda x: x / x[0, 0].numel(), "aten.div.Tensor"),
    "positions": (lambda x: x + torch.arange(x.shape[3]), "aten.arange"),
    "tensor": (lambda x: x * torch.tensor(x.shape[3]), "aten.scalar_tensor"),
    "zeros": (lambda x: x + x.new_zeros(x.shape[2], 1), "aten.new_zeros"),
    "crop": (lambda x: x[:, :, : x.shape[2] // 2], "aten.slice.Tensor"),
    "size of another": (
        lambda x: F.interpolate(F.max_pool2d(x, 2), size=x.shape[2:]),
        "aten.upsample_nearest2d.vec",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE_FROM_THE_SIZE)
def test_numbers_made_from_the_size(name: str) -> None:
    function, target = MADE_FROM_THE_SIZE[name]
    with pytest.raises(CompileError) as caught:
        require_open_sizes(net(function), SIZE)
    message = str(caught.value)
    assert message.startswith(f"0.2 ({target})")
    line = Asks.forward.__code__.co_firstlineno + 1
    assert f"(models.py, line {line}: return self.function(x))" in message
    assert "takes a number that is made from the height or width of the images" in message


FIXING: dict[str, tuple[nn.Module, str]] = {
    "linear": (
        net(None, nn.Flatten(), nn.Linear(6 * 6 * 5, 5)),
        r"^4: works for images of 12×10 alone; .*nn\.AdaptiveAvgPool2d\(1\)",
    ),
    "mean of whole map": (
        net(None, nn.AvgPool2d((6, 5)), nn.Flatten(), nn.Linear(6, 5)),
        r"^5: works for images of 12×10 alone; .*nn\.AdaptiveAvgPool2d\(1\)",
    ),
    "positions": (
        net(lambda x: x + torch.ones(1, 4, 12, 10)),
        r"^0\.2: works for images of (height|width) 1. alone; .*leave out parameters of a map's",
    ),
    "positions of columns": (
        net(lambda x: x + torch.ones(10)),
        r"^0\.2: works for images of width 10 alone",
    ),
    "flatten": (
        net(None, nn.Flatten()),
        r"^3 \(aten\.flatten\.using_ints\).*: flattens maps .*; .*nn\.AdaptiveAvgPool2d\(1\)",
    ),
    "adaptive pool": (
        net(None, nn.AdaptiveAvgPool2d((2, 1))),
        r"^3 \(aten\.adaptive_avg_pool2d\).*: makes maps of height 2 .*AdaptiveAvgPool2d\(1\)",
    ),
    "fixed size": (
        net(lambda x: F.interpolate(x, size=(24, 20))),
        r"^0\.2 \(aten\.upsample_nearest2d\.vec\).*: makes maps of height 24 .* a factor in",
    ),
    "crop": (
        net(lambda x: x[:, :, :500, :500]),
        r"^0\.2 \(aten\.slice\.Tensor\).*: cuts or adds rows or columns",
    ),
    "pool of the whole": (
        net(lambda x: x * F.avg_pool2d(x, x.shape[2:])),
        r"^0\.2: works for images of height 12 alone; .*take the mean of each map",
    ),
    "rows one by one": (
        net(lambda x: torch.stack(list(x.unbind(2)), 2)),
        r"^0\.2: works for images of height 12 alone",
    ),
    "square": (net(lambda x: x @ x), r"^0\.2: works for images whose height and width belong"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FIXING)
def test_what_fixes_the_size(name: str) -> None:
    model, message = FIXING[name]
    size = (12, 12, 3) if name == "square" else SIZE
    with pytest.raises(CompileError, match=message):
        require_open_sizes(model, size)


def _cut_and_scaled(x: Tensor) -> Tensor:
    cut, scaled = x[:, :, :500], F.interpolate(x, size=(24, 20))
    return x + cut.mean((2, 3), keepdim=True) + scaled.mean((2, 3), keepdim=True)


def test_all_that_fixes_the_size_is_told_at_once() -> None:
    with pytest.raises(CompileError) as caught:
        require_open_sizes(net(_cut_and_scaled), SIZE)
    operations = [each.operation for each in caught.value.refusals]
    assert operations == ["aten.slice.Tensor", "aten.upsample_nearest2d.vec"]


OPEN: dict[str, Function] = {
    "nothing": lambda x: x,
    "gate": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "reshape": lambda x: x.view(x.shape[0], 2, 2, x.shape[2], x.shape[3]).flatten(1, 2),
    "there and back": lambda x: x.flatten(2).view(x.shape),
    "factor": lambda x: F.interpolate(x, scale_factor=2),
    "twice its size": lambda x: F.interpolate(x, size=(2 * x.shape[2], 2 * x.shape[3])),
    "every other": lambda x: x[:, :, ::2, ::2],
    "always true": lambda x: x if x.shape[2] > 0 else -x,
    "ceil": lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True),
    "dimensions": lambda x: x if x.dim() == 4 else -x,
    "dilated": lambda x: F.max_pool2d(x, 2, 1, dilation=2),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPEN)
def test_what_leaves_the_size_open(name: str) -> None:
    found = require_open_sizes(net(OPEN[name]), SIZE)
    assert all(min(size) >= 1 and size != SIZE[:2] for size in found)


def test_sizes_that_torch_tells_apart_are_worth_a_trial() -> None:
    model = net(lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2))
    assert any(height % 2 or width % 2 for height, width in require_open_sizes(model, SIZE))


class _Text(nn.Module):
    """Runs code that is in no file."""

    def forward(self, x: Tensor) -> Tensor:
        names: dict[str, Function] = {}
        exec("def ask(x):\n    return -x if x.shape[2] > 500 else x", names)
        return names["ask"](x)


def test_code_without_a_file() -> None:
    with pytest.raises(CompileError, match=r"^0\.2\.function .*: asks for the height or width"):
        require_open_sizes(net(_Text()), SIZE)


def test_what_cannot_be_followed_names_the_module() -> None:
    model = net(lambda x: x * F.avg_pool2d(x, x.shape[3]))
    with pytest.raises(CompileError, match=r"^0\.2: cannot be followed for images of any height"):
        require_open_sizes(model, SIZE)
    assert isinstance(model[0][2], Asks)  # type: ignore[index]
