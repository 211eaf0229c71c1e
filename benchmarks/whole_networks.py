"""Whole networks, end to end, against what a user would run instead; one core and two.

    python benchmarks/whole_networks.py --out benchmarks/results/whole_networks.json

OpenVINO runs the same binary network with the same weights on its binary kernel, its real-valued
rest in float32 or bfloat16. The other peers run the real-valued network of the same shape. Ours
reads uint8 pixels; the peers are handed normalised float32 images, which is the least work.
Every comparison has a process of its own, kept on its cores.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import openvino as ov
import torch

import signbit
from measuring import machine
from measuring.cores import restricted
from measuring.interleave import interleave, median, ratio
from measuring.tables import figure, table
from measuring.written import write_json
from peers import peer_models
from peers.onnx_peer import OnnxRuntime
from peers.openvino_check import check_nodes
from peers.openvino_graph import translate
from peers.openvino_peer import OpenVino
from signbit.bitformat import decode
from subjects import networks

Call = Callable[[], object]
Floats = npt.NDArray[np.float32]
PACKAGES = ("openvino", "onnxruntime", "onnx", "nncf", "torch")
INT16, FLOAT32 = "signbit, int16 stem", "signbit, float32 stem"
CHECK_IMAGES = 16


class Case(NamedTuple):
    binary: str
    real: str
    batch: int

    @property
    def name(self) -> str:
        return f"{self.binary}, batch {self.batch}"


CASES = (
    Case("bireal-resnet18-224", "resnet18-224", 1),
    Case("bireal-resnet18-224", "resnet18-224", 16),
    Case("bireal-resnet18-cifar", "resnet18-cifar", 1),
    Case("bireal-resnet18-cifar", "resnet18-cifar", 16),
    Case("sdbnn-resnet20", "resnet20-cifar", 1),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    parser.add_argument("--only", help="networks whose name contains this")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--quick", action="store_true", help="a few seconds a case, no int8")
    parser.add_argument("--seconds", type=float, default=40, help="of each comparison")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {
        "command": "python benchmarks/whole_networks.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts(*PACKAGES),
        "cases": [],
    }
    seconds = 5 if arguments.quick else arguments.seconds
    for case in CASES:
        if case.batch not in arguments.batch or (arguments.only or "") not in case.binary:
            continue
        for result in compare(case, arguments.threads, seconds, not arguments.quick):
            figures["cases"].append(result)
            print(f"\n{result['name']}, {result['threads']} core(s)\n{rows(result)}", flush=True)
            if arguments.out:
                write_json(arguments.out, figures)
    if len(arguments.threads) > 1:
        print("\n" + scaling(figures["cases"]))
    return 0


def compare(case: Case, threads: Sequence[int], seconds: float, int8: bool) -> list[dict[str, Any]]:
    """The case on each number of cores, each in a fresh process."""
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peer_models.prepare(case.binary, case.real, case.batch, folder, int8)
        for count in threads:
            with restricted(count), multiprocessing.get_context("spawn").Pool(1) as pool:
                results.append(pool.apply(measure, (case, folder, count, seconds)))
    return results


def measure(case: Case, folder: Path, threads: int, seconds: float) -> dict[str, Any]:
    """Check every contender's answers, then time them in turn."""
    torch.set_num_threads(threads)
    contenders, checks = binary_contenders(case, folder, threads)
    real, real_checks = real_contenders(case, folder, threads)
    contenders |= real
    checks |= real_checks
    samples = interleave(contenders, seconds)
    return {
        "name": case.name,
        "network": case.binary,
        "batch": case.batch,
        "threads": threads,
        "rounds": len(samples[FLOAT32]),
        "contenders": {
            name: {
                "ms": median(samples, name),
                "times_int16_stem": ratio(samples, name, INT16),
                "times_float32_stem": ratio(samples, name, FLOAT32),
                "check": checks[name],
            }
            for name in samples
        },
    }


def binary_contenders(
    case: Case, folder: Path, threads: int
) -> tuple[dict[str, Call], dict[str, Any]]:
    data = (folder / peer_models.FLOAT_STEM).read_bytes()
    engine = signbit.load(data, threads=threads)
    rounded = signbit.load(folder / peer_models.INT16_STEM, threads=threads)
    images = peer_models.images_for(engine.input_shape[0], CHECK_IMAGES)
    expected = engine(images)
    batch = images[: case.batch]
    contenders: dict[str, Call] = {
        INT16: lambda: rounded(batch),
        FLOAT32: lambda: engine(batch),
    }
    checks: dict[str, Any] = {
        INT16: {"isa": rounded.isa} | agreement(rounded(images), expected),
        FLOAT32: {"isa": engine.isa},
    }
    graph, constants = decode(data)
    nodes = check_nodes(graph, constants, engine, images[:2])
    translated = translate(graph, constants, case.batch)
    for precision in ("f32", "bf16"):
        peer = OpenVino(translated.model, threads, precision)
        name = f"OpenVINO binary, {precision} rest"
        kernels = peer.kernels()["BinaryConvolution"]
        if not all(kernel.endswith("_u1") for kernel in kernels):
            raise AssertionError(f"{name} runs {kernels}, no binary kernel")
        checks[name] = agreement(in_batches(peer, translated.feed(images), case.batch), expected)
        checks[name] |= {"binary_kernels": len(kernels), "kernel": kernels[0]}
        if precision == "f32":
            checks[name] |= nodes
        contenders[name] = peer.bind(translated.feed(batch))
    return contenders, checks


