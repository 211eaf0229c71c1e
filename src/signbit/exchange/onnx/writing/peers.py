"""An ONNX file in its own runtime: ONNX Runtime, OpenVINO or QONNX's tools, against PyTorch."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from signbit.compiler import Compiled
from signbit.compiler.verification.agreement import EndToEnd
from signbit.compiler.verification.cosine import median
from signbit.compiler.verification.verify import file_rows, verify_end_to_end
from signbit.errors import InputError
from signbit.exchange.onnx.writing.writer import INPUT

__all__ = ["PEERS", "Asked", "Peer", "ask_peer"]

Array = npt.NDArray[Any]
Run = Callable[[Array], Sequence[Array]]
"""Images (N, C, H, W), as many as the file takes, to the outputs in the file's order."""

LEAST_COSINE = 0.999
"""Of the median image's outputs. Of a single image a rounded sum may change all of them."""


@dataclass(frozen=True)
class Peer:
    """A runtime of other people's: `open` takes a file's bytes and the names of its outputs."""

    title: str
    module: str
    open: Callable[[bytes, Sequence[str]], Run]


@dataclass(frozen=True)
class Asked:
    """What a runtime answered; `end_to_end` has its figures in the place of the engine's."""

    runtime: str
    """Its name and version."""
    end_to_end: EndToEnd

    @property
    def agrees(self) -> bool:
        """Whether the outputs of at least half of the images are PyTorch's, but for rounding."""
        cosine = median(self.end_to_end.cosines)
        return cosine is None or cosine >= LEAST_COSINE

    def to_dict(self) -> dict[str, Any]:
        """Itself as JSON values."""
        found = self.end_to_end.to_dict()
        found["runtime_top1"] = found.pop("engine_top1")
        return {"runtime": self.runtime, "agrees": self.agrees, **found}


def ask_peer(
    data: bytes,
    form: str,
    compiled: Compiled,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer] | None = None,
) -> Asked | None:
    """Run a file of `to_onnx` in the runtime that its form is for; None where that is not there.

    images uint8 (N, H, W, C), labels (N,), as `verify_end_to_end` takes them. Raises InputError for
    another form.
    """
    if form not in PEERS:
        raise InputError(f"form: must be one of {', '.join(PEERS)}, is {form!r}")
    peer = PEERS[form]
    try:
        importlib.import_module(peer.module)
    except ImportError:
        return None
    outputs = [output.name for output in compiled.graph.outputs]
    runner: Any = _Runner(compiled, peer.open(data, outputs), one_by_one=form != "plain")
    found = verify_end_to_end(compiled, images, labels, engine=runner)
    return Asked(f"{peer.title} {version(peer.module)}", found)


class _Runner:
    """A runtime as verification takes an engine."""

    def __init__(self, compiled: Compiled, run: Run, *, one_by_one: bool) -> None:
        self.compiled = compiled
        self.run = run
        self.one_by_one = one_by_one
        self.rows = file_rows(compiled)

    def __call__(self, images: npt.NDArray[np.uint8]) -> Array | dict[str, Array]:
        taken = self.compiled.inputs[0].tensor(images).numpy()
        parts: Iterable[Array] = np.split(taken, len(taken)) if self.one_by_one else [taken]
        each = zip(*map(self.run, parts), strict=True)
        results = [torch.from_numpy(np.concatenate(every)) for every in each]
        names = [output.name for output in self.compiled.graph.outputs]
        answers = dict(zip(names, self.rows(results), strict=True))
        return answers if len(answers) > 1 else answers[names[0]]


def _onnx_runtime(data: bytes, outputs: Sequence[str]) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return lambda images: list(session.run(list(outputs), {INPUT: images}))


def _open_vino(data: bytes, outputs: Sequence[str]) -> Run:
    import openvino

    core = openvino.Core()
    # Its half of float32's precision would be no other arithmetic's.
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(data), "CPU", settings)
    return lambda images: [np.array(compiled({INPUT: images})[name]) for name in outputs]


def _qonnx(data: bytes, outputs: Sequence[str]) -> Run:
    from onnx import load_from_string
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    model = ModelWrapper(load_from_string(data)).transform(InferShapes())

    def run(images: Array) -> Sequence[Array]:
        found = execute_onnx(model, {INPUT: images})
        return [found[name] for name in outputs]

    return run


PEERS: Mapping[str, Peer] = {
    "plain": Peer("ONNX Runtime", "onnxruntime", _onnx_runtime),
    "openvino": Peer("OpenVINO", "openvino", _open_vino),
    "qonnx": Peer("QONNX", "qonnx", _qonnx),
}
"""Form → the runtime that it is for."""
