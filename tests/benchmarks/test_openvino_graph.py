from __future__ import annotations

import sys

import numpy as np
import pytest
from tests.benchmarks.conftest import Alone

pytestmark = pytest.mark.slow


@pytest.mark.slow
@pytest.mark.parametrize("shortcut", [False, True])
@pytest.mark.parametrize("channels", [16, 64])
def test_a_chain_gives_the_same_answer_on_the_binary_kernel(
    beside_peers: Alone, channels: int, shortcut: bool
) -> None:
    answer, expected, kernels = beside_peers("of_chain", channels, shortcut)
    assert np.array_equal(answer, expected)
    assert len(kernels) == 4
    assert all(kernel.endswith("_u1") for kernel in kernels)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "method"), [("resnet20", "sdbnn"), ("vgg-small", "bnn"), ("resnet20", "bnn")]
)
def test_a_network_gives_the_same_answer(
    beside_peers: Alone, architecture: str, method: str
) -> None:
    answer, expected, _ = beside_peers("of_network", architecture, method)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(answer / scale, expected / scale, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_every_op_with_random_epilogues(beside_peers: Alone, seed: int) -> None:
    answer, expected, _ = beside_peers("of_random_ops", seed)
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-3)


def test_time_stands_under_the_node_it_is_spent_on(beside_peers: Alone) -> None:
    spent = beside_peers("times")
    assert set(spent) == {"head", "layer0", "layer1", "layer2", "tail"}
    assert all(ms >= 0 for ms in spent.values())


def test_a_grouped_binary_convolution_is_refused(beside_peers: Alone) -> None:
    with pytest.raises(ValueError, match="n1: OpenVINO has no grouped"):
        beside_peers("translate_grouped")


def test_no_peer_is_in_this_process(beside_peers: Alone) -> None:
    beside_peers("times")
    assert not {"nncf", "onnxruntime", "openvino"} & set(sys.modules)
