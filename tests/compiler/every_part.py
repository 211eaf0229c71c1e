"""A small graph with every part that methods bring with them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signbit.bitformat import pack_bits
from signbit.bitformat.graph import Graph, GraphInput, GraphOutput, Node, Output, Step
from signbit.compiler.constants import Constant, NumberedConstants

__all__ = ["every_part"]


def every_part() -> tuple[Graph, dict[str, Constant]]:
    """6×5 pixels of 4 channels → signs → a convolution with all of it → packed real weights."""
    rng = np.random.default_rng(3)
    constants = NumberedConstants()

    def floats(*shape: int) -> int:
        return constants.number(rng.standard_normal(shape).astype(np.float32))

    def full(count: int, value: float) -> int:
        return constants.number(np.full(count, value, np.float32))

    def flip(values: list[int]) -> int:
        return constants.number(np.uint8(values))

    def packed(*shape: int) -> int:
        negative: npt.NDArray[np.bool_] = rng.random(shape) < 0.5
        return constants.number(pack_bits(negative))

    window = {"kernel": (3, 3), "padding": (1, 1, 1, 1)}
    box = constants.number(np.full((1, 3, 3, 1), 1 / 9, np.float32))
    taps = ((1, 3), (0, 3), (0, 2))
    affine = {"scale": floats(10), "shift": floats(3, 3, 10), "row_taps": taps, "column_taps": taps}
    nodes = (
        Node(
            "prepare",
            "identity",
            (0,),
            steps=(Step("affine", {"scale": full(4, 1 / 64), "shift": full(4, -2)}),),
            outputs=(Output(), Output("signs", threshold=floats(4), flip=flip([0, 1, 0, 1]))),
        ),
        Node("mean", "mean_abs", (1,)),
        Node("box", "real_conv", (3,), {**window, "weight": box}),
        Node("sum", "sign_sum", (2,), {**window, "groups": 2}),
        Node(
            "conv",
            "binary_conv",
            (2, 4, 5, 1),
            {**window, "groups": 2, "weight": packed(10, 18)},
            steps=(
                Step("multiply", {"input": 1, "repeat": "tile"}),
                Step("affine", affine),
                Step("add", {"input": 2, "repeat": "each", "weighted": floats(10)}),
                Step("add", {"input": 3, "repeat": "tile"}),
                Step("maxout", {"slope": floats(10), "positive_slope": floats(10)}),
                Step("offset", {"value": floats(10)}),
            ),
            outputs=(Output(), Output("signs", threshold=floats(10), flip=flip([1, 0] * 5))),
        ),
        Node("head", "real_conv", (7,), {"kernel": (6, 5), "weight": packed(3, 300)}),
    )
    graph = Graph((GraphInput("image", "image", (6, 5, 4)),), (GraphOutput("logits", 8),), nodes)
    return graph, constants.arrays
