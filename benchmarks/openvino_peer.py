"""OpenVINO on the CPU, set up for the least latency; and which kernels it really runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov

__all__ = ["OpenVino"]

Array = npt.NDArray[Any]


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
        """Executed node → its mean milliseconds; needs `profile`, and `bind` before."""
        total: dict[str, float] = defaultdict(float)
        self.request.infer()
        for _ in range(runs):
            self.request.infer()
            for node in self.request.get_profiling_info():
                if node.status == ov.ProfilingInfo.Status.EXECUTED:
                    total[node.node_name] += node.real_time.total_seconds() * 1e3 / runs
        return dict(total)


def _text(value: Any) -> str:
    return str(getattr(value, "value", value))
