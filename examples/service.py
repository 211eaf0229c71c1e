"""An HTTP service that classifies photographs.

    python examples/service.py model.sbnn --port 8000
    curl --data-binary @photo.jpg http://127.0.0.1:8000/predict?top=3

The body of a request is a photograph, JPEG, PNG or WebP, as it is in its file. It is kept in memory
until it is answered, and nowhere else. One process uses every core: a thread for each takes what
waits, some photographs at once, decodes and classifies them. GET /health says whether the threads
go on, GET /metrics has figures for Prometheus. docs/service.md has the limits and what they cost.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import math
import sys
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import Annotated, Any

import prometheus_client as prometheus
import uvicorn
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from PIL import Image, UnidentifiedImageError
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol

import signbit
from signbit.runtime.photographs import resize_rule
from signbit.runtime.prediction import class_labels

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_SCANS = 100
"""A progressive JPEG has about ten. Each takes the time of a photograph and a few bytes."""
BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


@dataclass(frozen=True)
class Limits:
    """What a client may ask for; each is an option of the command line."""

    megabytes: float = 8.0  # of a photograph's file
    megapixels: float = 25.0  # of a photograph
    waiting: int = 128  # photographs that no thread has begun; more are sent away
    connections: int = 256
    seconds: float = 10.0  # for a request to arrive, then for its answer
    batch: int = 8  # photographs that a thread takes at once, at most


class Workers:
    """Threads that answer the photographs that wait. All but `_predict` is the event loop's."""

    def __init__(self, engine: signbit.Engine, count: int, limits: Limits) -> None:
        self._engine, self._count, self._limits = engine, count, limits
        self._threads = ThreadPoolExecutor(count)
        self._waiting: deque[tuple[bytes, asyncio.Future[signbit.Prediction]]] = deque()
        self._begun: dict[asyncio.Task[None], float] = {}
        self.figures = prometheus.CollectorRegistry()
        self.seconds = prometheus.Histogram(
            "signbit_request_seconds",
            "Time from a request's headers to its answer.",
            ["code"],
            registry=self.figures,
            buckets=BUCKETS,
        )
        self._batches = prometheus.Histogram(
            "signbit_batch_photographs",
            "Photographs that a thread took at once.",
            registry=self.figures,
            buckets=[2**power for power in range(limits.batch.bit_length())],
        )
        waiting = prometheus.Gauge(
            "signbit_waiting", "Photographs that no thread has begun.", registry=self.figures
        )
        waiting.set_function(lambda: len(self._waiting))

    def require_room(self) -> None:
        """Send a client away while too many photographs wait."""
        if len(self._waiting) >= self._limits.waiting:
            raise HTTPException(503, "too many photographs wait; try again", {"Retry-After": "1"})

    async def answer(self, photo: bytes) -> signbit.Prediction:
        """What the network sees in a photograph; HTTPException where it is none, or time is up."""
        self.require_room()
        found: asyncio.Future[signbit.Prediction] = asyncio.get_running_loop().create_future()
        self._waiting.append((photo, found))
        self._start()
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await found
        except TimeoutError:
            late = f"no answer in {self._limits.seconds:g} seconds; try again"
            raise HTTPException(503, late, {"Retry-After": "1"}) from None

    def require_progress(self) -> None:
        """Say so where a thread has worked on one batch for very long."""
        limit = asyncio.get_running_loop().time() - 6 * self._limits.seconds
        if any(begun < limit for begun in self._begun.values()):
            raise HTTPException(503, "a photograph is being read for very long; restart me")

    def stop(self) -> None:
        self._threads.shutdown()

    def _start(self) -> None:
        """Give what waits to the threads that have nothing to do, in equal shares."""
        while self._waiting and len(self._begun) < self._count:
            share = math.ceil(len(self._waiting) / (self._count - len(self._begun)))
            batch = []
            while self._waiting and len(batch) < min(share, self._limits.batch):
                photo, found = self._waiting.popleft()
                if not found.done():  # its time may be up
                    batch.append((photo, found))
            if batch:
                loop = asyncio.get_running_loop()
                self._begun[loop.create_task(self._run(batch))] = loop.time()

    async def _run(self, batch: list[tuple[bytes, asyncio.Future[Any]]]) -> None:
        loop = asyncio.get_running_loop()
        self._batches.observe(len(batch))
        photos = [photo for photo, _ in batch]
        answers: list[Any]
        try:
            answers = await loop.run_in_executor(self._threads, self._predict, photos)
        except Exception as error:
            answers = [error] * len(batch)
        for answer, (_, found) in zip(answers, batch, strict=True):
            if found.done():
                continue
            if isinstance(answer, Exception):
                found.set_exception(answer)
            else:
                found.set_result(answer)
        del self._begun[asyncio.current_task()]  # type: ignore[arg-type]
        self._start()

    def _predict(self, photos: list[bytes]) -> list[signbit.Prediction | Exception]:
        refused = [refusal(photo, self._limits) for photo in photos]
        taken = [photo for photo, no in zip(photos, refused, strict=True) if no is None]
        try:
            found = iter(self._engine.predict(taken, return_exceptions=True))
        except Exception as error:
            if len(taken) > 1:  # whose fault it is
                return [self._predict([photo])[0] for photo in photos]
            found = iter([error])
        return [no or next(found) for no in refused]


