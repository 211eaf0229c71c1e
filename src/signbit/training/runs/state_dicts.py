"""States of networks, that is tensors by name: whether one fits, and its fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor, nn

from signbit.errors import CheckpointError
from signbit.nn.layers import BinaryConv2d, BinaryLinear

__all__ = ["binarizer_names", "load_state", "state_digest"]

# How many batches a normalisation has seen, which is used by none of ours and left out by many
# published files.
_COUNTER = "num_batches_tracked"


def load_state(
    model: nn.Module,
    state: Mapping[str, Tensor],
    what: str,
    *,
    optional: Collection[str] = (),
    called: Callable[[str], str] = str,
) -> None:
    """Copy `state` into `model`, whose names and shapes it must have.

    `called` says what the state calls a tensor of the network; by default as the network does.
    Names that start with one of `optional` may be absent on either side: the network keeps its own
    values of those, and the state's are left out. Raises CheckpointError that names the first
    difference, in the network's order; `what` is what does not fit.
    """
    own = {called(name): (name, value) for name, value in model.state_dict().items()}
    prefixes = tuple(optional)
    for name, (_, value) in own.items():
        if name not in state:
            if name.endswith(_COUNTER) or name.startswith(prefixes):
                continue
            raise CheckpointError(
                f"{what} does not fit: it has no {name}, which is {_shape(value)} in this network"
            )
        if state[name].shape != value.shape:
            raise CheckpointError(
                f"{what} does not fit: {name} is {_shape(state[name])} there and "
                f"{_shape(value)} in this network"
            )
    for name, value in state.items():
        if name not in own and not name.startswith(prefixes):
            raise CheckpointError(
                f"{what} does not fit: it has {name}, {_shape(value)}, which is not in this network"
            )
    model.load_state_dict({ours: state.get(name, value) for name, (ours, value) in own.items()})


def binarizer_names(model: nn.Module) -> list[str]:
    """What the names of the parameters of binarizers start with.

    A layer whose weights are still real has no parameters of how they will become signs.
    """
    return [
        f"{name}.{part}."
        for name, module in model.named_modules()
        if isinstance(module, BinaryConv2d | BinaryLinear)
        for part in ("weight_binarizer", "activation_binarizer")
    ]


def state_digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and values, whatever the order and the device."""
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
        digest.update(value.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _shape(value: Tensor) -> str:
    return "×".join(str(side) for side in value.shape) or "one number"
