from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.compiler.file_nodes import step
from tests.compiler.graphs import Builder, answers, ops

from signbit.compiler.ir import IMAGE, Graph, Shape
from signbit.compiler.passes.fold.fold_into_weights import fold_into_weights
from signbit.compiler.passes.fold.gather_affine import gather_affine
from signbit.compiler.passes.fold.round_constants import round_constants

Array = npt.NDArray[Any]


def _convolve(x: Array, weight: Array, padding: int, groups: int, pad: Array) -> Array:
    """Float64, stride 1; x (H, W, C), weight (out, kh, kw, C / groups), pad (C,)."""
    height, width, channels = x.shape
    padded = np.empty((height + 2 * padding, width + 2 * padding, channels))
    padded[:] = pad
    padded[padding : padding + height, padding : padding + width] = x
    out, kernel_height, kernel_width, depth = weight.shape
    rows, columns = padded.shape[0] - kernel_height + 1, padded.shape[1] - kernel_width + 1
    result = np.zeros((rows, columns, out))
    for y in range(rows):
        for column in range(columns):
            window = padded[y : y + kernel_height, column : column + kernel_width]
            for channel in range(out):
                first = channel // (out // groups) * depth
                part = window[..., first : first + depth]
                result[y, column, channel] = (part * weight[channel]).sum()
    return result


@pytest.mark.parametrize(("padding", "groups"), [(0, 1), (1, 1), (2, 2)])
def test_zero_padding_after_normalisation_stays_exact(padding: int, groups: int) -> None:
    build = Builder((5, 4, 4))
    scale = np.array([0.01, 0.02, 0.015, 0.03])
    shift = np.array([-2.0, -1.5, 0.0, -1.0])
    normalised = build.scaled(IMAGE, scale, shift)
    name = build.conv(normalised, 6, padding=padding, groups=groups)
    weight = build.graph[name].weight
    assert weight is not None
    build.graph.output = name
    fold_into_weights(build.graph)
    assert ops(build.graph) == ["image", "real_conv", "identity"]
    conv, added = build.graph[name], build.graph[build.graph.output]
    assert conv.input == IMAGE
    assert conv.weight is not None
    assert added.input == name
    assert (conv["pad_value"] is not None) == (padding > 0)

    x = np.random.default_rng(0).integers(0, 256, (5, 4, 4)).astype(np.float64)
    expected = _convolve(x * scale + shift, weight, padding, groups, np.zeros(4))
    pad = np.zeros(4) if conv["pad_value"] is None else conv["pad_value"]
    folded = _convolve(x, conv.weight, padding, groups, pad)
    folded += step(added, "affine")["shift"]
    np.testing.assert_allclose(folded, expected, rtol=0, atol=1e-12)


def _vector_network() -> Graph:
    build = Builder()
    affine = build.affine(build.mean(build.stem(7)))
    linear = build.conv(affine, 4, 1, padding=0)
    build.graph.output = linear
    return build.graph


def test_an_affine_in_front_of_a_linear_layer_folds() -> None:
    plain, folded = _vector_network(), _vector_network()
    round_constants(plain)
    fold_into_weights(folded)
    gather_affine(folded)
    round_constants(folded)
    linear = [node for node in folded if node.op == "real_conv"][-1]
    assert folded[linear.input].op == "global_mean"
    np.testing.assert_allclose(answers(folded), answers(plain), rtol=1e-4, atol=1e-4)


def test_an_affine_between_convolutions_stays_with_the_first() -> None:
    build = Builder()
    affine = build.stem()
    conv = build.conv(affine, 3)
    build.graph.output = conv
    fold_into_weights(build.graph)
    assert build.graph[conv].input == affine


def test_a_scale_of_zero_with_padding_stays() -> None:
    build = Builder((4, 4, 1))
    flat = build.scaled(IMAGE, 0, 1)
    conv = build.conv(flat, 2)
    build.graph.output = conv
    fold_into_weights(build.graph)
    assert build.graph[conv].input == flat


def test_another_reader_keeps_the_normalised_pixels() -> None:
    build = Builder()
    normalised = build.affine(IMAGE, positive=True)
    build.change(normalised, "affine", scale=np.ones(3))
    conv = build.conv(normalised, 3)
    build.graph.output = build.plus(conv, normalised)
    fold_into_weights(build.graph)
    assert build.graph[conv].input == IMAGE
    assert normalised in build.graph
    assert build.graph[conv].shape == Shape(6, 6, 3)


def test_weights_of_signs_stay_signs() -> None:
    build = Builder((1, 1, 6))
    normalised = build.scaled(IMAGE, 0.02, -2.5)
    conv = build.conv(normalised, 4, 1, padding=0)
    weight = build.random.choice(np.array([-1, 1], np.int8), (4, 1, 1, 6))
    build.graph.put(build.graph[conv].with_keys(weight=weight))
    build.graph.output = conv
    fold_into_weights(build.graph)
    assert ops(build.graph) == ["image", "identity", "real_conv"]
    assert build.graph[conv].weight is weight


def test_pytorch_has_no_value_without_the_shift() -> None:
    build = Builder((5, 4, 3))
    normalised = build.scaled(IMAGE, 0.02, -2.5)
    conv = build.conv(normalised, 6)
    build.graph.output = conv
    fold_into_weights(build.graph)
    assert build.graph[conv].origin.export == ""
    assert build.graph[conv].body_origin.export == f"fx_{conv}"
    assert build.graph[build.graph.output].origin.export == f"fx_{conv}"
