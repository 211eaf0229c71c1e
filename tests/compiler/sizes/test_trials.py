"""A file of any size answers at other sizes as PyTorch does, or refuses to load."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.compiler.nets import compiled
from tests.compiler.sizes.models import SIZE, assert_answers_at, for_any_size, net
from tests.compiler.small import small_net
from tests.thorough import sample
from torch import Tensor, nn

import signbit
from signbit.compiler.sizes import trials
from signbit.errors import CompileError, InputError
from signbit.nn.layers import BinaryConv2d


@pytest.mark.slow
def test_a_small_network() -> None:
    model = net()
    file = for_any_size(model)
    assert file.graph.any_size
    assert file.graph.inputs[0].shape == SIZE
    tried = [each.size for each in file.sizes]
    assert len(tried) >= 3
    assert any(height % 2 and width % 2 for height, width in tried)
    assert any(height > SIZE[0] and width > SIZE[1] for height, width in tried)
    assert any(height < SIZE[0] and width < SIZE[1] for height, width in tried)
    assert all(each.agreement and each.agreement.agrees for each in file.sizes)
    for size in (SIZE[:2], (1, 1), (23, 4), (5, 31)):
        assert_answers_at(model, file.data, *size)


def test_a_file_of_one_size_stays_what_it_is() -> None:
    model = net()
    file = compiled(model, SIZE)
    assert not file.graph.any_size
    assert not file.sizes
    with pytest.raises(InputError, match="compile it with --any-size"):
        signbit.load(file.data, input_size=(5, 31))


@pytest.mark.slow
def test_every_block_of_a_method() -> None:
    # An average pool beside a convolution of stride 2 fits even maps alone.
    file = compiled(small_net("sdbnn"), (16, 8, 3), any_size=True)
    fit = [each.size for each in file.sizes if each.agreement]
    assert len(fit) >= 3
    assert all(not each.why.startswith("the file") for each in file.sizes if each.agreement)
    assert any("PyTorch: The size of tensor" in each.why for each in file.sizes)
    with pytest.raises(InputError, match=r"33×8 does not fit: .*every.*units\.2\.conv"):
        signbit.load(file.data, input_size=(33, 8))


def _two_values(kernel: int, dilation: int = 1, **window: int) -> nn.Module:
    """AdaBin's weights and activations: what a missing tap owes depends on the border."""
    from signbit import methods

    torch.manual_seed(4)
    method = methods.get("adabin")
    conv = method.conv2d(4, 6, kernel, **window)
    conv.dilation = (dilation, dilation)
    layers = (nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), conv, nn.BatchNorm2d(6))
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return model.eval()


WINDOWS = [
    {"kernel": 3, "padding": 1},
    {"kernel": 3, "padding": 1, "stride": 2},
    {"kernel": 5, "padding": 2, "stride": 3},
    {"kernel": 7, "padding": 3},
    {"kernel": 3, "padding": 2, "dilation": 2},
    {"kernel": 2, "padding": 1, "stride": 2},
]


@pytest.mark.slow
@pytest.mark.parametrize("window", sample(WINDOWS, *WINDOWS[2:5]))
def test_terms_by_border_at_every_size(window: dict[str, int]) -> None:
    model = _two_values(**window)
    file = for_any_size(model)
    for size in ((1, 1), (1, 6), (2, 3), (4, 1), (3, 13), (14, 5), (16, 17)):
        assert_answers_at(model, file.data, *size)


def _gate_first(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True).sigmoid() * x


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", sample([(12, 10, 3), (2, 2, 3), (1, 1, 3), (1, 5, 3)], (1, 1, 3), (1, 5, 3))
)
def test_maps_of_one_pixel(size: tuple[int, int, int]) -> None:
    # There a gate, which is read everywhere, looks like a value that is read in its place.
    model = net(_gate_first, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5))
    file = for_any_size(model, size)
    for other in ((1, 1), (7, 9), (2, 1), (20, 3)):
        assert_answers_at(model, file.data, *other)


@pytest.mark.slow
def test_maps_as_outputs() -> None:
    model = net(None, nn.Conv2d(6, 3, 1))
    file = for_any_size(model)
    assert_answers_at(model, file.data, 9, 14)
    assert signbit.load(file.data, input_size=(9, 14)).outputs[0].shape == (5, 7, 3)


@pytest.mark.slow
def test_the_engine_refuses_sizes_that_are_too_small() -> None:
    model = net(
        None, BinaryConv2d(6, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    file = for_any_size(model)
    assert_answers_at(model, file.data, 5, 6)
    with pytest.raises(InputError, match=r"4×6 does not fit: .*kernel.*; images of 5×5 fit"):
        signbit.load(file.data, input_size=(4, 6))


def _unlike(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Another function while the size is open, as a model may do that hides what it asks."""

    def hidden(x: Tensor) -> Tensor:
        return x if isinstance(x.shape[2], torch.SymInt) else function(x)

    return hidden


HIDDEN: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "branch": (lambda x: -x if x.shape[2] > 12 else x, "at images of"),
    "other numbers": (
        lambda x: F.max_pool2d(x, 3 if x.shape[2] > 12 else 5, 1, 1 if x.shape[2] > 12 else 2),
        r"0\.2 \(aten\.max_pool2d\): is called with ",
    ),
    "other slope": (
        lambda x: F.leaky_relu(x, 0.5 if x.shape[2] > 12 else 0.25),
        r"0\.2 \(aten\.leaky_relu\): is called with 0\.",
    ),
    "refuses large ones": (lambda x: x if x.shape[2] < 20 else x.view(7), "but a file would"),
    "not for the engine": (
        lambda x: x if x.shape[2] < 20 else x.erfinv(),
        "the engine has no such",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HIDDEN)
def test_what_the_export_did_not_show_is_found_at_other_sizes(name: str) -> None:
    function, message = HIDDEN[name]
    with pytest.raises(CompileError, match=message) as caught:
        for_any_size(net(_unlike(function)))
    assert "at images of" in str(caught.value)


@pytest.mark.slow
def test_other_constants_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter(np.linspace(0.1, 0.9, 50))

    def leaking(x: Tensor) -> Tensor:
        return x + torch.full((4, 1, 1), float(next(numbers)))

    with pytest.raises(CompileError, match=r"at images of .*0\.2 \(aten\.full\): is called with"):
        for_any_size(net(_unlike(leaking)))
    monkeypatch.setattr(trials, "programs_differ", lambda ours, other: "")
    with pytest.raises(CompileError, match=r"at images of .*0.*: has other constants"):
        for_any_size(net(_unlike(leaking)))


@pytest.mark.slow
def test_too_few_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    model = net(None, nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5))
    monkeypatch.setattr(trials, "_usual_sizes", lambda *size: iter([(24, 20), (2, 2), (1, 1)]))
    with pytest.raises(CompileError) as caught:
        for_any_size(model)
    message = str(caught.value)
    assert message.startswith(
        "of the other sizes that were tried 24×20 fit, but a file of any size"
    )
    assert "these do not fit: 2×2 (PyTorch: " in message
