"""The sign of a pool is the pool of signs: one bit moves instead of a float.

sign is non-decreasing, so sign(max(x)) = max(sign(x)).
"""

from __future__ import annotations

from dataclasses import replace

from signbit.compiler.ir import Graph, Node

__all__ = ["pool_signs"]


def pool_signs(graph: Graph) -> None:
    """Where only signs read the pool of reals."""
    for node in graph:
        if node.op != "max_pool" or node.is_sign or node.name == graph.output:
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
        input=source.name,
        shape=source.shape,
        signed=source.origin.export,
        origin=sign.origin._replace(export=""),
    )
    graph.insert_before(sign.name, first)
    graph.nodes[sign.name] = replace(
        pool, name=sign.name, input=first.name, is_sign=True, origin=sign.origin, body=pool.origin
    )
