"""Weights that Keras wrote (HDF5, `.h5`), read by the names that Keras gave the layers.

Keras numbers the layers of a kind in the order of their creation: conv2d, conv2d_1, and on from any
number. Files are strangers': no link out of the file is followed, and a tensor is read once its
shape is known to be right.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from signbit.errors import CheckpointError, MissingExtraError
from signbit.models.quicknet import BlurPool
from signbit.nn.layers import BinaryConv2d

__all__ = ["KerasLayers", "read_keras"]

_MOST_LAYERS = 10_000
_MOST_IN_PIECE = 1 << 24
"""Values of a piece that a tensor is stored in: HDF5 reads pieces as a whole."""

_NORMS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


@dataclass(frozen=True)
class KerasLayers:
    """What the layers of each kind are called in a network's files, without their numbers."""

    conv: str
    depthwise: str
    linear: str
    binary_conv: str = "quant_conv2d"
    norm: str = "batch_normalization"
    blur: str = "depthwise_conv2d"
    epsilons: Mapping[str, float] | None = None
    """What normalisations add to a variance, where it is not what they add here, by the first
    part of their path."""

    def kind_of(self, layer: nn.Module) -> str | None:
        """What Keras calls a layer of ours; None where it has no tensors."""
        if isinstance(layer, BinaryConv2d):
            return self.binary_conv
        if isinstance(layer, nn.Conv2d):
            return self.conv if layer.groups == 1 else self.depthwise
        kinds = {nn.BatchNorm2d: self.norm, nn.Linear: self.linear, BlurPool: self.blur}
        return kinds.get(type(layer))


def read_keras(file: Path, network: nn.Module, layers: KerasLayers, what: str) -> dict[str, Tensor]:
    """The state of `network` from a file of Keras, its own or weights alone.

    Raises CheckpointError, which begins with `what`, where the file cannot be read or does not fit:
    the first layer that is missing, that has another shape, or that is too many.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError.of("h5py", "a file of Keras") from error
    try:
        with h5py.File(file, "r") as held:
            return _state(_Reader(held, what), network, layers)
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{what}: is no whole HDF5 file of Keras ({error})") from error


def _state(reader: _Reader, network: nn.Module, layers: KerasLayers) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for path, layer in _in_order_of_creation(network):
        kind = layers.kind_of(layer)
        if kind is None:
            continue
        group = reader.next_of(kind, path)
        own = {"filters": layer.filters} if isinstance(layer, BlurPool) else layer.state_dict()
        for name, value in own.items():
            if name == "num_batches_tracked":
                continue
            read = reader.tensor(group, name, layer, value)
            if name == "running_var" and isinstance(layer, nn.BatchNorm2d) and layers.epsilons:
                epsilon = layers.epsilons.get(path.partition(".")[0], layer.eps)
                read = read + (epsilon - layer.eps)
            state[f"{path}.{name}"] = read
        if isinstance(layer, BlurPool) and not torch.equal(state.pop(f"{path}.filters"), value):
            raise CheckpointError(
                f"{reader.what} does not fit: {group} blurs otherwise than {path}"
            )
    reader.require_all_read()
    return state


def _in_order_of_creation(network: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Modules without children, and those that Keras has as one; shortcuts are made first."""
    children = sorted(network.named_children(), key=lambda child: child[0] != "shortcut")
    for name, child in children:
        inside = f"{path}.{name}" if path else name
        if isinstance(child, BinaryConv2d):
            yield inside, child
        elif any(True for _ in child.children()):
            yield from _in_order_of_creation(child, inside)
        else:
            yield inside, child


class _Reader:
    """The layers of an open file, by kind and number."""

    def __init__(self, file: Any, what: str) -> None:
        self.what = what
        self.file = self._inside(file, "model_weights") if "model_weights" in file else file
        names = [_text(name) for name in self.file.attrs["layer_names"]]
        if len(names) > _MOST_LAYERS:
            raise CheckpointError(
                f"{what}: has {len(names)} layers, at most {_MOST_LAYERS} are read"
            )
        numbered = defaultdict(list)
        for name in names:
            kind, number = re.fullmatch(r"(.*?)(?:_(\d{1,9}))?", name, re.S).groups()  # type: ignore
            if self._datasets(name):
                numbered[kind].append((int(number or 0), name))
        self.layers = {kind: iter(sorted(each)) for kind, each in numbered.items()}

    def next_of(self, kind: str, path: str) -> str:
        """The name of the next layer of a kind, which is `path` here."""
        _, name = next(self.layers.get(kind, iter(())), (0, ""))
        if not name:
            raise CheckpointError(f"{self.what} does not fit: it has no further {kind} for {path}")
        return name

    def require_all_read(self) -> None:
        """Refuse layers that nobody asked for."""
        for each in self.layers.values():
            if (more := next(each, None)) is not None:
                raise CheckpointError(
                    f"{self.what} does not fit: it has {more[1]}, which is not in this network"
                )

    def tensor(self, layer: str, name: str, module: nn.Module, like: Tensor) -> Tensor:
        """One tensor of a layer, in PyTorch's order of dimensions."""
        is_depthwise = like.dim() == 4 and like.shape[1] == 1 and not isinstance(module, nn.Linear)
        is_norm = isinstance(module, nn.BatchNorm2d)
        wanted = "depthwise_kernel" if is_depthwise else "kernel" if like.dim() > 1 else name
        wanted = _NORMS[name] if is_norm else wanted
        order = {4: (2, 3, 0, 1) if is_depthwise else (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[like.dim()]
        shape = tuple(like.shape[order.index(axis)] for axis in range(like.dim()))
        data: Any = self._datasets(layer).get(wanted)
        if not hasattr(data, "external"):  # as of what is no tensor
            raise CheckpointError(f"{self.what} does not fit: {layer} has no {wanted}")
        if data.external or data.is_virtual:
            raise CheckpointError(
                f"{self.what}: {layer}'s {wanted} is in another file, and no other file is opened"
            )
        if data.shape != shape or data.dtype.kind != "f":
            found = "×".join(map(str, data.shape))
            raise CheckpointError(
                f"{self.what} does not fit: {layer}'s {wanted} is {found} of {data.dtype} there, "
                f"and {'×'.join(map(str, shape))} of floats in this network"
            )
        if data.chunks and math.prod(data.chunks) > max(_MOST_IN_PIECE, data.size):
            raise CheckpointError(
                f"{self.what}: {layer}'s {wanted} is stored in pieces of "
                f"{math.prod(data.chunks):,} values, which is absurd"
            )
        values = np.asarray(data[()], np.float32)
        if not np.isfinite(values).all():
            raise CheckpointError(f"{self.what}: {layer}'s {wanted} holds NaN or infinity")
        return torch.from_numpy(np.ascontiguousarray(values.transpose(order)))

    def _datasets(self, layer: str) -> dict[str, Any]:
        """A layer's tensors, by their short names."""
        group = self._inside(self.file, layer)
        found = {}
        for name in map(_text, group.attrs["weight_names"]):
            held = group
            for part in name.split("/"):
                held = self._inside(held, part)
            found[name.rpartition("/")[2].removesuffix(":0")] = held
        return found

    def _inside(self, group: Any, name: str) -> Any:
        """What a group holds under a name, unless that is a link to elsewhere."""
        import h5py

        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise CheckpointError(f"{self.what}: {name} is a link to elsewhere; none is followed")
        return group[name]


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
