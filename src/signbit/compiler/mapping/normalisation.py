"""Batch normalisation in evaluation mode, and normalisations by an image's own statistics.

Those are a `layer_norm` or an `l2_normalise` of channels: whatever else is normalised together is
moved until it is the channels of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from signbit.bitformat.table import LIMITS
from signbit.compiler.ir import Node, Origin, Step, refuse
from signbit.compiler.mapping.moves.over_views import (
    as_channels,
    is_moved,
    made_of,
    places_of_channels,
)
from signbit.compiler.mapping.moves.views import BATCH, Atom, View, moved, reshaped, view_of
from signbit.compiler.mapping.tracer import Call

__all__ = ["MAPPINGS"]


def _batch_norm(call: Call) -> Node:
    mean, variance = call.constant("running_mean"), call.constant("running_var")
    if (variance + call.arguments["eps"]).min() <= 0:
        reason = "has a running variance that is not positive"
        raise refuse(_of_any_name(call), reason, "load the statistics that training found")
    weight, bias = call.optional_constant("weight"), call.optional_constant("bias")
    node = call.add(
        "batch_norm",
        call.real_map("input"),
        weight=np.ones_like(mean) if weight is None else weight,
        bias=np.zeros_like(mean) if bias is None else bias,
        mean=mean,
        variance=variance,
        epsilon=call.arguments["eps"],
    )
    return call.tracer.graph.update(node.name, origin=_of_any_name(call))


def _of_any_name(call: Call) -> Origin:
    """The call by the name that people know; PyTorch has several for it."""
    return call.origin._replace(target="aten.batch_norm")


def _batch_norm_training(call: Call) -> Node:
    raise call.refuse_training(
        "normalises with the statistics of the batch",
        "the engine needs running statistics (track_running_stats=True) and evaluation mode",
    )


def _instance_norm(call: Call) -> Node:
    """With running statistics a batch normalisation; else of each channel's own statistics."""
    if not call.arguments["use_input_stats"]:
        return _batch_norm(call)
    if call.arguments["running_mean"] is not None:
        return _batch_norm_training(call)
    return _by_groups(call, call.map("input").shape.channels)


def _group_norm(call: Call) -> Node:
    return _by_groups(call, call.arguments["num_groups"])


def _by_groups(call: Call, groups: int) -> Node:
    """Each group of channels, less its mean, divided by its standard deviation, in each image.

    Groups become pixels, whose channels are all values of the group, and then channels again.
    """
    source = call.real_map("input")
    height, width, channels = source.shape
    count = height * width * channels // groups
    if height * width > LIMITS["size"] or count > LIMITS["channels"]:
        raise call.refuse(
            f"normalises {count} values of {height}×{width} pixels together",
            f"the engine knows {LIMITS['channels']} values of {LIMITS['size']} pixels: take "
            "nn.BatchNorm2d, whose statistics are constants, or normalise smaller maps",
        )
    pixels, group, channel = (
        (Atom(size),) if size > 1 else () for size in (height * width, groups, channels // groups)
    )
    memory = (*pixels, *group, *channel)
    rows = as_channels(call, View(source, memory, ((BATCH,), group, pixels, channel)), 2)
    values = _normalised(call, rows.source)
    back = moved(call, View(values, rows.memory, ((BATCH,), memory))).source
    return _scaled(call, reshaped(call, back, source.shape, "maps"), np.arange(channels))


def _layer_norm(call: Call) -> Node:
    return _over_last(call, _normalised)


def _normalised(call: Call, source: Node) -> Node:
    epsilon = np.array([call.arguments["eps"]], np.float64)
    return call.add("layer_norm", source, part="normalised", shape=source.shape, epsilon=epsilon)


def _rms_norm(call: Call) -> Node:
    return _over_last(call, _by_root_mean_square)


def _by_root_mean_square(call: Call, source: Node) -> Node:
    """x / √(mean of x² + ε): x divided by the length of (x, √(n·ε)), times √n."""
    shape, epsilon = source.shape, call.arguments["eps"]
    epsilon = np.finfo(np.float32).eps if epsilon is None else epsilon
    one, more = (shape._replace(channels=size) for size in (1, shape.channels + 1))
    zero = {"scale": np.zeros(1), "shift": np.sqrt([shape.channels * epsilon])}
    first = call.add("slice", source, part="first", shape=one, first=0, count=1)
    root = call.add("identity", first, steps=[Step("affine", zero)], part="epsilon", shape=one)
    joined = call.add("concat", source, root, part="joined", shape=more)
    unit = call.add("l2_normalise", joined, part="unit", shape=more, epsilon=np.zeros(1))
    values = call.add("slice", unit, part="kept", shape=shape, first=0, count=shape.channels)
    scale = np.full(shape.channels, np.sqrt(shape.channels))
    step = Step("affine", {"scale": scale, "shift": np.zeros_like(scale)})
    return call.add("identity", values, steps=[step], part="normalised", shape=shape)


def _over_last(call: Call, normalise: Callable[[Call, Node], Node]) -> Node:
    """The values of the last dimensions normalised together, at each place of the others."""
    count = len(call.arguments["normalized_shape"])
    if count == 1 and not is_moved(call, "input", -1):
        source = call.as_real(call.with_channels("input", -1))
        return _scaled(call, normalise(call, source), np.arange(source.shape.channels))
    rows = as_channels(call, view_of(call, "input"), count)
    node = normalise(call, call.as_real(rows.source))
    scaled = _scaled(call, node, places_of_channels(rows, count), "scaled")
    return made_of(call, rows._replace(source=scaled))


def _scaled(call: Call, node: Node, places: npt.NDArray[np.intp], part: str | None = None) -> Node:
    """A normalised value times the call's weight, and its bias added; places: of each channel.

    part: as of `Call.add`.
    """
    names = [name for name in ("weight", "bias") if call.arguments.get(name) is not None]
    constants = {name: call.constant(name).reshape(-1)[places] for name in names}
    if not constants and part is None:
        return call.yields(node)
    if not constants:
        return node
    scale = constants.get("weight", np.ones(len(places)))
    step = Step("affine", {"scale": scale, "shift": constants.get("bias", np.zeros_like(scale))})
    return call.add("identity", node, steps=[step], part=part, shape=node.shape)


MAPPINGS = {
    "aten.group_norm.default": _group_norm,
    "aten.instance_norm.default": _instance_norm,
    "aten.layer_norm.default": _layer_norm,
    "aten.rms_norm.default": _rms_norm,
    "aten._native_batch_norm_legit_no_training.default": _batch_norm,
    "aten._native_batch_norm_legit_functional.default": _batch_norm_training,
    "aten._native_batch_norm_legit.no_stats": _batch_norm_training,
}