def real_contenders(
    case: Case, folder: Path, threads: int
) -> tuple[dict[str, Call], dict[str, Any]]:
    model = networks.build(case.real).model.to(memory_format=torch.channels_last)
    inputs = peer_models.normalised(
        peer_models.images_for(networks.build(case.real).input_size[0], CHECK_IMAGES)
    )
    feed = np.ascontiguousarray(inputs[: case.batch])
    eager = Eager(model)
    expected = eager(inputs)
    paths = {name: folder / name for name in (peer_models.FLOAT32, peer_models.INT8)}
    core = ov.Core()
    peers: dict[str, Any] = {}
    if paths[peer_models.INT8].exists():
        quantized = paths[peer_models.INT8].read_bytes()
        peers["OpenVINO int8"] = OpenVino(core.read_model(quantized), threads)
        nncf = core.read_model(folder / peer_models.NNCF)
        peers["OpenVINO int8, NNCF"] = OpenVino(nncf, threads)
        peers["ONNX Runtime int8"] = OnnxRuntime(quantized, threads)
    float32 = paths[peer_models.FLOAT32].read_bytes()
    peers["OpenVINO bf16"] = OpenVino(core.read_model(float32), threads, "bf16")
    peers["OpenVINO float32"] = OpenVino(core.read_model(float32), threads)
    peers["ONNX Runtime float32"] = OnnxRuntime(float32, threads)
    peers["PyTorch float32"] = eager
    contenders: dict[str, Call] = {}
    checks: dict[str, Any] = {}
    for name, peer in peers.items():
        checks[name] = agreement(in_batches(peer, inputs, case.batch), expected)
        least = 0.9999 if "float32" in name else 0.95
        if checks[name]["correlation"] < least:
            raise AssertionError(f"{name} does not answer like PyTorch: {checks[name]}")
        contenders[name] = peer.bind(feed)
    return contenders, checks


class Eager:
    """PyTorch as it comes, channels last (the faster layout here)."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.model = model.eval()

    def bind(self, feed: Floats) -> Call:
        images = torch.from_numpy(feed).contiguous(memory_format=torch.channels_last)

        @torch.inference_mode()
        def run() -> object:
            return self.model(images)

        return run

    def __call__(self, feed: Floats) -> Floats:
        with torch.inference_mode():
            logits: Floats = self.model(torch.from_numpy(feed)).numpy()
        return logits


def in_batches(peer: Callable[[Floats], Floats], inputs: Floats, batch: int) -> Floats:
    parts = [
        peer(np.ascontiguousarray(inputs[at : at + batch])) for at in range(0, len(inputs), batch)
    ]
    return np.concatenate(parts).reshape(len(inputs), -1)


def agreement(answers: Floats, expected: Floats) -> dict[str, float]:
    """Images with the same top class, and the correlation of all logits."""
    same = answers.argmax(1) == expected.argmax(1)
    correlation = np.corrcoef(answers.ravel(), expected.ravel())[0, 1]
    return {"same_top_1": float(same.mean()), "correlation": float(correlation)}


def rows(result: dict[str, Any]) -> str:
    """One case as a markdown table."""
    lines = [
        (name, *(figure(entry[key]) for key in ("ms", "times_int16_stem", "times_float32_stem")))
        for name, entry in result["contenders"].items()
    ]
    return table(("", "ms", "times int16 stem", "times float32 stem"), lines)


def scaling(results: Sequence[dict[str, Any]]) -> str:
    """How many times faster each is on the most cores than on the fewest."""
    by_case: dict[str, dict[int, dict[str, Any]]] = {}
    for result in results:
        by_case.setdefault(result["name"], {})[result["threads"]] = result["contenders"]
    lines = []
    for name, counts in by_case.items():
        fewest, most = min(counts), max(counts)
        for contender, entry in counts[fewest].items():
            if most > fewest:
                times = entry["ms"] / counts[most][contender]["ms"]
                lines.append((name, contender, f"{fewest} → {most}", figure(times)))
    return table(("", "", "cores", "times faster"), lines)


if __name__ == "__main__":
    sys.exit(main())
