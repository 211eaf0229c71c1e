from __future__ import annotations

import asyncio
import re
import threading

import pytest

from measuring import load

BODIES = [b"x" * size for size in (1, 70_000, 300_000)]  # of more than one packet, too


def test_a_rate_is_kept_and_every_answer_counted() -> None:
    found = load.against_nothing(BODIES, 8, 0.5, 100.0)
    assert 1 <= found["requests"] <= 60
    assert found["failures"] == 0
    assert 0 < found["p50_ms"] <= found["p99_ms"] <= found["most_ms"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy", "503 .* busy"),
        (b"", "IncompleteReadError|ConnectionResetError"),
    ],
)
def test_what_goes_wrong_is_told(answer: bytes, told: str) -> None:
    loop = asyncio.new_event_loop()

    async def answered(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(answered, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        found = load.load(server.sockets[0].getsockname()[1], BODIES, "/", 3, 0.2)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()
    assert (found["requests"], found["failures"]) == (0, 3)
    assert re.search(told, found["first_failures"][0])
