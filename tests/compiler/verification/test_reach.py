"""How far rounding can move a value: a bound that holds, and is no larger than it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.compiler.nets import compiled, pixels
from tests.compiler.small import SIZE, small_net

from signbit.bitformat.activations import activate
from signbit.bitformat.validate import validate
from signbit.compiler import Compiled
from signbit.compiler.verification.node_reach import NodeReach
from signbit.compiler.verification.reach import Reach
from signbit.runtime.reference import ReferenceEngine

MOST = float(np.finfo(np.float32).max)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["adabin", "xnor"])
def test_no_value_is_larger(method: str) -> None:
    """Of every real of a network that has every kind of node, fed the values before it or none."""
    _assert_no_value_is_larger(compiled(small_net(method), SIZE))


class _Moves(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        x = torch.cat((x[:, 2:5], F.avg_pool2d(x, 3, 1, 1)), 1)
        x = F.pixel_unshuffle(F.interpolate(x, scale_factor=2), 2)
        x = F.pixel_shuffle(x - x.amax((2, 3), keepdim=True), 2)
        return F.max_pool2d(x, 3, 2, 1, ceil_mode=True)


def test_no_value_that_moves_is_larger() -> None:
    _assert_no_value_is_larger(compiled(_Moves().eval(), SIZE))


def _assert_no_value_is_larger(result: Compiled) -> None:
    images = pixels(1, SIZE)
    tensors = validate(result.graph, result.constants)
    reals = {
        number: node
        for node, written in result.graph.written()
        for number in written
        if tensors[number].kind == "real"
    }
    values = ReferenceEngine(result.data).run_nodes({0: images}, reals)
    for fed in (values, {}):
        for name, node in reals.items():
            before = {other: value for other, value in fed.items() if other != name}
            reach = NodeReach(result.graph, tensors, result.constants, before).of_value(node)
            assert reach.largest.shape == (values[name].shape[-1],)
            assert (np.abs(values[name]).max((0, 1, 2)) <= reach.largest * (1 + 1e-5)).all()


def test_of_a_convolution() -> None:
    """One channel a group; weights and shifts by hand, pixels up to 255."""
    result = compiled(torch.nn.Conv2d(3, 3, 1, groups=3, bias=False).eval(), SIZE)
    (node,) = result.graph.nodes
    constants = dict(result.constants)
    constants[str(node["weight"])] = np.array([2, -3, 0.5], np.float32).reshape(3, 1, 1, 1)
    constants[str(node.steps[0]["shift"])] = np.array([1, -1, 0], np.float32)
    tensors = validate(result.graph, constants)
    nodes = NodeReach(result.graph, tensors, constants, {})
    reach = nodes.of_value(node)
    np.testing.assert_allclose(reach.largest, [511, 766, 127.5])
    assert reach.roundings == 1 + 8
    before = nodes.of_value(node, 0)
    np.testing.assert_allclose(before.largest, [510, 765, 127.5])
    assert before.roundings == 1


def test_orders_of_one_sum_differ_by_less() -> None:
    random = np.random.default_rng(0)
    for taps in (27, 576, 4608):
        x, w = random.normal(size=(2, 50, taps)).astype(np.float32)
        products = x * w
        one = np.add.accumulate(products, axis=1)[:, -1]
        other = np.add.accumulate(products[:, ::-1], axis=1)[:, -1]
        margin = Reach(np.abs(products).sum(1).astype(np.float64), taps).margin
        assert (one != other).any()
        assert (np.abs(one - other) < margin).all()
        # Of unit roundoffs 2^-24, two for each of the terms.
        np.testing.assert_allclose(margin, 2 * taps * 2.0**-24 * np.abs(products).sum(1), rtol=1e-3)


def test_an_exact_value_has_no_margin() -> None:
    assert (Reach(np.array([4608.0]), 0).margin == 0).all()


@pytest.mark.parametrize(
    ("activation", "constants", "largest"),
    [
        ("relu", (), [2, 4]),
        ("hardtanh", (), [2, 4]),
        ("prelu", ([0.25, -3],), [2, 12]),
        ("maxout", ([0.25, -3], [0.5, 1]), [1, 12]),
        ("sigmoid", (), [1.5, 2]),
        ("clip", ([-3, -3], [1, 1]), [2, 4]),
        ("clip", ([-3.0, 3], [MOST, MOST]), [2, 4]),
        ("clip", ([-MOST, 5], [-3, MOST]), [3, 5]),
        ("hardswish", (), [3, 6]),
    ],
)
def test_of_activations(
    activation: str, constants: tuple[list[float], ...], largest: list[float]
) -> None:
    arrays = [np.array(constant) for constant in constants]
    reach = Reach(np.array([2.0, 4.0]), 3).activated(activation, *arrays)
    np.testing.assert_array_equal(reach.largest, np.asarray(largest, np.float64))


@pytest.mark.parametrize(
    "activation", ["sigmoid", "hard_sigmoid", "tanh", "hardswish", "silu", "gelu"]
)
def test_no_activation_is_steeper(activation: str) -> None:
    x = np.linspace(-8, 8, 20001, dtype=np.float32)
    y = activate(activation, x).astype(np.float64)
    (steepest,) = Reach(np.ones(1), 0).activated(activation).largest
    assert np.abs(np.diff(y) / np.diff(x.astype(np.float64))).max() <= steepest + 1e-2


def test_of_an_activation_that_nobody_knows_no_sign_is_certain() -> None:
    reach = Reach(np.array([2.0, 4.0]), 3).activated("unheard of")
    assert (reach.margin >= MOST).all()
    assert (reach.times(reach).scaled(0.5, 1).margin >= MOST / 2).all()
    assert (Reach(np.array([2.0]), 0).uncertain().margin >= 2).all()


def test_relative_errors_of_a_product_add_up() -> None:
    """x·y of two values that each side has rounded n times."""
    random = np.random.default_rng(1)
    x, y = random.uniform(1, 2, (2, 10_000))
    errors = random.uniform(-1, 1, (4, 10_000)) * 100 * 2.0**-24
    one = (x * (1 + errors[0])) * (y * (1 + errors[1]))
    other = (x * (1 + errors[2])) * (y * (1 + errors[3]))
    reach = Reach(np.array([x.max()]), 100).times(Reach(np.array([y.max()]), 100))
    assert reach.roundings == 208
    assert (np.abs(one - other) < reach.margin).all()
    # ... and not by much less than it says.
    assert np.abs(one - other).max() > reach.margin / 3
