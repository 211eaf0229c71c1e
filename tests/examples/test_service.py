"""The HTTP service: its answers, its limits, and that it ends what it has begun."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from tests.examples.programs import ENGINE, imported, photograph, started, write_model

import signbit

for name in ("fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(name, reason=f"{name} is not installed: pip install -e '.[service]'")

SERVICE = imported("service")
SECONDS = 2.0


class Server:
    """A running service."""

    def __init__(self, folder: Path, *words: object) -> None:
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        model = write_model(folder)
        options = ("--port", 0, "--workers", 2, "--seconds", SECONDS, *words)
        self.process = started("service", model, *options, TMPDIR=str(self.scratch))
        self.said: list[str] = []
        self.port = 0
        for line in self.process.stdout or ():
            self.said.append(line)
            if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                break
        assert self.port, "".join(self.said)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        self.said.extend(self.process.stdout or ())

    def connected(self) -> closing[HTTPConnection]:
        return closing(HTTPConnection("127.0.0.1", self.port, timeout=60))

    def asked(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The code of an answer, and what its JSON says, or its text."""
        with self.connected() as connection:
            connection.request(method, path, body, headers)
            return answer_of(connection)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()


def answer_of(connection: HTTPConnection) -> tuple[int, Any]:
    answer = connection.getresponse()
    text = answer.read().decode()
    is_json = answer.getheader("content-type") == "application/json"
    return answer.status, json.loads(text) if is_json else text


@contextmanager
def running(folder: Path, *words: object) -> Iterator[Server]:
    server = Server(folder, *words)
    try:
        yield server
    finally:
        server.end()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = ("--megabytes", 0.2, "--megapixels", 0.1)
    with running(tmp_path_factory.mktemp("service"), *limits) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_it_answers_what_the_engine_does(server: Server, kind: str) -> None:
    photo = photograph(1, kind)
    code, answer = server.asked("POST", "/predict?top=3", photo)
    expected = ENGINE.predict(photo)
    assert code == 200
    assert (answer["class"], answer["index"]) == (expected.name, expected.index)
    assert answer["none"] is expected.is_none
    assert [(each["name"], each["probability"]) for each in answer["classes"]] == expected.top(3)
    code, answer = server.asked("POST", "/predict", iter([photo[:50], photo[50:]]))  # in chunks
    assert (code, len(answer["classes"])) == (200, 1)


SCANS = photograph(2, "JPEG", comment=b"\xff\xda" * 101)
BAD = {
    "no photograph": ("/predict", b"", 400, "no photograph"),
    "too many bytes": ("/predict", b"x" * 200_001, 413, "more than 0.2 MB"),
    "too many bytes, in chunks": ("/predict", [b"x" * 50_000] * 5, 413, "more than 0.2 MB"),
    "no image": ("/predict", b"hello", 415, "not a whole image of JPEG, PNG, WEBP"),
    "another format": ("/predict", photograph(3, "GIF"), 415, "not a whole image of"),
    "cut": ("/predict", photograph(4, "JPEG", (90, 80))[:-900], 422, "image: not a readable image"),
    "too many pixels": ("/predict", photograph(5, "JPEG", (500, 201)), 422, "500×201 pixels"),
    "too many scans": ("/predict", SCANS, 422, "a JPEG of more than 100 scans"),
    "no classes": ("/predict?top=0", photograph(6), 422, "top: "),
    "no number": ("/predict?top=x", photograph(6), 422, "top: .* is 'x'"),
    "another page": ("/nothing", photograph(6), 404, "Not Found"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_bad_requests_have_one_clear_message(server: Server, name: str) -> None:
    path, body, expected, words = BAD[name]
    code, answer = server.asked("POST", path, iter(body) if isinstance(body, list) else body)
    assert code == expected
    assert [*answer] == ["detail"]
    assert re.match(words, answer["detail"])
    assert server.asked("GET", "/health") == (200, {"status": "ok"})
    assert server.asked("GET", "/predict")[0] == 405


@pytest.mark.slow
def test_slow_clients_are_sent_away(server: Server) -> None:
    with server.connected() as connection, socket.socket() as silent:
        silent.connect(("127.0.0.1", server.port))
        silent.settimeout(60)
        silent.sendall(b"POST /predict HTTP/1.1\r\nHost:")  # a header that never ends
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"\xff\xd8")  # and a photograph
        code, answer = answer_of(connection)
        assert (code, answer["detail"]) == (408, "the photograph did not arrive in 2 seconds")
        assert silent.recv(10) == b""
    with server.connected() as connection:  # one that goes away is no trouble
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"\xff\xd8")
    assert server.asked("GET", "/health")[0] == 200


@pytest.mark.slow
def test_64_connections_have_their_own_answers(server: Server) -> None:
    photos = [photograph(seed) for seed in range(64)]
    expected = [found.name for found in ENGINE.predict(photos)]

    def ask(index: int) -> list[tuple[int, str]]:
        answers = []
        with server.connected() as connection:
            for _ in range(3):  # on one connection, kept alive
                connection.request("POST", "/predict", photos[index])
                code, answer = answer_of(connection)
                answers.append((code, answer["class"]))
        return answers

    before = server.asked("GET", "/metrics")[1]
    with ThreadPoolExecutor(64) as pool:
        for name, answers in zip(expected, pool.map(ask, range(64)), strict=True):
            assert answers == [(200, name)] * 3
    after = server.asked("GET", "/metrics")[1]
    line = r'^signbit_request_seconds_count\{code="200"\} (.*)$'
    counts = [re.findall(line, text, re.MULTILINE) or ["0"] for text in (before, after)]
    assert float(counts[1][0]) - float(counts[0][0]) == 192
    assert "\nsignbit_waiting 0.0\n" in after
    assert "\nsignbit_batch_photographs_sum" in after


