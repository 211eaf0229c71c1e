"""Compiled networks as ONNX files, in three forms, and what their own runtimes answer."""

from signbit.exchange.onnx.writing.model import FORMS, to_onnx
from signbit.exchange.onnx.writing.peers import PEERS, ask_peer

__all__ = ["FORMS", "PEERS", "ask_peer", "to_onnx"]
