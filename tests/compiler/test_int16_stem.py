"""Networks with an int16 stem: PyTorch's integers are the file's and the reference engine's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from tests.compiler.file_nodes import step_ops
from tests.compiler.graphs import Builder, answers
from tests.compiler.nets import (
    MEAN,
    STD,
    Array,
    assert_same_answers,
    compiled,
    network,
    pixels,
    randomise,
)
from tests.compiler.small import narrow
from torch import nn

from signbit.compiler.compile import compile_model
from signbit.compiler.count import count
from signbit.compiler.exporting.exported import normalise
from signbit.compiler.ir import IMAGE, Shape
from signbit.compiler.passes import remove_dead
from signbit.compiler.passes.signs.thresholds import evaluate, sum_comparison, thresholds
from signbit.compiler.verification.stem_change import compare_stems
from signbit.compiler.verification.verify import verify_nodes
from signbit.errors import CompileError
from signbit.nn.layers import BinaryConv2d
from signbit.nn.pixels.pixel_conv import PixelConv2d, pixel_sums
from signbit.nn.pixels.stem_rounding import round_conv, round_stem
from signbit.runtime.reference import ReferenceEngine

SIZE = (9, 8, 3)


def stem(**arguments: Any) -> PixelConv2d:
    torch.manual_seed(0)
    return round_conv(nn.Conv2d(3, 12, **{"kernel_size": 3, **arguments}), MEAN, STD).eval()


GEOMETRIES: list[dict[str, Any]] = [
    {},
    {"padding": 1},
    {"kernel_size": 7, "stride": 2, "padding": 3, "bias": False},
    {"kernel_size": (2, 3), "padding": (0, 2), "dilation": (3, 1), "groups": 3},
]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_integers_are_pytorch_s(geometry: dict[str, Any]) -> None:
    model = stem(**geometry)
    result = assert_same_answers(model, SIZE)
    (node,) = result.graph.nodes
    assert (node.op, node.inputs) == ("real_conv", (0,))
    weight = result.constants[str(node["weight"])]
    assert weight.dtype == np.int16
    np.testing.assert_array_equal(weight.transpose(0, 3, 1, 2), model.weight.numpy())
    if any(model.padding):
        pad = result.constants[str(node["pad_value"])]
        assert (pad.dtype, pad.tolist()) == (np.uint8, model.pad.tolist())
    else:
        assert node["pad_value"] is None
    images = pixels(5, SIZE)
    dots = ReferenceEngine(result.data).run_nodes({0: images}, [f"{node.name}#dots"])
    expected = pixel_sums(
        normalise(images, MEAN, STD),
        *(model.weight, model.pad, MEAN, STD),
        *(model.stride, model.padding, model.dilation, model.groups),
    )
    np.testing.assert_array_equal(
        dots[f"{node.name}#dots"], expected.permute(0, 2, 3, 1).to(torch.int32).numpy()
    )


def binary_network() -> nn.Module:
    torch.manual_seed(1)
    body = BinaryConv2d(12, 8, 3, padding=1)
    return randomise(nn.Sequential(stem(padding=1), nn.BatchNorm2d(12), body, nn.BatchNorm2d(8)))


def test_a_stem_that_only_signs_read_computes_integers_alone() -> None:
    result = assert_same_answers(binary_network(), SIZE)
    first = result.graph.nodes[0]
    assert first.steps == ()
    (sign,) = first.outputs
    threshold = result.constants[str(sign.threshold)]
    assert threshold.dtype == np.int32
    assert threshold.any()


class Tampered(ReferenceEngine):
    def run_nodes(
        self, feeds: Mapping[int, Array], fetches: Iterable[int | str]
    ) -> dict[int | str, Array]:
        results = super().run_nodes(feeds, fetches)
        for name in results:
            if name == "0#dots":
                results[name][0, 0, 0, 0] += 1
        return results


def test_every_integer_is_compared() -> None:
    result = compiled(binary_network(), SIZE)
    first, *others = verify_nodes(result, pixels(4, SIZE), engine=ReferenceEngine(result.data))
    assert (first.name, first.op, first.dots) == ("0", "real_conv", 4 * 9 * 8 * 12)
    assert first.dots_different == 0
    assert all(node.agrees for node in [first, *others])
    found = verify_nodes(result, pixels(4, SIZE), engine=Tampered(result.data))[0]
    assert found.dots_different == 1
    assert not found.agrees


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "channels"), [("digits", 1), ("resnet20", 3)])
def test_our_networks(monkeypatch: pytest.MonkeyPatch, architecture: str, channels: int) -> None:
    side = narrow(monkeypatch, architecture)
    size = (side, side, channels)
    model = network(architecture, "sdbnn", size)
    rounded = round_stem(model, MEAN[: size[2]], STD[: size[2]], input_size=size)
    result = assert_same_answers(rounded, size, count=2)
    dtypes = [
        {constant.dtype for constant in found.constants.values()}
        for found in (result, compiled(model, size))
    ]
    assert [np.dtype(np.int16) in found for found in dtypes] == [True, False]


def test_costs() -> None:
    result = compiled(binary_network(), SIZE)
    first, second = count(result.graph, result.constants, len(result.data)).layers
    assert (first.kind, first.why) == ("int16", "first layer: reads pixels, in int16")
    assert first.flops == 72 * 12 * 27
    assert first.bops == 0
    assert first.bytes == 2 * 12 * 27 + 3 + 4 * 12 + 12  # weights, padding, thresholds, flips
    assert second.kind == "binary"


def test_another_normalisation_is_refused() -> None:
    model = stem()

    def compile_with(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        compile_model(
            model, input_size=SIZE, mean=mean, std=std, class_names=(), resize_shorter_side=9
        )

    message = r"signbit.pixel_conv2d\): was rounded for images of mean \(0.48, 0.45, 0.4\)"
    with pytest.raises(CompileError, match=message):
        compile_with((0.48, 0.45, 0.41), STD)
    with pytest.raises(CompileError, match=message):
        compile_with(MEAN, (0.22, 0.21, 0.2))
    # The same numbers, having been float32 on the way.
    compile_with(*(tuple(map(float, np.float32(values))) for values in (MEAN, STD)))


@pytest.mark.parametrize("front", [nn.BatchNorm2d(3), nn.ReLU()])
def test_anything_in_front_of_it_is_refused(front: nn.Module) -> None:
    model = nn.Sequential(front, stem()).eval()
    with pytest.raises(CompileError, match=r"^1 \(.*an int16 stem reads the images themselves"):
        compiled(model, SIZE)


def test_weights_beyond_the_format_are_refused() -> None:
    model = stem()
    model.weight[0, 0, 0, 0] = 8192
    with pytest.raises(CompileError, match="int16 weights must be −8191 to 8191"):
        compiled(model, SIZE)


def _graph(*steps: str) -> Builder:
    """An int16 stem, steps, and the sign that a binary convolution reads."""
    build = Builder(seed=len(steps))
    value = build.add(
        "real_conv",
        IMAGE,
        shape=Shape(6, 6, 40),
        kernel=(3, 3),
        padding=(1, 1, 1, 1),
        weight=build.random.integers(-8191, 8192, (40, 3, 3, 3)).astype(np.int16),
        pad_value=np.uint8([9, 99, 199]),
    )
    scale = build.random.normal(0, 1e-6, 40) * build.random.integers(0, 2, 40)
    value = build.scaled(value, scale, build.random.normal(0, 1, 40))
    for step in steps:
        if step == "affine":
            value = build.affine(value)
        else:
            value = build.activation(value, step, 0.1 if step == "prelu" else None)
    build.finish(build.conv(build.sign(value), 6))
    return build


@pytest.mark.parametrize(
    "steps", [(), ("hardtanh", "affine"), ("relu", "affine"), ("prelu", "affine")]
)
def test_integer_thresholds_with_the_same_bits(steps: tuple[str, ...]) -> None:
    graph = _graph(*steps).graph
    before = answers(graph, count=20)
    thresholds(graph)
    remove_dead(graph)
    sign = next(node for node in graph if node.op == "sign")
    assert sign["threshold"].dtype == np.int32
    assert graph[sign.input].op == "real_conv"
    np.testing.assert_array_equal(answers(graph, count=20), before)


def test_a_sigmoid_stays() -> None:
    graph = _graph("sigmoid", "affine").graph
    before = answers(graph)
    thresholds(graph)
    remove_dead(graph)
    sign = next(node for node in graph if node.op == "sign")
    assert step_ops(graph[sign.input]) == ["sigmoid"]
    np.testing.assert_array_equal(answers(graph), before)


def test_thresholds_next_to_every_change() -> None:
    """Where sums round to float32, too: far beyond 2²⁴ the engine's own epilogue decides."""
    steps = [step for node in _graph("prelu", "affine").graph for step in node.steps]
    threshold, flip = sum_comparison(steps, 40)
    changing = threshold != -(2**31 - 1)
    assert 3 < changing.sum() < 40
    assert (np.abs(threshold[changing].astype(np.int64)) > 2**24).any()
    offsets = np.array([-(2**20), -200, -1, 0, 1, 200, 2**20])
    sums = threshold[:, None].astype(np.int64) + offsets
    sums = np.where(changing[:, None], sums, [-(2**31) + 1, -(10**6), -1, 0, 1, 10**6, 2**31 - 1])
    negative = evaluate(steps, sums.astype(np.float32), slice(0, 40)) < 0
    bits = (sums < threshold[:, None]) ^ flip[:, None].astype(bool)
    np.testing.assert_array_equal(bits, negative)


