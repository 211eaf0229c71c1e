"""From an ONNX or QONNX file to a graph of signbit's own operations."""

from signbit.exchange.onnx.reading.importing import import_onnx
from signbit.exchange.onnx.reading.walk import read_onnx

__all__ = ["import_onnx", "read_onnx"]
