from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("nncf")
pytest.importorskip("onnxruntime")
pytest.importorskip("openvino")

import openvino as ov

from onnx_peer import OnnxRuntime, export, quantize
from openvino_peer import OpenVino
from peer_models import images_for, normalised
from signbit import methods, models
from whole_networks import Eager, agreement, in_batches, scaling


def test_images_vary_smoothly() -> None:
    images = images_for(20, 3)
    assert images.shape == (3, 20, 20, 3)
    assert images.min() < 50
    assert images.max() > 200
    values = images.astype(float)
    neighbours = np.abs(np.diff(values, axis=2)).mean()
    strangers = np.abs(values[:, :, :10] - values[:, :, 10:]).mean()
    assert neighbours < strangers / 2


def test_agreement_counts_top_classes() -> None:
    expected = np.array([[0, 1, 2], [2, 1, 0]], np.float32)
    same = agreement(expected, expected)
    assert same == {"same_top_1": 1.0, "correlation": pytest.approx(1.0)}
    assert agreement(expected[::-1], expected)["same_top_1"] == 0.0


def test_scaling_compares_the_fewest_cores_with_the_most() -> None:
    results = [
        {"name": "net", "threads": threads, "contenders": {"ours": {"ms": ms}}}
        for threads, ms in ((1, 9.0), (2, 5.0), (4, 3.0))
    ]
    assert scaling(results).splitlines()[-1] == "| net | ours | 1 → 4 | 3.00         |"


@pytest.mark.slow
def test_peers_answer_like_pytorch(tmp_path: Path) -> None:
    model = models.build("real-resnet20", methods.get("real"), classes=10, channels=3)
    inputs = normalised(images_for(32, 16))
    expected = Eager(model)(inputs)
    float32 = export(model, (4, 3, 32, 32))
    int8 = quantize(float32, inputs)
    read = ov.Core().read_model
    exact = (OnnxRuntime(float32, 1), OpenVino(read(float32), 1))
    rounded = (OnnxRuntime(int8, 1), OpenVino(read(int8), 1), OpenVino(read(float32), 1, "bf16"))
    for peer in exact:
        np.testing.assert_allclose(in_batches(peer, inputs, 4), expected, atol=1e-4)
    for peer in rounded:
        answer = in_batches(peer, inputs, 4)
        assert agreement(answer, expected)["correlation"] > 0.95
        assert not np.allclose(answer, expected, atol=1e-6)
