"""Every architecture in one table: sizes, agreement, and time on one core beside real networks.

    python benchmarks/architectures.py --data ../shared/data/cifar10 \\
        --imagenet ../shared/data/imagenet-sample --out benchmarks/results/architectures.json

Parameters, bits, operations and bytes are the compiled file's, beside the authors' figures where
they have some. Agreement with PyTorch is on real images: all nodes, and the answers. Time is that
of one image on one core, in turn with the real-valued network of the same shape in float32 and
int8 by ONNX Runtime and OpenVINO. A network that is in the JSON file already is not measured again.
Then come binary 3x3 convolutions of 64 channels and more beside float32's.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
import torch
from torch import Tensor, nn

import layers
import signbit
from measuring import machine
from measuring.cores import restricted
from measuring.interleave import interleave, median, ratio
from measuring.tables import figure, table
from measuring.written import resumed, write_json
from peers.layer_contenders import Options
from peers.onnx_peer import OnnxRuntime, export, quantize
from peers.openvino_peer import OpenVino
from signbit.compiler.count import count
from signbit.compiler.verification.verify import verify
from subjects.architectures import (
    CALIBRATION,
    NETWORKS,
    PAPERS,
    compiled,
    real_images,
    real_twin,
)
from subjects.layer_graphs import LAYERS

Floats = npt.NDArray[np.float32]

PACKAGES = ("openvino", "onnxruntime", "onnx", "torch")
OURS = "signbit"
LARGEST_SHARE = 0.2
"""Of float32's time that binary convolutions may take."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="CIFAR-10, as `signbit evaluate --data`")
    parser.add_argument("--imagenet", required=True, help="photographs, in the same form")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--only", nargs="*", help="these networks alone")
    parser.add_argument("--seconds", type=float, default=8, help="of each comparison")
    parser.add_argument("--no-convolutions", action="store_true", help="networks alone")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {
        "command": "python benchmarks/architectures.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts(*PACKAGES),
        "networks": {},
        "convolutions": {},
    }
    figures = resumed(arguments.out, figures)
    for name in arguments.only or NETWORKS:
        if name not in figures["networks"]:
            start = time.perf_counter()
            figures["networks"][name] = apart(
                measure, name, arguments.data, arguments.imagenet, arguments.seconds
            )
            write_json(arguments.out, figures)
            print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    if not arguments.no_convolutions and not figures["convolutions"]:
        figures["convolutions"] = apart(convolutions, arguments.seconds)
        write_json(arguments.out, figures)
    print(f"{rows(figures['networks'])}\n\n{shares(figures['convolutions'])}")
    return int(any(each["share"] > LARGEST_SHARE for each in figures["convolutions"].values()))


def apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """The work's result, from a new process that keeps to one core."""
    with restricted(1), multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def measure(name: str, data: str, imagenet: str, seconds: float) -> dict[str, Any]:
    """All figures of one network."""
    torch.set_num_threads(1)
    real = real_images(name, data, imagenet)
    result = compiled(name, real)
    cost = count(result.graph, result.constants, len(result.data))
    number = int(max(CALIBRATION, min(100, 3e10 // (cost.flops + cost.bops))))
    agreement = verify(result, real.images[:number])
    engine = signbit.load(result.data, threads=1)
    one, inputs = real.images[:1], real.normalised()
    twin = Flat(real_twin(name, torch.from_numpy(inputs[:CALIBRATION]))).eval()
    calls: dict[str, Callable[[], object]] = {OURS: lambda: engine(one)}
    peers, checks = _peers(twin, inputs)
    calls |= {title: peer.bind(inputs[:1]) for title, peer in peers.items()}
    samples = interleave(calls, seconds)
    found = cost.to_dict()
    del found["layers"]
    paper = PAPERS.get(name)
    return found | {
        "paper": None if paper is None else paper._asdict(),
        "agreement": agreement.end_to_end.to_dict()
        | {"nodes": len(agreement.nodes), "agrees": agreement.agrees},
        "isa": engine.isa,
        "ms": {title: median(samples, title) for title in samples},
        "times_ours": {title: ratio(samples, title, OURS) for title in samples},
        "checks": checks,
    }


class Flat(nn.Module):
    """A network with all its results side by side, (N, values)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        y = self.model(x)
        every = y.values() if isinstance(y, dict) else (y,)
        return torch.cat([each.flatten(1) for each in every], 1)


def _peers(twin: nn.Module, inputs: Floats) -> tuple[dict[str, Any], dict[str, Any]]:
    """The twin in each runtime, and how its answers go with PyTorch's."""
    float32 = export(twin, (1, *inputs.shape[1:]))
    core = ov.Core()
    peers: dict[str, Any] = {
        "ONNX Runtime float32": OnnxRuntime(float32, 1),
        "OpenVINO float32": OpenVino(core.read_model(float32), 1),
    }
    checks: dict[str, Any] = {}
    try:
        int8 = quantize(float32, inputs[:CALIBRATION])
        peers["ONNX Runtime int8"] = OnnxRuntime(int8, 1)
        peers["OpenVINO int8"] = OpenVino(core.read_model(int8), 1)
    except Exception as error:  # of any type: theirs to say why it cannot be quantised
        checks["int8"] = {"refused": f"{type(error).__name__}: {error}"[:200]}
    with torch.inference_mode():
        expected = twin(torch.from_numpy(inputs[:CALIBRATION])).numpy()
    for title, peer in peers.items():
        answers = np.concatenate([peer(inputs[i : i + 1]) for i in range(CALIBRATION)])
        correlation = np.corrcoef(answers.ravel(), expected.ravel())[0, 1]
        checks[title] = {"correlation": float(correlation)}
        if "float32" in title and correlation < 0.9999:
            raise AssertionError(f"{title} does not answer like PyTorch: {correlation}")
    return peers, checks


def convolutions(seconds: float) -> dict[str, Any]:
    """Binary 3x3 layers of 64 channels and more: their share of the faster float32's time."""
    torch.set_num_threads(1)
    found = {}
    for layer in LAYERS:
        if layer.kernel != 3 or layer.channels < 64:
            continue
        for shortcut in (False, True):
            with ExitStack() as resources:
                result = layers.compare(layer, shortcut, seconds, Options(False, None, resources))
            contenders = result["contenders"]
            ours = contenders[f"{OURS} {signbit.cpu_isas()[0]}"]["ms"]
            real = min(each["ms"] for name, each in contenders.items() if "float32" in name)
            found[result["name"]] = {"ms": ours, "float32_ms": real, "share": ours / real}
    return found


def rows(networks: dict[str, Any]) -> str:
    """The networks as a markdown table; ms are those of the faster runtime."""
    lines = []
    for name, found in networks.items():
        ms, ends = found["ms"], found["agreement"]
        best = {
            kind: min((ms[each] for each in ms if each.endswith(kind)), default=None)
            for kind in ("float32", "int8")
        }
        operations = [f"{found[key]:,}" for key in ("parameters", "bits", "bops", "flops", "bytes")]
        same = f"{ends['images'] - ends['disagreements']} of {ends['images']}"
        if NETWORKS[name].recipe is None:  # maps have no one class
            same = "–"
        times = [figure(each) for each in (ms[OURS], best["float32"], best["int8"])]
        lines.append((f"`{name}`", *operations, same, *times))
    head = ("network", "parameters", "bits", "BOPs", "FLOPs", "bytes", "same top class")
    return table((*head, "ms", "float32", "int8"), lines)


def shares(found: dict[str, Any]) -> str:
    """The convolutions as a markdown table."""
    lines = [
        (name, *(figure(each[key]) for key in ("ms", "float32_ms", "share")))
        for name, each in found.items()
    ]
    return table(("binary convolution", "ms", "float32", "share"), lines)


if __name__ == "__main__":
    sys.exit(main())
