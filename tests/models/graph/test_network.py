"""A network that is data: values of its nodes, and what is refused."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from signbit.errors import RecipeError
from signbit.models.graph import GraphNetwork, GraphNode, is_free_name
from signbit.models.graph import network as module
from signbit.models.graph.functions import FUNCTIONS
from signbit.nn.functional import binary_conv2d
from signbit.nn.layers import BinaryWeight

X = torch.linspace(-3, 3, 2 * 4 * 6 * 5).reshape(2, 4, 6, 5)[:, [2, 0, 3, 1]]

ONE = {
    "clip": ({"low": -1.0, "high": 2.0}, lambda x: x.clamp(-1, 2)),
    "leaky_relu": ({"slope": 0.2}, lambda x: F.leaky_relu(x, 0.2)),
    "softmax": ({"dim": 1}, lambda x: x.softmax(1)),
    "max_pool": ({"kernel": [3, 2], "stride": [2, 1]}, lambda x: F.max_pool2d(x, (3, 2), (2, 1))),
    "average_pool": (
        {"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1], "count_padding": True},
        lambda x: F.avg_pool2d(x, 3, 2, 1),
    ),
    "mean": ({"dims": [2, 3], "keep": False}, lambda x: x.mean((2, 3))),
    "reshape": ({"shape": [8, 15]}, lambda x: x.reshape(2, 8, 15)),
    "permute": ({"dims": [0, 2, 3, 1]}, lambda x: x.permute(0, 2, 3, 1)),
    "slice": ({"dim": 2, "start": 1, "stop": 6, "step": 2}, lambda x: x[:, :, 1::2]),
    "pad": ({"sides": [1, 0, 0, 2], "value": -1.0}, lambda x: F.pad(x, (1, 0, 0, 2), value=-1)),
    "gelu": ({}, F.gelu),
    "hard_sigmoid": ({}, F.hardsigmoid),
    "hard_swish": ({}, F.hardswish),
    **{name: ({}, getattr(torch, name)) for name in ("abs", "relu", "sigmoid", "tanh")},
    "negate": ({}, torch.neg),
}
"""Operation → its arguments, and what it gives of `X`."""

TWO = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "matmul": lambda a, b: a.transpose(2, 3) @ b,
    "concatenate": lambda a, b: torch.cat((a, b), 1),
}


def network(*nodes: GraphNode) -> GraphNetwork:
    return GraphNetwork((6, 5), nodes).eval()


def test_every_function_is_tried() -> None:
    assert {*ONE, *TWO} == FUNCTIONS.keys()


@pytest.mark.parametrize("op", ONE)
def test_functions_of_one_value(op: str) -> None:
    args, expected = ONE[op]
    torch.testing.assert_close(
        network(GraphNode("it", op, ("image",), args))(X), expected(X), rtol=0, atol=0
    )


@pytest.mark.parametrize("op", TWO)
def test_functions_of_two_values(op: str) -> None:
    first = GraphNode("first", "abs", ("image",))
    if op == "matmul":
        first = GraphNode("first", "permute", ("image",), {"dims": [0, 1, 3, 2]})
    args = {"dim": 1} if op == "concatenate" else {}
    model = network(first, GraphNode("it", op, ("first", "image"), args))
    expected = TWO[op](X if op == "matmul" else X.abs(), X)
    torch.testing.assert_close(model(X), expected, rtol=0, atol=0)


def test_a_layer_of_signs_by_thresholds() -> None:
    """RSign by minus the thresholds compares as such, ties included."""
    sizes = {"in_channels": 4, "out_channels": 3, "kernel_size": [3, 3], "padding": [1, 1]}
    model = network(
        GraphNode("conv", "binary_conv2d", ("image",), {**sizes, "activation": {"shift": 4}})
    )
    limits = X[0, :, 0, 0].clone()
    torch.nn.init.constant_(model.conv.activation_binarizer.bias, 0).data.sub_(limits)
    signs = torch.where(limits.reshape(-1, 1, 1) > X, -1.0, 1.0)
    weight = torch.where(model.conv.weight < 0, -1.0, 1.0)
    assert torch.equal(model(X), binary_conv2d(signs, BinaryWeight(weight), padding=(1, 1)))


@pytest.mark.parametrize("weights", [[0.5, 0.5], [0.5, 0.25]])
@pytest.mark.parametrize("offset", [0.0, 1.5])
@pytest.mark.parametrize("shape", [[2], [2, 4]])
def test_values_of_several_bits(weights: list[float], offset: float, shape: list[int]) -> None:
    spec = {"levels": shape, "weights": weights, "offset": offset}
    model = network(GraphNode("it", "binarize", ("image",), {"activation": spec}))
    limits = torch.tensor([-1.0, 1.0]).reshape(2, 1).expand(2, 4)
    buffer = model.it.activation_binarizer.thresholds
    buffer.copy_(limits if len(shape) == 2 else limits[:, 0])
    signs = [torch.where(limit.reshape(-1, 1, 1) > X, -1.0, 1.0) for limit in limits]
    expected = offset + weights[0] * signs[0] + weights[1] * signs[1]
    torch.testing.assert_close(model(X), expected)


def test_tensors_of_their_own() -> None:
    model = network(
        GraphNode("c", "constant", (), {"shape": [1, 4, 1, 1]}),
        GraphNode("sum", "add", ("image", "c")),
        GraphNode("norm", "batch_norm", ("sum",), {"channels": 4, "dims": 4, "eps": 1e-3}),
        GraphNode("affine", "affine", ("norm",), {"channels": 4}),
        GraphNode("rows", "affine", ("affine",), {"channels": 5, "scale": False, "last": True}),
        GraphNode("prelu", "prelu", ("rows",), {"num_parameters": 4}),
    )
    names = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert names["c.value"] == (1, 4, 1, 1)
    assert (names["affine.scale"], names["rows.shift"], names["prelu.weight"]) == ((4,), (5,), (4,))
    assert {name for name, _ in model.named_parameters()}.isdisjoint({"c.value"})
    with torch.no_grad():
        model.c.value.fill_(2)
        model.affine.scale.fill_(3)
        model.rows.shift.copy_(torch.arange(5.0))
    expected: Tensor = F.prelu(
        3 * (X + 2) / torch.tensor(1.001).sqrt() + torch.arange(5.0), torch.tensor([0.25] * 4)
    )
    torch.testing.assert_close(model(X), expected)


FLAT = GraphNode("flat", "reshape", ("image",), {"shape": [120]})


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "has no nodes"),
        ([GraphNode("a", "exec", ("image",))], "unknown op 'exec'; choose one of abs, add"),
        ([GraphNode("a", "relu", ("b",))], "node a reads 'b', which no node before it yields"),
        ([GraphNode("a", "relu", ("a",))], "node a reads 'a'"),
        ([FLAT, FLAT], "'flat': the name is taken"),
        ([GraphNode("forward", "relu", ("image",))], "'forward': the name is taken, or is none"),
        ([GraphNode("a.b", "relu", ("image",))], "'a.b': the name is taken, or is none"),
        ([GraphNode("a", "clip", ("image",), {"lo": 1})], r"node a \(clip\): .*lo"),
        ([GraphNode("a", "relu", ("image",), {"x": 1})], r"node a \(relu\): takes no arguments"),
        ([GraphNode("a", "mean", ("image",))], r"node a \(mean\): missing"),
        ([GraphNode("a", "linear", ("image",), {"out": 1})], r"node a \(linear\): .*out"),
        (
            [GraphNode("a", "binarize", ("image",), {"activation": "eval"})],
            "activation must be sign",
        ),
    ],
)
def test_refuses(nodes: list[GraphNode], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        GraphNetwork((6, 5), nodes)


@pytest.mark.parametrize(
    ("name", "free"), [("conv1", True), ("_x", False), ("1x", False), ("image", False), ("", False)]
)
def test_names(name: str, free: bool) -> None:
    assert is_free_name(name) == free


def test_docstring_example() -> None:
    assert doctest.testmod(module, extraglobs={"torch": torch}).failed == 0


def test_plain_values_alone() -> None:
    """A node of a recipe that strangers wrote: sizes that are none are refused, not computed."""
    bad: list[dict[str, Any]] = [{"in_features": -1, "out_features": 2}, {"in_features": "x"}]
    for args in bad:
        with pytest.raises(RecipeError, match="node a"):
            GraphNetwork((6, 5), [GraphNode("a", "linear", ("image",), args)])
