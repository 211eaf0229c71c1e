"""BNN-PYNQ's networks of one bit, as safetensors of signs and whole thresholds.

A layer has `N.NAME.signs`, I8 of −1 and +1, (out, in) or (out, in, rows, columns), and
`N.NAME.thresholds`, I32, (out,): the next sign is +1 where the sum reaches the threshold. The last
layer's sums, less its thresholds where it has some, are the scores.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from signbit.errors import CheckpointError
from signbit.exchange.imported import ImportedGraph
from signbit.models.graph import IMAGE, GraphNode
from signbit.training.runs.initial_weights import read_state

__all__ = ["FINN_PIXELS", "read_bnn_pynq"]

_TENSOR = re.compile(r"(\d+)\.([a-z]\w*)\.(signs|thresholds)")

_P = torch.arange(256)
FINN_PIXELS = (_P - 128 + (_P >= 128).int() - (_P == 255).int()).float()
"""min(127, ⌊128·(2p / 255 − 1) + 1/2⌋) of every pixel p."""


def read_bnn_pynq(
    file: Path, *, side: int, channels: int, pixels: Tensor | None, pooled: Collection[str] = ()
) -> ImportedGraph:
    """The network in a file, for images of side × side × channels.

    pixels: the value of each pixel, (256,); None for −1 below 128 and +1 from there. pooled: names
    of layers whose sums are pooled 2×2. Raises CheckpointError, which names the tensor, where the
    file is not readable, or holds anything else than such a network for such images.
    """
    tensors = read_state(file)
    layers = _layers(tensors, file)
    nodes: list[GraphNode] = []
    state: dict[str, Tensor] = {}

    def add(name: str, op: str, args: dict[str, Any] | None = None) -> None:
        source = nodes[-1].name if nodes else IMAGE
        nodes.append(GraphNode(name, op, (source,), args or {}))

    limits: Tensor | None = None
    if pixels is None:
        limits = torch.tensor([0.5])  # of p / 255, between 127 and 128
    else:
        add("pixels", "pixel_table", {"channels": None, "mean": [0.0], "std": [1.0]})
        state["pixels.values"] = pixels
    shape: tuple[int, ...] = (channels, side, side)
    for number, name in layers:
        signs = tensors[f"{number}.{name}.signs"]
        if signs.dim() == 2 and len(shape) == 3:
            shape = (shape[0] * shape[1] * shape[2],)
            add("flat", "reshape", {"shape": list(shape)})
        if signs.dim() != len(shape) + 1 or signs.shape[1] != shape[0]:
            raise CheckpointError(
                f"{file}: {number}.{name}.signs is {tuple(signs.shape)}, but it reads {shape}"
            )
        if limits is not None and len(limits) == 1 < shape[0]:
            limits = limits.expand(shape[0])
        activation: Any = "real" if limits is None else {"shift": shape[0]}
        if signs.dim() == 4:
            kernel = tuple(signs.shape[2:])
            sizes = {"in_channels": shape[0], "out_channels": len(signs), "kernel_size": kernel}
            add(name, "binary_conv2d", {**sizes, "activation": activation})
            shape = (len(signs), *(a - k + 1 for a, k in zip(shape[1:], kernel, strict=True)))
        else:
            sizes = {"in_features": shape[0], "out_features": len(signs)}
            add(name, "binary_linear", {**sizes, "activation": activation})
            shape = (len(signs),)
        state[f"{name}.weight"] = signs.float()
        if limits is not None:
            state[f"{name}.activation_binarizer.bias"] = -limits
        if name in pooled:
            add(f"{name}_pool", "max_pool", {"kernel": [2, 2], "stride": [2, 2]})
            shape = (shape[0], shape[1] // 2, shape[2] // 2)
        limits = tensors.get(f"{number}.{name}.thresholds")
        limits = None if limits is None else limits.float()
    if limits is not None:
        add("less_thresholds", "affine", {"channels": len(limits), "scale": False})
        state["less_thresholds.shift"] = -limits
    return ImportedGraph(
        (side, side, channels),
        shape[0],
        tuple(nodes),
        state,
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
    )


def _layers(tensors: dict[str, Tensor], file: Path) -> list[tuple[int, str]]:
    """The layers in order, once every tensor is one of a layer, of its type and of its values."""
    found: dict[int, str] = {}
    for name, value in sorted(tensors.items()):
        match = _TENSOR.fullmatch(name)
        if match is None or found.setdefault(int(match[1]), match[2]) != match[2]:
            raise CheckpointError(f"{file}: has {name}, which is no tensor of such a network")
        is_signs = match[3] == "signs"
        signs = tensors.get(f"{match[1]}.{match[2]}.signs")
        if is_signs and not (value.dim() in (2, 4) and bool((value.abs() == 1).all())):
            raise CheckpointError(f"{file}: {name} must hold −1 and +1, (out, in) or (out, in, …)")
        if signs is None or (not is_signs and value.shape != signs.shape[:1]):
            raise CheckpointError(f"{file}: {name} fits no signs of its layer")
        if not is_signs and int(value.abs().max()) > 2**24:
            raise CheckpointError(f"{file}: {name} has thresholds beyond ±2^24")
    order = sorted(found.items())
    if [number for number, _ in order] != list(range(len(order))) or not order:
        raise CheckpointError(f"{file}: its layers must be numbered from 0, are {sorted(found)}")
    if len({*found.values()}) < len(found):
        raise CheckpointError(f"{file}: two of its layers have one name")
    bare = [f"{n}.{name}" for n, name in order[:-1] if f"{n}.{name}.thresholds" not in tensors]
    if bare:
        raise CheckpointError(f"{file}: {bare[0]}.thresholds is missing")
    return order
