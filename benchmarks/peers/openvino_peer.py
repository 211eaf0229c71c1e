"""OpenVINO on the CPU, set up for the least latency; and which kernels it really runs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov

__all__ = ["OpenVino"]

Array = npt.NDArray[Any]

AUTOMATIC = re.compile(r"[A-Z][A-Za-z]*_\d+")
"""Names that OpenVINO gives to operations of its own making."""


class OpenVino:
    """A compiled model; `precision` is "f32" or "bf16", what the real-valued rest runs in."""

    def __init__(
        self, model: ov.Model, threads: int, precision: str = "f32", profile: bool = False
    ) -> None:
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": True,
            "INFERENCE_PRECISION_HINT": precision,
            "PERF_COUNT": profile,
        }
        self.compiled = ov.Core().compile_model(model, "CPU", settings)
        self.request = self.compiled.create_infer_request()

    def bind(self, feed: Array) -> Callable[[], object]:
        """A call that runs this input, which stays where it is."""
        self.request.set_input_tensor(ov.Tensor(feed, shared_memory=True))
        self._feed = feed
        return self.request.infer

    def __call__(self, feed: Array) -> Array:
        self.bind(feed)()
        return np.array(self.request.get_output_tensor().data)

    def run(self, feeds: Sequence[Array]) -> list[Array]:
        """Several inputs to all outputs, in the order of the model's."""
        results = self.request.infer(dict(enumerate(feeds)))
        return [np.array(results[output]) for output in self.compiled.outputs]

    def kernels(self) -> dict[str, list[str]]:
        """Kind of layer → the primitive and precision of every executed node of that kind."""
        found: dict[str, list[str]] = defaultdict(list)
        for node in self.compiled.get_runtime_model().get_ordered_ops():
            facts = {key: _text(value) for key, value in node.get_rt_info().items()}
            if facts["layerType"] not in ("Const", "Input", "Output"):
                found[facts["layerType"]].append(facts["primitiveType"])
        return dict(found)

    def node_ms(self, runs: int = 50) -> dict[str, float]:
        """Milliseconds of the operations of the model; needs `profile`, and `bind` before.

        The plugin fuses operations: a time stands under the first of them. A conversion between
        layouts counts to what reads it. Times are whole microseconds, so this is a mean, of the
        faster half of the runs. The plugin calls a node that took less than one "not run", which
        counts as 0; a node that never took longer is left out.
        """
        times: dict[str, list[float]] = defaultdict(list)
        self.request.infer()
        for _ in range(runs):
            self.request.infer()
            for node in self.request.get_profiling_info():
                times[node.node_name].append(node.real_time.total_seconds() * 1e3)
        total: dict[str, float] = defaultdict(float)
        origins = self._origins()
        for name, values in times.items():
            if not any(values):
                continue
            fastest = sorted(values)[: max(1, len(values) // 2)]
            total[origins[name]] += sum(fastest) / len(fastest)
        return dict(total)

    def _origins(self) -> dict[str, str]:
        """Executed node → the operation whose work it does."""
        origins: dict[str, str] = {}
        for node in reversed(self.compiled.get_runtime_model().get_ordered_ops()):
            names = _text(node.get_rt_info()["originalLayersNames"]).split(",")
            name = next((name for name in names if not AUTOMATIC.fullmatch(name)), names[0])
            readers = [
                reader.get_node() for out in node.outputs() for reader in out.get_target_inputs()
            ]
            if not name and readers:
                name = origins[readers[0].get_friendly_name()]
            origins[node.get_friendly_name()] = name or node.get_friendly_name()
        return origins


def _text(value: Any) -> str:
    return str(getattr(value, "value", value))
