"""Native non-linearities against PyTorch's operations: the same bits forward, float64 backward."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from signbit.fast import nonlinearities, use_native_ops
from signbit.nn.nonlinearities import Maxout, RPReLU

KINDS = [Maxout, RPReLU]
OPS = {Maxout: ("maxout", nonlinearities.maxout), RPReLU: ("rprelu", nonlinearities.rprelu)}
"""Class -> the name by which it calls its native op, and the op."""

Kind = type[Maxout] | type[RPReLU]


def draw(kind: Kind, channels: int, size: tuple[int, int]) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(channels)
    nonlinearity = kind(channels)
    for parameter in nonlinearity.parameters():
        nn.init.normal_(parameter)
    if isinstance(nonlinearity, RPReLU):
        nonlinearity.before.data[0] = 0.0
    x, gradient = torch.randn(2, 5, channels, *size)
    x[:4, 0, 0, 0] = torch.tensor([0.0, -0.0, 1e-45, -1e-45])  # at the corner and beside it
    return nonlinearity, x, gradient


def step(nonlinearity: nn.Module, x: Tensor, gradient: Tensor, native: bool) -> list[Tensor]:
    x = x.clone().requires_grad_()
    with use_native_ops(native):
        y = nonlinearity(x)
        y.backward(gradient)
    assert x.grad is not None
    return [y.detach(), x.grad, *(p.grad for p in nonlinearity.parameters() if p.grad is not None)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 7, 16, 33, 64])
@pytest.mark.parametrize("size", [(1, 1), (9, 11)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_same_bits_forward_and_float64_backward(
    kind: Kind, channels: int, size: tuple[int, int], channels_last: bool
) -> None:
    nonlinearity, x, gradient = draw(kind, channels, size)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    plain, double = copy.deepcopy(nonlinearity), copy.deepcopy(nonlinearity).double()
    native = step(nonlinearity, x, gradient, True)
    torch_y, torch_of_x, *_ = step(plain, x, gradient, False)
    assert torch.equal(native[0], torch_y)
    assert torch.equal(native[1], torch_of_x)
    wanted = step(double, x.double(), gradient.double(), False)
    assert len(native) == len(wanted) == 2 + len(list(nonlinearity.parameters()))
    for mine, theirs in zip(native, wanted, strict=True):
        scale = float(theirs.abs().max()) + 1e-12
        torch.testing.assert_close(mine.double(), theirs, rtol=0, atol=2e-6 * scale)


@pytest.mark.parametrize("kind", KINDS)
def test_nan_and_infinity_go_where_pytorch_has_them(kind: Kind) -> None:
    nonlinearity, x, gradient = draw(kind, 3, (2, 2))
    x[0, 0, 0, 0], x[1, 1, 0, 0], x[2, 2, 0, 0] = torch.nan, torch.inf, -torch.inf
    native = step(copy.deepcopy(nonlinearity), x, gradient, True)
    for mine, theirs in zip(native, step(nonlinearity, x, gradient, False), strict=True):
        torch.testing.assert_close(mine, theirs, equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_threads_changes_sums_alone(kind: Kind) -> None:
    nonlinearity, x, gradient = draw(kind, 24, (6, 5))
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


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_evaluation_other_types_and_traces_are_left_to_pytorch(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    name, op = OPS[kind]
    monkeypatch.setattr(
        f"signbit.nn.nonlinearities.{name}", lambda *args: calls.append(1) or op(*args)
    )
    nonlinearity = kind(4)
    nonlinearity(torch.randn(3, 4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        nonlinearity(torch.randn(3, 4, 2, 2))
    copy.deepcopy(nonlinearity).double()(torch.randn(3, 4, 2, 2).double())
    nonlinearity.eval()(torch.randn(3, 4, 2, 2))
    exported = torch.export.export(nonlinearity, (torch.randn(3, 4, 2, 2),))
    assert not calls
    if kind is RPReLU:
        assert any("prelu" in str(node.target) for node in exported.graph.nodes)
    nonlinearity.train()(torch.randn(3, 4, 2, 2))
    assert calls == [1]
