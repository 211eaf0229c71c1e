"""The graph of an `.sbnn` file as plain data, its limits, and the size rule of windows.

Mirrors docs/format.md key by key. Says nothing about JSON (schema.py) or validity (validate.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "ACTIVATIONS",
    "FORMAT_VERSION",
    "INTERPOLATIONS",
    "KINDS",
    "MAX_CHANNELS",
    "MAX_ELEMENTS",
    "MAX_ITEMS",
    "MAX_SIZE",
    "MAX_TAPS",
    "OPS",
    "RESIZE_RULES",
    "Graph",
    "InputSpec",
    "Node",
    "Op",
    "Pair",
    "Pool",
    "Shortcut",
    "SignOutput",
    "SignSums",
    "TensorSpec",
    "output_size",
]

FORMAT_VERSION = 3  # the newest that is known; versions.py says what each brought

MAX_ITEMS = 65_536  # nodes; tensors of the graph; tensors of the file
MAX_SIZE = 16_384  # height, width, kernel, stride, dilation, padding
MAX_CHANNELS = 65_536
MAX_ELEMENTS = 1 << 30  # of one tensor of the graph
MAX_TAPS = (1 << 24) - 1  # of one binary dot product, so that it is exact in float32

KINDS = ("image", "real", "bits")
INTERPOLATIONS = ("bilinear", "nearest")
RESIZE_RULES = ("torchvision",)
ACTIVATIONS = ("relu", "hardtanh", "prelu", "sigmoid", "maxout")

Pair = tuple[int, int]
"""(vertical, horizontal)"""


@dataclass(frozen=True)
class Op:
    """What an op may read and which keys of its own it has."""

    inputs: tuple[str, ...]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


_WINDOWS = ("kernel", "stride", "padding", "dilation", "groups")
_CONVOLUTION = (*_WINDOWS, "weight")

OPS = {
    "real_conv": Op(("image", "real", "bits"), _CONVOLUTION, ("pad_value",)),
    "binary_conv": Op(("bits",), _CONVOLUTION, ("pool", "map", "sums")),
    "max_pool": Op(("real", "bits"), ("kernel", "stride", "padding")),
    "avg_pool": Op(("real",), ("kernel", "stride")),
    "global_mean": Op(("real",)),
    "pointwise": Op(("image", "real"), (), ("map",)),
    "sign_sum": Op(("bits",), _WINDOWS),
    "mean_abs": Op(("real",)),
}


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of the graph, as it is for one image; kind is image, real or bits."""

    name: str
    kind: str
    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)"""
        return self.height, self.width, self.channels


@dataclass(frozen=True)
class InputSpec:
    """The image tensor, and how a photograph is made to fit it."""

    tensor: str
    resize_shorter_side: int
    interpolation: str = "bilinear"
    resize_rule: str = "torchvision"
    """How sizes are rounded."""


@dataclass(frozen=True)
class Pool:
    """Maximum of a binary convolution's dots over windows, without padding."""

    kernel: Pair
    stride: Pair


@dataclass(frozen=True)
class SignSums:
    """What a binary convolution adds for a weight offset: sums[y, x, g(c)] · scale[c].

    tensor: real (out height, out width, groups), as sign_sum makes it; scale names a constant.
    """

    tensor: str
    scale: str


@dataclass(frozen=True)
class Shortcut:
    """The real tensor an epilogue adds: [y·stride, x·stride, c − offset], +0.0 for no channel.

    Stride (0, 0) broadcasts a 1×1 tensor. With `repeat`, which has offset 0, channel c reads
    c mod the tensor's channels instead.
    """

    tensor: str
    stride: Pair = (1, 1)
    offset: int = 0
    repeat: bool = False


@dataclass(frozen=True)
class SignOutput:
    """A bits tensor an epilogue writes: (u < threshold[c]) XOR flip[c]; both name constants."""

    tensor: str
    threshold: str
    flip: str


@dataclass(frozen=True)
class Node:
    """A body (op) and the common epilogue; a field that the op lacks or that is absent is None.

    weight, pad_value, scale, shift, slope, positive_slope and offset name constants; map names the
    tensor read, real the tensor written.
    """

    name: str
    op: str
    input: str
    kernel: Pair | None = None
    stride: Pair | None = None
    padding: Pair | None = None
    dilation: Pair | None = None
    groups: int | None = None
    weight: str | None = None
    pad_value: str | None = None
    pool: Pool | None = None
    map: str | None = None
    sums: SignSums | None = None
    scale: str | None = None
    shift: str | None = None
    shortcut: Shortcut | None = None
    activation: str | None = None
    slope: str | None = None
    positive_slope: str | None = None
    offset: str | None = None
    real: str | None = None
    signs: tuple[SignOutput, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the tensors this node writes."""
        reals = () if self.real is None else (self.real,)
        return reals + tuple(output.tensor for output in self.signs)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors this node reads."""
        maps = () if self.map is None else (self.map,)
        sums = () if self.sums is None else (self.sums.tensor,)
        shortcuts = () if self.shortcut is None else (self.shortcut.tensor,)
        return (self.input, *maps, *sums, *shortcuts)


@dataclass(frozen=True)
class Graph:
    """A network: tensors, and nodes in order of execution."""

    input: InputSpec
    output: str
    tensors: tuple[TensorSpec, ...]
    nodes: tuple[Node, ...]
    classes: tuple[str, ...] = ()
    source: dict[str, str] = field(default_factory=dict)
    format: int = 1
    """Version of docs/format.md; versions.py finds the lowest that holds a graph."""

    def tensor(self, name: str) -> TensorSpec:
        """The tensor of this name; KeyError if the graph declares none."""
        for tensor in self.tensors:
            if tensor.name == name:
                return tensor
        raise KeyError(name)


def output_size(size: int, kernel: int, stride: int, padding: int = 0, dilation: int = 1) -> int:
    """Windows that fit along one axis; zero or negative where the window is too large."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
