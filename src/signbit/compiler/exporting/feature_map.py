"""Models that end in a flattened map, which no file can hold: as models that yield the map."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from signbit.compiler.exporting.exported import export

__all__ = ["FeatureMap", "as_feature_map"]


class FeatureMap(nn.Module):
    """`model`, whose output (N, channels · height · width) is a flattened map, yields the map."""

    def __init__(self, model: nn.Module, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.model = model
        self.shape = shape

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, C, H, W) to (N, channels, height, width)."""
        flat: Tensor = self.model(pixels)
        return flat.reshape(flat.shape[0], *self.shape)


def as_feature_map(model: nn.Module, input_size: tuple[int, int, int]) -> nn.Module:
    """`model`, or where its last operation flattens a map, a model that yields the map.

    A file's maps are in the order (y, x, channel), a flattened one of PyTorch's in (channel, y, x):
    compiled, the same values stand in another order, which no cosine sees. model: in evaluation
    mode; input_size: (height, width, channels). Raises CompileError as `export` does.
    """
    program = export(model, input_size)
    (output,) = (node for node in program.graph.nodes if node.op == "output")
    last = output.args[0][0]
    sources = [node.meta.get("val") for node in last.all_input_nodes]
    maps = [value for value in sources if isinstance(value, Tensor) and value.dim() == 4]
    names = (torch.ops.aten.view, torch.ops.aten.reshape, torch.ops.aten.flatten)
    packet = getattr(last.target, "overloadpacket", None)
    if packet not in names or last.meta["val"].dim() != 2 or not maps:
        return model
    _, channels, height, width = maps[0].shape
    return FeatureMap(model, (int(channels), int(height), int(width))).eval()
