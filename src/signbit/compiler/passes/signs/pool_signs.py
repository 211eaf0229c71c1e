"""The sign of a pool is the pool of signs: one bit moves instead of a float.

sign(max(x)) = max(sign(x)), as sign is non-decreasing
"""

from __future__ import annotations

from dataclasses import replace

from signbit.compiler.ir import Graph, Node

__all__ = ["pool_signs"]


def pool_signs(graph: Graph) -> None:
    """Where only signs read the pool of reals."""
    for node in graph:
        if node.op != "max_pool" or node.is_sign or node.steps or node.name == graph.output:
            continue
        readers = graph.readers(node.name)
        if readers and all(reader.op == "sign" for reader in readers):
            for sign in readers:
                _swap(graph, node, sign)
            graph.remove(node.name)


def _swap(graph: Graph, pool: Node, sign: Node) -> None:
    source = graph[pool.input]
    first = replace(
        sign,
        name=graph.unique(f"{sign.name}.before_pool"),
        inputs=(source.name,),
        shape=source.shape,
        origin=sign.origin._replace(export="", signed=source.origin.export),
    )
    graph.insert_before(sign.name, first)
    origin = sign.origin._replace(signed="")
    pooled = replace(pool, name=sign.name, inputs=(first.name,), is_sign=True, origin=origin)
    graph.put(replace(pooled, body=pool.origin))