def test_what_rounding_changed_is_counted() -> None:
    class Answers(nn.Module):
        """The pixel's value is the class, plus a number."""

        def __init__(self, plus: int) -> None:
            super().__init__()
            self.plus = plus

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            classes = (images.mean((1, 2, 3)) * 255).round().long()
            return torch.eye(8)[(classes + self.plus * (classes > 2)) % 8]

    images = np.arange(8, dtype=np.uint8).reshape(8, 1, 1, 1)
    labels = np.array([0, 1, 2, 3, 5, 6, 0, 0])
    found = compare_stems(Answers(0), Answers(1), images, labels, mean=(0.0,), std=(1.0,))
    assert found.to_dict() == {
        "images": 8,
        "disagreements": 5,
        "float32_top1": 4 / 8,
        "int16_top1": 6 / 8,
        "median_cosine": 0.0,
    }
    unlabelled = compare_stems(Answers(0), Answers(1), images, None, mean=(0.0,), std=(1.0,))
    assert (unlabelled.changed, unlabelled.cosines) == (5, (1.0,) * 3 + (0.0,) * 5)
    assert unlabelled.float32_top1 is unlabelled.int16_top1 is None
    none = compare_stems(Answers(0), Answers(1), images[:0], labels[:0], mean=(0.0,), std=(1.0,))
    assert (none.images, none.float32_top1, none.int16_top1) == (0, 0, 0)
