"""signbit beside onnxruntime-web, in node and in Chromium, one thread each, in one run.

    python benchmarks/edge_web.py --out benchmarks/results/edge_web.json

Needs `make edge-tools wasm` and the packages of `make bench`; onnxruntime-web comes from npm. The
network is that of edge_arm.py; its peers are the same layers in float32 and in ONNX Runtime's own
int8. Contenders take turns, and ratios are the medians of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from measuring import machine
from measuring.interleave import Samples, median, ratio
from measuring.tables import figure, table
from peers.onnx_peer import export, quantize
from signbit.targets.web import web_package
from subjects.edge_network import MACS, SIZE, edge_network
from subjects.edge_peer import real_network

ONNX_WEB = "onnxruntime-web@1.30.0"
PEERS = Path(__file__).resolve().parents[1] / "build" / "edge" / "npm"
RACE = Path(__file__).parent / "edge"
FASTEST, INT8, FLOAT32 = "int16 stem", "onnxruntime-web int8", "onnxruntime-web float32"
SIGNBIT = {
    FASTEST: {"model": "int16.sbnn", "simd": True},
    "float32 stem": {"model": "float32.sbnn", "simd": True},
    "int16 stem, without SIMD": {"model": "int16.sbnn", "simd": False},
}
ONNX = {INT8: "int8.onnx", FLOAT32: "float32.onnx"}
RUNTIME = (
    "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
    "onnxruntime-web/dist/ort.wasm.min.mjs",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        site = Path(name)
        prepare(site)
        where = {"node": in_node(site, given.seconds), "Chromium": in_chromium(site, given.seconds)}
        results = {
            "machine": machine.facts("onnx", "onnxruntime"),
            "tools": {"node": said("node", "--version"), "Chromium": said("chromium", "--version")},
            "peer": ONNX_WEB,
            "macs": MACS,
            "load": os.getloadavg()[0],
            "milliseconds": {
                place: {each: round(median(samples, each), 3) for each in samples}
                for place, samples in where.items()
            },
            "times as fast": {
                place: {each: round(ratio(samples, each, FASTEST), 2) for each in ONNX}
                for place, samples in where.items()
            },
            "gzipped bytes": sizes(site),
        }
    print(report(results))
    if given.out:
        given.out.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def prepare(site: Path) -> None:
    """Both sides' files in one folder."""
    PEERS.mkdir(parents=True, exist_ok=True)
    said("npm", "install", "--silent", "--prefix", str(PEERS), ONNX_WEB)
    shutil.copytree(PEERS / "node_modules", site / "node_modules")
    for name, int16 in (("int16.sbnn", True), ("float32.sbnn", False)):
        (site / name).write_bytes(edge_network(int16_stem=int16))
    for name, data in web_package(edge_network()).items():
        target = site / "signbit" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    float32 = export(real_network(), (1, 3, SIZE, SIZE))
    inputs = np.random.default_rng(1).uniform(-1, 1, (16, 3, SIZE, SIZE)).astype(np.float32)
    (site / ONNX[FLOAT32]).write_bytes(float32)
    (site / ONNX[INT8]).write_bytes(quantize(float32, inputs))
    for file in RACE.glob("web_*"):
        shutil.copy(file, site)


def task(base: str, seconds: float) -> dict[str, Any]:
    """What the race is given, at the address of the folder."""
    onnx_folder = f"{base}node_modules/onnxruntime-web/dist/"
    return {
        "signbit": f"{base}signbit/signbit.js",
        "onnxruntime": f"{onnx_folder}ort.wasm.min.mjs",
        "onnxFolder": onnx_folder,
        "models": {
            "signbit": {
                name: {**each, "model": f"{base}{each['model']}"} for name, each in SIGNBIT.items()
            },
            "onnx": {name: f"{base}{model}" for name, model in ONNX.items()},
        },
        "seconds": seconds,
    }


def in_node(site: Path, seconds: float) -> Samples:
    given = json.dumps(task(f"{site.as_uri()}/", seconds))
    return checked(json.loads(said("node", str(site / "web_node.mjs"), given)))


def in_chromium(site: Path, seconds: float) -> Samples:
    with served(site) as (address, found):
        (site / "race.json").write_text(json.dumps(task(address, seconds)))
        with tempfile.TemporaryDirectory() as profile:
            options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run")
            command = ["chromium", *options, f"--user-data-dir={profile}"]
            browser = subprocess.Popen(
                [*command, f"{address}web_page.html"], stderr=subprocess.DEVNULL
            )
            try:
                if not found.wait(seconds + 120):
                    raise TimeoutError("the page has not answered")
            finally:
                browser.terminate()
                browser.wait(20)
        return checked(json.loads((site / "result").read_bytes()))


def checked(found: dict[str, Any]) -> Samples:
    if "error" in found:
        raise RuntimeError(found["error"])
    return found


@contextmanager
def served(site: Path) -> Iterator[tuple[str, threading.Event]]:
    """The folder's address, and whether the page has sent what it found."""
    found = threading.Event()

    class Handler(SimpleHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            (site / "result").write_bytes(self.rfile.read(length))
            self.send_response(204)
            self.end_headers()
            found.set()

        def log_message(self, *words: object) -> None:
            pass

    Handler.extensions_map[".mjs"] = "text/javascript"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", found
        server.shutdown()


def sizes(site: Path) -> dict[str, int]:
    """What a browser downloads of each runtime."""
    own = [site / "signbit" / "signbit.wasm", *(site / "signbit").glob("*.js")]
    peer = [site / "node_modules" / name for name in RUNTIME]
    return {
        name: sum(len(gzip.compress(file.read_bytes())) for file in files)
        for name, files in (("signbit", own), (ONNX_WEB, peer))
    }


def report(results: dict[str, Any]) -> str:
    rows = [
        [each, *(figure(times[each]) for times in results["milliseconds"].values())]
        for each in (*SIGNBIT, *ONNX)
    ]
    lines = [table(["ms per image", *results["milliseconds"]], rows), ""]
    for place, times in results["times as fast"].items():
        lines.append(f"{place}: {times[INT8]} times as fast as int8, {times[FLOAT32]} as float32")
    lines.append(f"gzipped bytes: {results['gzipped bytes']}; load {results['load']:.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
