"""Random valid graphs for property tests: one operation under test, or a small network of them.

A seeded generator decides everything: Hypothesis, drawing the structure itself, tries many
near-duplicates of few graphs, and here variety finds more than shrinking does. Scales, shifts and
thresholds lie on a coarse grid half of the time, so that ties are common.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.bitformat.drawn_keys import SIMPLE, drawn_operation
from tests.runtime.random_graphs.case import Case
from tests.runtime.random_graphs.convolutions import ConvBuilder
from tests.runtime.random_graphs.steps import Draft

from signbit.bitformat.graph import Output
from signbit.errors import ModelFileError

__all__ = ["Builder", "Case"]


class Builder(ConvBuilder):
    """Collects tensors, constants and nodes. Every method adds one node with random steps, or a
    few, and returns the numbers of the tensors that it writes.
    """

    # Pools and means.

    def pool(self, op: str, source: int, plain: bool = False) -> list[int]:
        """A random pool; a plain one has outputs but no steps of its own."""
        draft = self.pool_draft(op, source)
        if self.tensors[source].kind == "bits" and self.flag():  # signs of signs, as they are
            return self.add(draft, [Output("signs")])
        if not plain:
            return self.finish(draft)
        channels = draft.shape[2]
        signs = [self.signs_after(None, self.floats(channels), channels)] if self.flag() else []
        return self.add(draft, [*signs, Output()])

    def pool_draft(self, op: str, source: int) -> Draft:
        """A pool whose windows have a tap inside the image; a plain one where that is not drawn."""
        height, width, _ = self.shape(source)
        for _ in range(8):
            kernel = self.integer(1, min(4, height)), self.integer(1, min(4, width))
            keys: dict[str, Any] = {"kernel": kernel, "stride": self.pair(1, 3)}
            if self.flag():
                keys["padding"] = tuple(self.integer(0, kernel[axis] - 1) for axis in (0, 1, 0, 1))
            if self.happens(0.3):
                keys["ceil"] = True
            if op == "avg_pool" and self.flag():
                keys["count_padding"] = True
            if op == "max_pool" and self.happens(0.2):
                keys["dilation"] = self.pair(1, 2)
            try:
                return self.draft(op, [source], self.bounds[source], **keys)
            except ModelFileError:
                continue
        return self.draft(op, [source], self.bounds[source])

    # Everything else.

    def simple(self, op: str, source: int, **keys: Any) -> list[int]:
        """An operation that reads one tensor, with these keys."""
        small = op in ("softmax", "l2_normalise")
        return self.finish(self.draft(op, [source], 1.0 if small else self.bounds[source], **keys))

    def identity(self, source: int) -> list[int]:
        """The source's values, often times a value per pixel, as the newer methods have it."""
        draft = self.draft("identity", [source], self.bounds[source])
        height, width, _ = draft.shape
        maps = [n for n in self.of_kind("real") if self.shape(n) == (height, width, 1)]
        if maps and self.happens(self.parts):
            number = self.choose(maps)
            place, factor = self.place(draft, number), self.bounds[number]
            self.step(draft, "multiply", factor, input=place, repeat="tile")
        return self.finish(draft)

    def l2_normalise(self, source: int) -> list[int]:
        epsilon = np.float32([self.choose((1e-12, 0.5, 100.0))])
        return self.simple("l2_normalise", source, epsilon=self.constant(epsilon))

    def slice(self, source: int) -> list[int]:
        channels = self.shape(source)[2]
        count = self.integer(1, channels)
        first = self.integer(0, channels - count)
        return self.simple("slice", source, first=first, count=count)

    def concat(self, source: int) -> list[int]:
        """A tensor and one to three more of its kind and size, itself perhaps."""
        kind, size = self.tensors[source].kind, self.shape(source)[:2]
        like = [n for n in self.of_kind(kind) if self.shape(n)[:2] == size]
        sources = [source, *(self.choose(like) for _ in range(self.integer(1, 3)))]
        return self.finish(
            self.draft("concat", sources, max(self.bounds[number] for number in sources))
        )

    def flatten(self, source: int) -> list[int]:
        return self.simple("flatten", source)

    def upsample(self, source: int) -> list[int]:
        return self.simple("upsample", source, factor=self.pair(1, 3))

    def space_to_depth(self, source: int) -> list[int]:
        height, width, _ = self.shape(source)
        blocks = [b for b in (1, 2, 3) if height % b == 0 and width % b == 0]
        return self.simple("space_to_depth", source, block=self.choose(blocks))

    def depth_to_space(self, source: int) -> list[int]:
        blocks = [b for b in (1, 2, 3) if self.shape(source)[2] % (b * b) == 0]
        return self.simple("depth_to_space", source, block=self.choose(blocks))

    def any_operation(self, source: int) -> list[int]:
        """An operation without weights, with any keys: whichever the table has."""
        rule, keys = drawn_operation(self.rng, self.tensors[source], SIMPLE)
        numbers = {
            name: self.constant(value) if isinstance(value, np.ndarray) else value
            for name, value in keys.items()
        }
        return self.finish(
            self.draft(rule.name, [source] * len(rule.inputs), self.bounds[source], **numbers)
        )

    def gate(self, source: int) -> list[int]:
        """Squeeze and excite: a tensor times a sigmoid of its own means."""
        draft = self.draft("global_mean", [source], self.bounds[source])
        self.affine(draft)
        self.activation(draft, self.choose(("sigmoid", "hard_sigmoid")))
        (gate,) = self.add(draft, [Output()])
        draft = self.draft("identity", [source], self.bounds[source])
        self.step(draft, "multiply", 1.0, input=self.place(draft, gate), every=(0, 0))
        return self.finish(draft)

    def binarize(self, source: int, shift: int | None) -> int:
        """Signs alone, of a tensor to which a 1×1 one is added: a threshold of this image's own."""
        draft = self.draft("identity", [source], self.bounds[source])
        if shift is not None:
            place, factor = self.place(draft, shift), self.bounds[shift]
            self.step(draft, "add", factor, input=place, every=(0, 0))
        channels = draft.shape[2]
        return self.add(draft, [self.signs_after(None, self.floats(channels), channels)])[0]

    def prepare(self, source: int) -> tuple[int, int]:
        """An input as reals about zero, and as signs; their numbers."""
        draft = self.draft("identity", [source], self.bounds[source])
        channels = draft.shape[2]
        if self.tensors[source].kind == "image":
            scale, shift = np.full((2, channels), [[1 / 64], [-2]], np.float32)
            self.step(draft, "affine", scale=scale, shift=shift)
        real, bits = self.add(draft, [Output(), Output("signs")])
        return real, bits

    def head(self) -> None:
        """End with a fully connected layer on the newest bits, so that the output is real."""
        source = self.of_kind("bits")[-1]
        height, width, channels = self.shape(source)
        out, taps = self.integer(1, 12), height * width * channels
        keys = self.conv_keys((height, width), 1, {}, self.packed(out, taps))
        draft = self.draft("binary_conv", [source], taps, out, taps**0.5, **keys)
        self.affine(draft, borders=False)
        self.add(draft, [Output()])
