"""QONNX's and OpenVINO's quantisers for ONNX's own evaluator, by their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import load_from_string
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from signbit.exchange.onnx.writing.model import INPUT

__all__ = ["evaluate"]

Array = npt.NDArray[Any]


class BipolarQuant(OpRun):
    op_domain = "qonnx.custom_op.general"

    def _run(self, x: Array, scale: Array) -> tuple[Array]:
        return (np.where(x >= 0, scale, -scale).astype(np.float32),)


class FakeQuantize(OpRun):
    op_domain = "org.openvinotoolkit"

    def _run(
        self, x: Array, low: Array, high: Array, first: Array, last: Array, levels: int
    ) -> tuple[Array]:
        assert levels == 2
        assert (low == high).all()
        return (np.where(x > high, last, first).astype(np.float32),)


def evaluate(data: bytes, images: Array) -> dict[str, Array]:
    """A file's outputs for normalised images (N, C, H, W), by name; one by one where it wants."""
    model = load_from_string(data)
    evaluator = ReferenceEvaluator(model, new_ops=[BipolarQuant, FakeQuantize])
    batch = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value or len(images)
    parts = np.split(images, len(images) // batch)
    found = [evaluator.run(None, {INPUT: part}) for part in parts]
    names = [output.name for output in model.graph.output]
    return {name: np.concatenate(each) for name, *each in zip(names, *found, strict=True)}