@pytest.mark.slow
def test_it_ends_what_it_has_begun_and_keeps_no_photograph(tmp_path: Path) -> None:
    photo = photograph(7, size=(300, 300))
    with running(tmp_path) as server, server.connected() as begun, server.connected() as idle:
        written = Path(f"/proc/{server.process.pid}/io")
        before = re.findall("^write_bytes.*", written.read_text(), re.MULTILINE)
        idle.request("GET", "/health")
        assert answer_of(idle)[0] == 200
        begun.putrequest("POST", "/predict")
        begun.putheader("Content-Length", str(len(photo)))
        begun.endheaders(photo[:1000])
        time.sleep(0.3)  # so that it has them
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(ConnectionRefusedError):
            server.asked("GET", "/health")
        assert before == re.findall("^write_bytes.*", written.read_text(), re.MULTILINE)
        begun.send(photo[1000:])
        code, answer = answer_of(begun)
        assert (code, answer["class"]) == (200, ENGINE.predict(photo).name)
        assert server.process.wait(60) in (0, -signal.SIGTERM)
        assert [*server.scratch.iterdir()] == []
        assert "Traceback" not in "".join(server.said)


@pytest.mark.slow
def test_a_network_that_is_no_classifier_of_photographs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.sbnn").write_text("hello")
    process = started("service", tmp_path / "text.sbnn")
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 1
    assert re.fullmatch(r"error: .*text\.sbnn.*\n", said)


class Gated:
    """An engine that answers once it is let, and fails on some photographs."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.batches: list[list[bytes]] = []

    def predict(self, photos: list[bytes], return_exceptions: bool) -> list[Any]:
        assert return_exceptions
        self.batches.append(photos)
        self.gate.wait(60)
        if POISON in photos:
            raise signbit.SignbitError("its scores are not finite numbers")
        return [str(photo) for photo in photos]


POISON = photograph(99)
Workers = Any


def with_workers(
    do: Callable[[Workers, Gated], Any], workers: int = 2, **limits: float
) -> tuple[Any, Gated]:
    """What `do` returns in an event loop, with workers of an engine that waits."""
    engine = Gated()

    async def run() -> Any:
        made = SERVICE.Workers(engine, workers, SERVICE.Limits(**limits))
        try:
            return await do(made, engine)
        finally:
            engine.gate.set()
            made.stop()

    return asyncio.run(run()), engine


def test_what_waits_is_shared_among_the_threads() -> None:
    photos = [photograph(seed) for seed in range(13)]

    async def ask(workers: Workers, engine: Gated) -> list[Any]:
        asked = [asyncio.create_task(workers.answer(photo)) for photo in photos]
        await asyncio.sleep(0.05)
        engine.gate.set()
        return await asyncio.gather(*asked)

    answers, engine = with_workers(ask, batch=4)
    assert answers == [str(photo) for photo in photos]
    # Two begin alone. Of the other eleven a thread takes four, as there may be no more.
    assert sorted(map(len, engine.batches)) == [1, 1, 3, 4, 4]


def test_too_many_that_wait_are_sent_away_and_late_ones_are_not_begun() -> None:
    async def ask(workers: Workers, engine: Gated) -> list[Any]:
        asked = [asyncio.create_task(workers.answer(photograph(seed))) for seed in range(5)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        engine.gate.set()
        await asyncio.sleep(0.2)
        answers.append(await workers.answer(photograph(5)))
        return answers

    answers, engine = with_workers(ask, workers=1, waiting=2, seconds=0.3)
    told = [(each.status_code, each.detail) for each in answers[:5]]
    late, full = (503, "no answer in 0.3 seconds; try again"), (503, "too many photographs wait")
    assert told[:3] == [late] * 3
    assert [(code, words[: len(full[1])]) for code, words in told[3:]] == [full] * 2
    assert answers[5] == str(photograph(5))
    assert engine.batches == [[photograph(0)], [photograph(5)]]


def test_one_photographs_fault_is_no_others() -> None:
    photos = [photograph(1), photograph(2), POISON, photograph(3)]

    async def ask(workers: Workers, engine: Gated) -> list[Any]:
        asked = [asyncio.create_task(workers.answer(photo)) for photo in photos]
        await asyncio.sleep(0.05)
        engine.gate.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    answers, _ = with_workers(ask, workers=1)
    assert isinstance(answers[2], signbit.SignbitError)
    assert [*answers[:2], answers[3]] == [str(photo) for photo in (*photos[:2], photos[3])]


def test_a_thread_that_does_not_come_back_is_told_of() -> None:
    async def ask(workers: Workers, engine: Gated) -> list[Any]:
        asked = asyncio.create_task(workers.answer(photograph(1)))
        workers.require_progress()
        await asyncio.sleep(0.2)
        with pytest.raises(SERVICE.HTTPException, match="503"):
            workers.require_progress()
        return await asyncio.gather(asked, return_exceptions=True)

    with_workers(ask, seconds=0.02)
