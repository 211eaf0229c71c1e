"""Random convolutions and sums of signs of random graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.runtime.random_graphs.draws import Array
from tests.runtime.random_graphs.nodes import NodeBuilder
from tests.runtime.random_graphs.steps import Draft

from signbit.bitformat.graph import Output, Pair


class ConvBuilder(NodeBuilder):
    """Adds convolutions. Their windows are keys: stride, padding, dilation."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.groupings: dict[int, int] = {}
        """Of the bits tensors that a grouped binary_conv or sign_sum reads."""

    def real_conv(
        self, source: int, out: int, kernel: Pair, groups: int = 1, **windows: Any
    ) -> list[int]:
        channels = self.shape(source)[2]
        shape = (out, *kernel, channels // groups)
        weight: Array
        if self.happens(0.3):
            weight, largest = self.packed(out, int(np.prod(shape[1:]))), float(np.prod(shape[1:]))
        else:
            weight = self.floats(*shape, size=0.5)
            largest = float(np.abs(weight).sum(axis=(1, 2, 3)).max())
        keys = self.conv_keys(kernel, groups, windows, weight)
        around = 0.0
        if self.flag():
            pad = self.floats(channels, size=100.0)
            around = float(np.abs(pad).max())
            keys["pad_value"] = self.constant(pad)
        bound = largest * max(self.bounds[source], around)
        return self.finish(self.draft("real_conv", [source], bound, out, **keys))

    def int16_stem(
        self, source: int, out: int, kernel: Pair, groups: int = 1, **windows: Any
    ) -> list[int]:
        """A convolution of pixels with int16 weights: small ones, any, or as large as allowed."""
        channels = self.shape(source)[2]
        shape = (out, *kernel, channels // groups)
        largest = min(8191, (2**31 - 1) // 255 // int(np.prod(shape[1:])))
        most = self.choose((1, 127, largest, largest))
        weight = self.rng.integers(-most, most + 1, shape)
        if self.flag():
            weight = np.where(weight < 0, -most, most)
        keys = self.conv_keys(kernel, groups, windows, weight.astype(np.int16))
        if self.flag():
            keys["pad_value"] = self.constant(self.rng.integers(0, 256, channels).astype(np.uint8))
        spread = 128 * float(np.sqrt(np.square(weight).sum() / out))
        return self.finish(self.draft("real_conv", [source], 2.0**31, out, spread, **keys))

    def binary_conv(
        self,
        source: int,
        out: int,
        kernel: Pair,
        groups: int = 1,
        pool: bool = False,
        **windows: Any,
    ) -> list[int]:
        """A convolution of signs, perhaps after the nodes that make its map and its sums."""
        taps = kernel[0] * kernel[1] * (self.shape(source)[2] // groups)
        shared = {"kernel": kernel, **windows}
        chance = 0.0 if pool else self.parts
        beside_map = self.stored_sums(source, 1, shared) if self.happens(chance) else None
        beside_sums = self.stored_sums(source, groups, shared) if self.happens(chance) else None
        keys = self.conv_keys(kernel, groups, windows, self.packed(out, taps))
        if self.happens(0.3):
            keys["pad_sign"] = self.choose(("positive", "negative"))
        if pool:
            plain = self.draft("binary_conv", [source], taps, out, **keys)
            keys["pool_kernel"] = tuple(self.integer(1, min(3, size)) for size in plain.shape[:2])
            keys["pool_stride"] = self.pair(1, 3)
        self.group(source, groups)
        draft = self.draft("binary_conv", [source], taps, out, taps**0.5, **keys)
        if beside_map is not None:
            place, factor = self.place(draft, beside_map), self.bounds[beside_map]
            self.step(draft, "multiply", factor, input=place, repeat="tile")
            self.affine(draft)
        if beside_sums is not None:
            place, factor = self.place(draft, beside_sums), self.bounds[beside_sums]
            weighted = self.floats(out)
            self.step(draft, "add", factor, input=place, repeat="each", weighted=weighted)
        return self.finish(draft)

    def wide_conv(self, source: int, out: int, kernel: Pair) -> list[int]:
        """A convolution of signs of stride 1 that adds a real tensor of its size, repeated."""
        taps = kernel[0] * kernel[1] * self.shape(source)[2]
        padding = (kernel[0] // 2, kernel[1] // 2) * 2
        keys = self.conv_keys(kernel, 1, {"padding": padding}, self.packed(out, taps))
        draft = self.draft("binary_conv", [source], taps, out, taps**0.5, **keys)
        self.affine(draft, borders=False)
        added = self.choose([None, *self.of_kind("real")])
        if added is not None:
            repeat = {"repeat": "tile"} if self.shape(added)[2] < out else {}
            self.step(draft, "add", self.bounds[added], input=self.place(draft, added), **repeat)
        self.activation(draft, self.choose(("relu", "hardtanh", "prelu", "maxout", "maxout")))
        if self.flag():
            self.step(draft, "offset", value=self.floats(out))
        outputs = [
            self.signs_after(None, self.floats(out), out)
            for _ in range(self.integer(0, self.most_signs))
        ]
        if not outputs or self.flag():
            outputs.append(Output())
        return self.add(draft, outputs)

    def conv_keys(
        self, kernel: Pair, groups: int, windows: dict[str, Any], weight: Array
    ) -> dict[str, Any]:
        shared = {"kernel": kernel, **windows, "weight": self.constant(weight)}
        return {**shared, "groups": groups} if groups > 1 else shared

    def group(self, source: int, groups: int) -> None:
        if groups > 1:
            assert self.groupings.setdefault(source, groups) == groups

    def sign_sum(
        self, source: int, out: int, kernel: Pair, groups: int = 1, **windows: Any
    ) -> list[int]:
        """As a convolution is called, whose number of filters means nothing here."""
        return self.finish(self.sums_draft(source, groups, {"kernel": kernel, **windows}))

    def stored_sums(self, source: int, groups: int, shared: dict[str, Any]) -> int:
        """Sums of signs as reals, scaled down."""
        draft = self.sums_draft(source, groups, shared)
        sets = draft.shape[2]
        self.step(draft, "affine", scale=self.floats(sets, size=0.2), shift=self.floats(sets))
        return self.add(draft, [Output()])[0]

    def sums_draft(self, source: int, groups: int, shared: dict[str, Any]) -> Draft:
        self.group(source, groups)
        rows, columns = shared["kernel"]
        bound = rows * columns * (self.shape(source)[2] // groups)
        keys = {**shared, "groups": groups} if groups > 1 else shared
        return self.draft("sign_sum", [source], bound, **keys)
