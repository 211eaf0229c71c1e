"""What `Engine.explain` says of each node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from signbit.runtime.shown import nodes_html

__all__ = ["NodeReport", "NodeReports"]


class NodeReport(TypedDict):
    """One node of `Engine.explain`; ms and macs are one sample's.

    memory_bytes is what its constants take as the engine keeps them, threads is how many the node
    ran on. limit_gmacs_per_s is what their cores can do at most, and share is gmacs_per_s divided
    by it; both are None but for convolutions of signs and of float32. See `Engine.explain` for what
    the limit means.
    """

    name: str
    op: str
    kernel: str
    memory_bytes: int
    threads: int
    ms: float
    macs: int
    gmacs_per_s: float
    limit_gmacs_per_s: float | None
    share: float | None


class NodeReports(list[NodeReport]):
    """All nodes in order, a list that notebooks show as a table."""

    _repr_html_ = nodes_html


def node_reports(
    names: Iterable[str],
    nodes: Iterable[Mapping[str, Any]],
    times: Iterable[tuple[float, float, int]],
) -> NodeReports:
    """A report of each node: its name, what it is, and its (milliseconds, limit or 0, threads)."""
    reports = NodeReports()
    for name, node, (ms, limit, threads) in zip(names, nodes, times, strict=True):
        speed = node["macs"] / ms / 1e6 if ms > 0 else 0.0
        reports.append(
            {
                "name": name,
                "op": node["op"],
                "kernel": node["kernel"],
                "memory_bytes": node["bytes"],
                "threads": threads,
                "ms": ms,
                "macs": node["macs"],
                "gmacs_per_s": speed,
                "limit_gmacs_per_s": limit or None,
                "share": speed / limit if limit else None,
            }
        )
    return reports
