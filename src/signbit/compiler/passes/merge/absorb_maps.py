"""One value per pixel that multiplies a convolution's result multiplies its dots (XNOR-Net's K).

    (α[c]·D)·K[y, x] = α[c]·(D·K[y, x])

Elsewhere the product stays a node of its own.
"""

from __future__ import annotations

from signbit.compiler.ir import Graph, Node, Step, is_affine, is_pooled

__all__ = ["absorb_maps"]


def absorb_maps(graph: Graph) -> None:
    """Move each product onto the binary convolution before it, over scales that only it reads."""
    for node in graph:
        step = node.only_step
        if step is not None and step.op == "multiply":
            _absorb(graph, node, node.operand(step))


def _absorb(graph: Graph, product: Node, factor: str) -> None:
    for values, by_pixel in ((product.input, factor), (factor, product.input)):
        is_map = graph[by_pixel].shape == product.shape._replace(channels=1)
        if is_map and values != by_pixel and graph[values].shape == product.shape:
            chain = _scaled_dots(graph, values)
            if chain is not None:
                _move(graph, product, by_pixel, chain)
                return


def _scaled_dots(graph: Graph, name: str) -> list[Node] | None:
    """From a convolution of signs to the value of this name, over scales; None if it is another."""
    chain: list[Node] = []
    while graph.only_reader(name) is not None:
        node = graph[name]
        chain.insert(0, node)
        if node.op == "binary_conv":
            return chain if node.yields_integers and not is_pooled(node) else None
        if not is_affine(node) or node.steps[0]["shift"].any():
            return None
        name = node.input
    return None


def _move(graph: Graph, product: Node, by_pixel: str, chain: list[Node]) -> None:
    """The convolution and its scales stand where the product stood: behind the map."""
    for node in chain:
        graph.move_before(product.name, node.name)
        origin = node.origin._replace(export="")  # PyTorch has the value without the map
        graph.update(node.name, origin=origin, body=node.body_origin)
    conv, last = chain[0], chain[-1]
    multiply = Step("multiply", {"input": 0, "repeat": "tile"})
    graph.put(graph[conv.name].then([multiply], [by_pixel]))
    graph.update(last.name, origin=product.origin)
    graph.redirect(product.name, last.name)
    graph.remove(product.name)
