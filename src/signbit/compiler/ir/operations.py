"""Operations that no file has: what tracing makes and passes remove, beside the file's own table.

A row is as in bitformat/operations.toml. A `half` is read by its other half, or never computed.
"""

from __future__ import annotations

from signbit.bitformat.table import OPERATIONS, Key, Operation

__all__ = ["HALVES", "IMAGE", "INPUTS", "OWN_OPERATIONS", "RULES"]

IMAGE = "image"
"""Name of the value that holds the raw pixels, where they are the only input."""

INPUTS = ("image", "reals")
"""Operations that yield what a caller gives."""

HALVES = {
    "length": (
        "the engine knows the length of a vector only as part of x / max(length, ε): "
        "F.normalize(x, dim=1)"
    ),
    "choice": "the engine yields reals, not whole numbers or truth: add .float()",
}
"""Halves of another operation → why they cannot stand alone: the length of a pixel's channels, and
one of two constants, which is a sign or reals where those are read."""

_CHANNELS = ("weight", "bias", "mean", "variance")

_ANY = ("image", "real", "bits")


def _constant(name: str, says: str, *, required: bool = True, shape: str = "channels") -> Key:
    return Key(name, "constant", says, required=required, shape=shape)


def _own(
    name: str,
    says: str,
    *keys: Key,
    inputs: tuple[tuple[str, ...], ...] = (("real",),),
    yields: str = "real",
    shape: str = "same",
    many: bool = False,
) -> tuple[str, Operation]:
    return name, Operation(name, inputs, many, keys, {}, shape, yields, says, "")


OWN_OPERATIONS: dict[str, Operation] = dict(
    [
        _own(
            "image",
            "raw pixels that a caller gives, or what takes their place",
            _constant("table", "by pixel: uint8", required=False, shape="256 × channels"),
            inputs=(),
            yields="image",
            shape="given",
        ),
        _own("reals", "reals that a caller gives", inputs=(), shape="given"),
        _own(
            "sign",
            "bit = (u < level) XOR negated; becomes an output of the node that yields u",
            _constant("level", "float32; None is 0", required=False),
            _constant("negated", "uint8 of 0 and 1; None is 0", required=False),
            _constant("threshold", "float32, or int32 for integer dots; None is 0", required=False),
            _constant("flip", "uint8 of 0 and 1; None is 0", required=False),
            Key("taken_over", "steps", "per-channel steps that are in the threshold", ()),
            _constant(
                "pixel_signs",
                "of a sign that one pixel decides: whether PyTorch's is −1, by the pixel's value",
                required=False,
                shape="channels × 256",
            ),
            inputs=(_ANY,),
            yields="bits",
        ),
        _own(
            "batch_norm",
            "weight·(x − mean)/√(variance + epsilon) + bias, float64",
            *(_constant(name, "per channel") for name in _CHANNELS),
            Key("epsilon", "number", "float64", required=True),
        ),
        _own(
            "flatten_chw",
            "all values as the channels of one pixel, in PyTorch's order: channel, row, column",
            inputs=(_ANY,),
            yields="input",
            shape="flat",
        ),
        _own(
            "view",
            "every stride-th pixel, with zero channels around, or the same channels again",
            Key("stride", "pair", "which rows and columns", (1, 1)),
            Key("zeros", "integer", "zero channels before the first", 0),
            Key("repeat", "flag", "the channels again and again, instead of zeros", default=False),
            inputs=(_ANY,),
            yields="input",
            shape="view",
        ),
        _own(
            "pad",
            "rows and columns of one value per channel around the input; of signs −1 or +1",
            Key("padding", "sides", "top, left, bottom, right", (0, 0, 0, 0)),
            _constant("value", "per channel, float64"),
            inputs=(_ANY,),
            yields="input",
            shape="padded",
        ),
        _own(
            "unknown",
            "of a refused call: any value, so that what follows can be looked at",
            inputs=(_ANY,),
            shape="given",
            many=True,
        ),
        _own(
            "choice",
            "one of two constants, until something reads it as a sign or as reals",
            _constant("level", "float32"),
            _constant("below", "where x < level, of any type"),
            _constant("above", "elsewhere"),
            yields="half",
        ),
        _own(
            "length",
            "of the vector of a pixel's channels, or epsilon where that is more",
            Key("epsilon", "number", "float64", 0.0),
            yields="half",
            shape="given",
        ),
    ]
)

RULES: dict[str, Operation] = {**OPERATIONS, **OWN_OPERATIONS}
"""Every operation of the compiler's graph."""
