"""PyTorch networks as ONNX, float32 and int8, and ONNX Runtime set up for the least latency.

int8 is ONNX Runtime's own static quantisation: QDQ nodes, signed weights, one scale per output
channel, ranges from the images given. Activations are unsigned (what VPDPBUSD multiplies) unless
signed ones are asked for (what SDOT multiplies).
"""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

__all__ = ["OnnxRuntime", "export", "quantize"]

Floats = npt.NDArray[np.float32]
INPUT = "x"


def export(model: nn.Module, shape: tuple[int, ...]) -> bytes:
    """The network, normalisations folded into convolutions, for inputs of exactly this shape."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The newer exporter needs a further package and writes the same convolutions.
        warnings.simplefilter("ignore", DeprecationWarning)
        example = (torch.zeros(shape),)
        torch.onnx.export(
            model.eval(), example, file, dynamo=False, input_names=[INPUT], output_names=["y"]
        )
    return file.getvalue()


def quantize(model: bytes, inputs: Floats, signed: bool = False) -> bytes:
    """The int8 network, calibrated on inputs (N, …) of which each batch of the model's is run."""
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (Path(folder, name) for name in ("a.onnx", "b.onnx", "c.onnx"))
        source.write_bytes(model)
        quant_pre_process(source, prepared)
        quantize_static(
            prepared,
            target,
            _Batches(inputs, _batch(model)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QInt8 if signed else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return target.read_bytes()


class OnnxRuntime:
    """A session; its threads spin while it runs and stop when the call returns."""

    def __init__(self, model: bytes, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.log_severity_level = 3
        self.session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def bind(self, feed: Floats) -> Callable[[], object]:
        """A call that runs this input, into an output that stays where it is."""
        binding = self.session.io_binding()
        binding.bind_cpu_input(INPUT, feed)
        binding.bind_output("y", "cpu")
        return lambda: self.session.run_with_iobinding(binding)

    def __call__(self, feed: Floats) -> Floats:
        result: Floats = self.session.run(None, {INPUT: feed})[0]
        return result


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, inputs: Floats, batch: int) -> None:
        whole = len(inputs) // batch * batch
        self._batches: Iterator[Floats] = iter(inputs[:whole].reshape(-1, batch, *inputs.shape[1:]))

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


def _batch(model: bytes) -> int:
    graph = onnx.load_from_string(model).graph
    return int(graph.input[0].type.tensor_type.shape.dim[0].dim_value)
