"""CNV-W1A1, a published network of one bit for CIFAR-10, as a file: its own signs and thresholds.

32×32 RGB → six 3×3 convolutions without padding of 64, 64, 128, 128, 256 and 256 filters, pooled
after the second and the fourth → three fully connected layers of 512, 512 and 10.

The weights are those of github.com/Xilinx/BNN-PYNQ as safetensors: `N.NAME.signs` (I8: out, in, and
of convolutions rows and columns) and `N.NAME.thresholds` (I32).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from signbit.bitformat import encode, pack_bits
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Resize
from signbit.compiler.constants import NumberedConstants

__all__ = ["cnv_network", "cnv_sums"]

SIZE = 32
POOLED = ("1.conv2", "3.conv4")
Array = npt.NDArray[Any]


def read(weights: Path) -> tuple[dict[str, Array], list[str]]:
    """The tensors by name, and the names of the classes."""
    with safe_open(weights, "np") as file:
        classes: list[str] = json.loads(file.metadata()["classes"])
        names = file.keys()
        return {name: file.get_tensor(name) for name in names}, classes


def layers(tensors: dict[str, Array]) -> list[str]:
    return sorted({name.rpartition(".")[0] for name in tensors})


def cnv_network(weights: Path) -> bytes:
    """The file, whose output is the last layer's sums.

    A pixel p is min(127, ⌊128·(2p / 255 − 1) + 1/2⌋), which is p − 128 up to 127, p − 127 from
    there, and at most 127. The file's table has 128 more, and the first thresholds what that adds.
    """
    tensors, classes = read(weights)
    constants = NumberedConstants()

    pixels = np.arange(256)
    table = pixels + (pixels >= 128) - (pixels == 255)
    nodes: list[Node] = []
    for name in layers(tensors):
        signs = tensors[f"{name}.signs"]
        rows = signs.reshape(*signs.shape[:2], -1).transpose(0, 2, 1).reshape(len(signs), -1)
        keys: dict[str, Any] = {"weight": constants.number(pack_bits(rows < 0))}
        if signs.ndim == 4:
            keys["kernel"] = signs.shape[2:]
        if name in POOLED:
            keys |= {"pool_kernel": (2, 2), "pool_stride": (2, 2)}
        op = "binary_conv" if nodes else "real_conv"
        outputs = (Output(),)
        if f"{name}.thresholds" in tensors:
            limits = tensors[f"{name}.thresholds"]
            kind = np.int32 if nodes else np.float32
            if not nodes:
                limits = limits + 128 * signs.astype(np.int64).reshape(len(signs), -1).sum(1)
            outputs = (Output("signs", threshold=constants.number(limits.astype(kind))),)
        nodes.append(Node(name, op, (len(nodes),), keys, outputs=outputs))
    each = np.repeat(table.astype(np.uint8)[:, None], 3, axis=1)
    number = constants.number(each)
    image = GraphInput("image", "image", (SIZE, SIZE, 3), Resize(SIZE), number)
    output = GraphOutput("sums", len(nodes), tuple(classes))
    return encode(Graph((image,), (output,), tuple(nodes)), constants.arrays)


def cnv_sums(weights: Path, images: Array) -> Array:
    """(N, 10) whole numbers, as the network's authors say: images (N, 32, 32, 3) of uint8."""
    tensors, _ = read(weights)
    pixels = images.astype(np.float64)
    x = np.minimum(127, np.floor(128 * (2 * pixels / 255 - 1) + 0.5))
    for name in layers(tensors):
        signs = tensors[f"{name}.signs"].astype(np.float64)
        if signs.ndim == 4:
            windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
            x = np.einsum("nhwcij,ocij->nhwo", windows, signs, optimize=True)
        else:
            x = x.reshape(len(x), -1) @ signs.T
        if f"{name}.thresholds" in tensors:
            x = np.where(x >= tensors[f"{name}.thresholds"], 1, -1)
        if name in POOLED:
            count, height, width, channels = x.shape
            x = x.reshape(count, height // 2, 2, width // 2, 2, channels).max((2, 4))
    return x.astype(np.int64)
