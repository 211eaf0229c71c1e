"""What reads the values of signs and could as well read the bits reads the bits.

A convolution of the values has the same sums, and the sign of a sign is the sign. Where PyTorch's
operation stands behind a sign its mapping does so. This is for what a pass has moved there.
"""

from __future__ import annotations

from signbit.compiler.ir import Graph, SignRule

__all__ = ["read_bits"]


def read_bits(graph: Graph) -> None:
    """Let every real convolution, and whoever reads a sign of values of signs, read the signs."""
    for node in graph:
        if node.op not in ("real_conv", "sign"):
            continue
        values = graph[node.input]
        if values.op != "identity" or values.steps or not graph[values.input].is_sign:
            continue
        if node.op == "sign" and not SignRule.of(node).is_plain:
            continue
        if node.op == "sign":
            graph.redirect(node.name, values.input)
            graph.remove(node.name)
        else:
            graph.update(node.name, inputs=(values.input, *node.inputs[1:]))