def refusal(photo: bytes, limits: Limits) -> HTTPException | None:
    """Why a photograph is not decoded, as its header says."""
    try:
        with Image.open(io.BytesIO(photo), formats=FORMATS) as image:
            width, height = image.size
    except UnidentifiedImageError:
        return HTTPException(415, f"not a whole image of {', '.join(FORMATS)}")
    except Exception as error:
        return HTTPException(422, f"not a readable image ({error})")
    if width * height > limits.megapixels * 1e6:
        most = f"{limits.megapixels:g} million pixels are taken"
        return HTTPException(422, f"{width}×{height} pixels: {most}; scale it down first")
    if image.format in ("JPEG", "MPO") and photo.count(b"\xff\xda") > MOST_SCANS:
        return HTTPException(422, f"a JPEG of more than {MOST_SCANS} scans; save it anew first")
    return None


async def body_of(request: Request, limits: Limits) -> bytes:
    """The photograph that a client sends; HTTPException where it is too large, slow or missing."""
    most = int(limits.megabytes * 1e6)
    large = HTTPException(413, f"more than {limits.megabytes:g} MB; scale the photograph down")
    if int(request.headers.get("content-length", 0)) > most:
        raise large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise large
    except TimeoutError:
        slow = f"the photograph did not arrive in {limits.seconds:g} seconds"
        raise HTTPException(408, slow, {"Connection": "close"}) from None
    except ClientDisconnect:
        raise HTTPException(400, "the photograph ended early") from None
    if not body:
        raise HTTPException(400, "no photograph; send the bytes of its file as the request's body")
    return bytes(body)


def application(engine: signbit.Engine, count: int, limits: Limits) -> FastAPI:
    """The service, of an engine of one thread, with so many workers."""
    workers = Workers(engine, count, limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        workers.stop()

    # Its pages would load scripts from elsewhere; /openapi.json describes it.
    app = FastAPI(title="signbit", lifespan=lifespan, docs_url=None, redoc_url=None)

    @app.post("/predict")
    async def predict(request: Request, top: Annotated[int, Query(ge=1)] = 1) -> Response:
        loop = asyncio.get_running_loop()
        begun, code = loop.time(), 500
        try:
            workers.require_room()
            found = await workers.answer(await body_of(request, limits))
            code = 200
        except (signbit.DataError, signbit.InputError) as error:
            code = 422
            raise HTTPException(code, str(error)) from error
        except HTTPException as error:
            code = error.status_code
            raise
        finally:
            workers.seconds.labels(code).observe(loop.time() - begun)
        classes = [{"name": name, "probability": share} for name, share in found.top(top)]
        answer = {"class": found.name, "index": found.index, "none": found.is_none}
        return JSONResponse({**answer, "classes": classes})

    @app.get("/health")
    async def health() -> dict[str, str]:
        workers.require_progress()
        return {"status": "ok"}

    @app.get("/metrics")
    async def metrics() -> Response:
        text = prometheus.generate_latest(workers.figures)
        return Response(text, media_type=prometheus.CONTENT_TYPE_PLAIN_0_0_4)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        told = f"{first['loc'][-1]}: {first['msg']}, is {str(first.get('input'))[:40]!r}"
        return JSONResponse({"detail": told}, 422)

    return app


def impatient(seconds: float) -> type[H11Protocol]:
    """Uvicorn's protocol, for connections on which a request begins in so many seconds.

    Without it a client may send headers, or what is left of a refused photograph, for ever.
    """

    class Impatient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._timer = self.loop.call_later(seconds, self._look, None)

        def connection_lost(self, exc: Exception | None) -> None:
            self._timer.cancel()
            super().connection_lost(exc)

        def _look(self, before: Any) -> None:
            if self.cycle is before and (before is None or before.response_complete):
                self.transport.close()
            else:
                self._timer = self.loop.call_later(seconds, self._look, self.cycle)

    return Impatient


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", help="a compiled file, model.sbnn")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for other machines, too")
    parser.add_argument("--port", type=int, default=8000, help="0 for one that is free")
    parser.add_argument("--workers", type=int, help="threads; default: one for each core")
    for limit in fields(Limits):
        parser.add_argument(f"--{limit.name}", type=type(limit.default), default=limit.default)
    arguments = parser.parse_args()
    limits = Limits(**{limit.name: getattr(arguments, limit.name) for limit in fields(Limits)})
    try:
        engine = signbit.load(arguments.model, threads=1)
        class_labels(engine)
        resize_rule(engine)
        count = arguments.workers or signbit.load(arguments.model).threads
    except signbit.SignbitError as error:
        sys.exit(f"error: {error}")
    uvicorn.run(
        application(engine, count, limits),
        host=arguments.host,
        port=arguments.port,
        http=impatient(limits.seconds),
        ws="none",
        access_log=False,
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=math.ceil(3 * limits.seconds),
    )


if __name__ == "__main__":
    main()
