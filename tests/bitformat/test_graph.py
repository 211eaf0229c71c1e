"""The size rule of windows, against placing the windows one by one."""

from __future__ import annotations

import pytest

from signbit.bitformat.graph import Graph, InputSpec, Node, SignOutput, TensorSpec, output_size


@pytest.mark.parametrize("size", [1, 2, 5, 8])
@pytest.mark.parametrize("kernel", [1, 2, 3, 7])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> None:
    reach = dilation * (kernel - 1)
    starts = [s for s in range(0, size + 2 * padding, stride) if s + reach < size + 2 * padding]
    assert max(0, output_size(size, kernel, stride, padding, dilation)) == len(starts)


def test_lookups() -> None:
    node = Node("n", "pointwise", "x", real="y", signs=(SignOutput("b", "t", "f"),))
    assert node.inputs == ("x",)
    assert node.outputs == ("y", "b")
    graph = Graph(InputSpec("x", 1), "y", (TensorSpec("x", "image", 1, 2, 3),), (node,))
    assert graph.tensor("x").shape == (1, 2, 3)
    with pytest.raises(KeyError):
        graph.tensor("z")
