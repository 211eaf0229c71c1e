"""Maxout's native op against PyTorch's operations: the same bits forward, float64 backward."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from signbit.fast import maxout as module
from signbit.fast import use_native_ops
from signbit.nn.nonlinearities import Maxout


def draw(channels: int, size: tuple[int, int]) -> tuple[Maxout, Tensor, Tensor]:
    torch.manual_seed(channels)
    nonlinearity = Maxout(channels)
    for parameter in nonlinearity.parameters():
        nn.init.normal_(parameter)
    x, gradient = torch.randn(2, 5, channels, *size)
    x[:4, 0, 0, 0] = torch.tensor([0.0, -0.0, 1e-45, -1e-45])  # all but the last are not below 0
    return nonlinearity, x, gradient


def step(nonlinearity: Maxout, x: Tensor, gradient: Tensor, native: bool) -> list[Tensor]:
    x = x.clone().requires_grad_()
    with use_native_ops(native):
        y = nonlinearity(x)
        y.backward(gradient)
    assert x.grad is not None
    return [y.detach(), x.grad, *(p.grad for p in nonlinearity.parameters() if p.grad is not None)]


@pytest.mark.parametrize("channels", [1, 7, 16, 33, 64])
@pytest.mark.parametrize("size", [(1, 1), (9, 11)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_same_bits_forward_and_float64_backward(
    channels: int, size: tuple[int, int], channels_last: bool
) -> None:
    nonlinearity, x, gradient = draw(channels, size)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    plain, double = copy.deepcopy(nonlinearity), copy.deepcopy(nonlinearity).double()
    native = step(nonlinearity, x, gradient, True)
    torch_y, torch_of_x, *_ = step(plain, x, gradient, False)
    assert torch.equal(native[0], torch_y)
    assert torch.equal(native[1], torch_of_x)
    wanted = step(double, x.double(), gradient.double(), False)
    assert len(native) == len(wanted) == 4
    for mine, theirs in zip(native, wanted, strict=True):
        scale = float(theirs.abs().max()) + 1e-12
        torch.testing.assert_close(mine.double(), theirs, rtol=0, atol=2e-6 * scale)


def test_nan_and_infinity_go_where_pytorch_has_them() -> None:
    nonlinearity, x, gradient = draw(3, (2, 2))
    x[0, 0, 0, 0], x[1, 1, 0, 0], x[2, 2, 0, 0] = torch.nan, torch.inf, -torch.inf
    native = step(copy.deepcopy(nonlinearity), x, gradient, True)
    for mine, theirs in zip(native, step(nonlinearity, x, gradient, False), strict=True):
        torch.testing.assert_close(mine, theirs, equal_nan=True)


def test_the_number_of_threads_changes_sums_alone() -> None:
    nonlinearity, x, gradient = draw(24, (6, 5))
    results = []
    threads = torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append(step(copy.deepcopy(nonlinearity), x, gradient, True))
    finally:
        torch.set_num_threads(threads)
    for one, three in zip(*results, strict=True):
        torch.testing.assert_close(one, three, rtol=1e-5, atol=1e-5)
    assert torch.equal(results[0][1], results[1][1])


def test_vectors_evaluation_other_types_and_traces_are_left_to_pytorch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(
        "signbit.nn.nonlinearities.maxout", lambda *args: calls.append(1) or module.maxout(*args)
    )
    nonlinearity = Maxout(4)
    nonlinearity(torch.randn(3, 4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        nonlinearity(torch.randn(3, 4, 2, 2))
    copy.deepcopy(nonlinearity).double()(torch.randn(3, 4, 2, 2).double())
    nonlinearity.eval()(torch.randn(3, 4, 2, 2))
    torch.export.export(nonlinearity, (torch.randn(3, 4, 2, 2),))
    assert not calls
    nonlinearity.train()(torch.randn(3, 4, 2, 2))
    assert calls == [1]
