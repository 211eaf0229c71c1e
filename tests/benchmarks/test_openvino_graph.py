from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("openvino")

from tests.compiler.nets import compiled, network
from tests.runtime.graphs import Builder

from layer_graphs import Layer, binary_chain
from openvino_graph import PART, translate
from openvino_peer import OpenVino
from signbit.bitformat import decode
from signbit.runtime.reference import ReferenceEngine

SIZE = (32, 32, 3)


def answers(data: bytes, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, OpenVino]:
    graph, constants = decode(data)
    translated = translate(graph, constants, len(images))
    peer = OpenVino(translated.model, 1)
    answer = peer(translated.feed(images)).transpose(0, 2, 3, 1)
    expected = ReferenceEngine(data)(images)
    return answer.reshape(expected.shape), expected, peer


@pytest.mark.parametrize("shortcut", [False, True])
@pytest.mark.parametrize("channels", [16, 64])
def test_a_chain_gives_the_same_answer_on_the_binary_kernel(channels: int, shortcut: bool) -> None:
    layer = Layer("small", channels, 6, 3, 1, 3)
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 6, channels), dtype=np.uint8)
    answer, expected, peer = answers(binary_chain(layer, 3, shortcut), images)
    assert np.array_equal(answer, expected)
    kernels = peer.kernels()["BinaryConvolution"]
    assert len(kernels) == 4
    assert all(kernel.endswith("_u1") for kernel in kernels)


@pytest.mark.parametrize(
    ("architecture", "method"), [("resnet20", "sdbnn"), ("vgg-small", "bnn"), ("resnet20", "bnn")]
)
def test_a_network_gives_the_same_answer(architecture: str, method: str) -> None:
    data = compiled(network(architecture, method, SIZE), SIZE).data
    images = np.random.default_rng(0).integers(0, 256, (2, *SIZE), dtype=np.uint8)
    answer, expected, _ = answers(data, images)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(answer / scale, expected / scale, atol=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_every_op_with_random_epilogues(seed: int) -> None:
    """Strides, paddings, dilations, pools of reals, signs and dots, shortcuts, activations."""
    builder = Builder(np.random.default_rng(seed))
    builder.image((13, 11, 8))
    builder.real_conv("image", 16, (3, 3), stride=(1, 1), padding=(1, 1))
    builder.prepare("image")
    for _ in range(3):
        bits, real = builder.of_kind("bits")[-1], builder.of_kind("real")[-1]
        builder.binary_conv(bits, 8, (3, 3), padding=(2, 1), dilation=(2, 1), stride=(1, 2))
        builder.binary_conv(bits, 24, (2, 3), pool=True, padding=(1, 1))
        builder.pool("max_pool", bits)
        builder.pool("max_pool", real)
        builder.pool("avg_pool", real)
        builder.real_conv(real, 8, (1, 1))
        builder.pointwise(real)
    builder.global_mean(builder.of_kind("real")[-1])
    builder.head()
    case = builder.case(2)
    images = case.feeds["image"].astype(np.uint8)
    answer, expected, _ = answers(case.data, images)
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-3)


def test_time_stands_under_the_node_it_is_spent_on() -> None:
    layer = Layer("small", 16, 6, 3, 1, 3)
    translated = translate(*decode(binary_chain(layer, 3, True)))
    peer = OpenVino(translated.model, 1, profile=True)
    peer.bind(np.zeros((1, 16, 6, 6), np.float32))
    spent = peer.node_ms(runs=2)
    nodes = {name.split(PART)[0] for name in spent if PART in name}
    assert nodes == {"head", "layer0", "layer1", "layer2", "tail"}
    assert all(ms >= 0 for ms in spent.values())


def test_a_grouped_binary_convolution_is_refused() -> None:
    builder = Builder(np.random.default_rng(0))
    builder.image((5, 5, 8))
    builder.prepare("image")
    builder.binary_conv("n0.bits0", 8, (3, 3), groups=2)
    builder.head()
    case = builder.case(1)
    with pytest.raises(ValueError, match="n1: OpenVINO has no grouped"):
        translate(case.graph, case.constants)
