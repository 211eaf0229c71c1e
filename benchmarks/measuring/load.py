"""A client that keeps many connections to an HTTP server of this machine busy, in one process."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import numpy as np

__all__ = ["against_nothing", "load"]

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")
_STUB = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def load(
    port: int, bodies: Sequence[bytes], path: str, connections: int, seconds: float
) -> dict[str, Any]:
    """POST the bodies in turn to 127.0.0.1, as fast as answers come; see `_run` for the result."""
    return asyncio.run(_run(port, bodies, path, connections, seconds, None))


def against_nothing(
    bodies: Sequence[bytes], connections: int, seconds: float, rate: float
) -> dict[str, Any]:
    """The same at `rate` requests per second, answered at once by a server in this process."""

    async def run() -> dict[str, Any]:
        server = await asyncio.get_running_loop().create_server(_Stub, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await _run(port, bodies, "/", connections, seconds, rate)

    return asyncio.run(run())


async def _run(
    port: int,
    bodies: Sequence[bytes],
    path: str,
    connections: int,
    seconds: float,
    rate: float | None,
) -> dict[str, Any]:
    """Figures of all requests: count, per_s, cpu_seconds of this process, p50_ms, p99_ms, most_ms.

    failures: what went wrong, of each answer but 200. One that fails ends its connection.
    """
    requests = [
        b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
        % (path.encode(), len(b))
        + b
        for b in bodies
    ]
    begun = time.perf_counter()
    used = time.process_time()
    times: list[float] = []
    failures: list[str] = []
    turn = 0

    async def client(first: int) -> None:
        nonlocal turn
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with closing(writer):
            while time.perf_counter() < begun + seconds:
                if rate is not None:
                    turn += 1
                    await asyncio.sleep(begun + turn / rate - time.perf_counter())
                first += 1
                sent = time.perf_counter()
                writer.write(requests[first % len(requests)])
                if told := await _answer(reader):
                    failures.append(told)
                    return
                times.append(time.perf_counter() - sent)

    clients = (client(index * len(requests) // connections) for index in range(connections))
    for ended in await asyncio.gather(*clients, return_exceptions=True):
        if isinstance(ended, BaseException):
            failures.append(repr(ended))
    lasted = time.perf_counter() - begun
    p50, p99, most = np.quantile(times or [0.0], [0.5, 0.99, 1]) * 1000
    return {
        "requests": len(times),
        "per_s": len(times) / lasted,
        "cpu_seconds": time.process_time() - used,
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "most_ms": float(most),
        "failures": len(failures),
        "first_failures": [*islice(dict.fromkeys(failures), 5)],
    }


async def _answer(reader: asyncio.StreamReader) -> str:
    """Read an answer to its end; what is wrong with it, or nothing."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    if head.startswith(b"HTTP/1.1 200 "):
        return ""
    return (head.split(b"\r\n", 1)[0] + b" " + body[:100]).decode(errors="replace")


class _Stub(asyncio.Protocol):
    """A server that reads requests to their end, and answers each at once."""

    def connection_made(self, transport: Any) -> None:
        self._transport, self._head, self._left = transport, b"", 0

    def data_received(self, data: bytes) -> None:
        if not self._left:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            length = _LENGTH.search(head + b"\r\n")
            if not end or not length:
                return
            self._head, self._left = b"", int(length[1])
        self._left -= len(data)
        if not self._left:
            self._transport.write(_STUB)
