"""The HTTP service of examples/ under load, beside decoding and engine alone on the same cores.

    python benchmarks/service.py --data PATH --out benchmarks/results/service.json

PATH is a folder of Parquet files with photographs, as ImageNet's; some become JPEG files of 224×224
pixels. The network is Bi-Real ResNet-18 with random weights, or --model. In each round,

1. 64 connections, each of which sends a photograph when it has the answer to the one before, keep
   the service busy;
2. threads, as many as cores, decode and classify the same photographs without a service, while the
   same client sends as many per second to a server that answers nothing;
3. the same threads have the machine for themselves.

Client and service run on the same cores. Afterwards bad requests are sent, and what the service has
written to the disk is read from the system.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from PIL import Image
from pyarrow import parquet

import signbit
from measuring import load, machine
from measuring.tables import figure, table
from measuring.written import write_json
from signbit.bitformat.graph import Resize
from signbit.data.pixels import images

SERVICE = Path(__file__).resolve().parents[1] / "examples" / "service.py"
SIDE, COUNT, BATCH = 224, 200, 8
WARM_UP = 3.0
BAD = {
    "empty": (b"", "/predict", 400),
    "no image": (b"hello", "/predict", 415),
    "too large": (b"x" * 9_000_000, "/predict", 413),
    "bad option": (b"x", "/predict?top=none", 422),
    "unknown page": (b"x", "/nothing", 404),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="where photographs are")
    parser.add_argument("--model", type=Path, help="another network; of 224×224 pixels or not")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    given = parser.parse_args()
    photos = photographs(given.data)
    with tempfile.TemporaryDirectory() as folder:
        model = given.model or Path(folder) / "model.sbnn"
        if not given.model:
            model.write_bytes(network())
        figures: dict[str, Any] = {
            "command": "python benchmarks/service.py --data PATH",
            "machine": machine.facts("fastapi", "uvicorn", "starlette", "h11", "pillow"),
            "photograph_bytes": statistics.mean(map(len, photos)),
            "connections": given.connections,
            "rounds": [],
        }
        for _ in range(given.rounds):
            figures["rounds"].append(measured(model, photos, given.connections, given.seconds))
            print(rows(figures), flush=True)
        figures["bad_requests"] = bad_requests(model)
    if given.out:
        write_json(given.out, figures)
    return 0


def network() -> bytes:
    from subjects.networks import compiled_bytes

    return compiled_bytes("bireal-resnet18-224", int16_stem=True)


def photographs(data: Path) -> list[bytes]:
    """JPEG files of SIDE×SIDE pixels."""
    file = parquet.ParquetFile(sorted(data.rglob("*.parquet"))[0])
    made = []
    for row in next(file.iter_batches(COUNT, columns=["image"])).column("image").to_pylist():
        pixels = images.decode(row["bytes"], "photograph")
        target = io.BytesIO()
        fitted = images.fit(pixels, (SIDE, SIDE, 3), Resize(SIDE, "bilinear"))
        Image.fromarray(fitted).save(target, "JPEG", quality=90)
        made.append(target.getvalue())
    return made


@contextmanager
def service(model: Path) -> Iterator[tuple[int, int]]:
    """Port and process of a running service, which ends by SIGTERM."""
    command = [sys.executable, str(SERVICE), str(model), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = ""
        try:
            for line in process.stderr:
                said += line
                if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", line):
                    yield int(found[1]), process.pid
                    break
            else:
                sys.exit(said)
        finally:
            process.terminate()
            process.wait()


def measured(
    model: Path, photos: Sequence[bytes], connections: int, seconds: float
) -> dict[str, Any]:
    """A round."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as client:
        with service(model) as (port, process):
            ask = ("/predict", connections)
            client.submit(load.load, port, photos, *ask, WARM_UP).result()
            used = cpu_seconds(process)
            served = client.submit(load.load, port, photos, *ask, seconds).result()
            served["service_cpu_seconds"] = cpu_seconds(process) - used
        rate = served["per_s"]
        waiting = client.submit(load.against_nothing, photos, connections, seconds, rate)
        alone = work(model, photos, waiting.done)
        end = time.monotonic() + seconds
        idle = work(model, photos, lambda: time.monotonic() > end)
    return {
        "service": served,
        "client_beside": waiting.result(),
        "alone_beside_client_per_s": alone,
        "alone_per_s": idle,
        "ratio": rate / alone,
        "ratio_to_idle": rate / idle,
    }


def cpu_seconds(process: int) -> float:
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / 100


def work(model: Path, photos: Sequence[bytes], ended: Callable[[], bool]) -> float:
    """Photographs per second that one thread for each core decodes and classifies."""
    count = signbit.load(model).threads
    engine = signbit.load(model, threads=1)
    engine.predict(photos[:BATCH])
    begun = time.perf_counter()

    def thread(first: int) -> int:
        done = first
        while not ended():
            start = done % len(photos)
            done += len(engine.predict(photos[start : start + BATCH]))
        return done - first

    with ThreadPoolExecutor(count) as pool:
        total = sum(pool.map(thread, range(0, count * BATCH, BATCH)))
    return total / (time.perf_counter() - begun)


def bad_requests(model: Path) -> dict[str, Any]:
    """The codes of bad requests, and the bytes that the service wrote to the disk meanwhile."""
    answers: dict[str, Any] = {}
    with service(model) as (port, process):
        before = written(process)
        for name, (body, path, expected) in BAD.items():
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", path, body)
            answers[name] = connection.getresponse().status
            connection.close()
            if answers[name] != expected:
                sys.exit(f"{name}: {answers[name]}, not {expected}")
        answers["bytes_written"] = written(process) - before
    return answers


def written(process: int) -> int:
    found = re.search(r"^write_bytes: (\d+)", Path(f"/proc/{process}/io").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def rows(figures: dict[str, Any]) -> str:
    """The figures as a markdown table, a line for each round."""
    lines = [
        (
            figure(each["service"]["per_s"]),
            each["service"]["failures"],
            figure(each["service"]["p50_ms"]),
            figure(each["service"]["p99_ms"]),
            figure(each["alone_beside_client_per_s"]),
            figure(each["ratio"]),
            figure(each["alone_per_s"]),
            figure(each["ratio_to_idle"]),
        )
        for each in figures["rounds"]
    ]
    head = ("served per s", "errors", "p50, ms", "p99, ms", "alone, beside client", "ratio")
    return table((*head, "alone", "ratio"), lines)


if __name__ == "__main__":
    sys.exit(main())
