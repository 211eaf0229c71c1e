from __future__ import annotations

import numpy as np
import pytest
from tests.benchmarks.conftest import Alone

pytestmark = pytest.mark.slow


def test_images_vary_smoothly(beside_peers: Alone) -> None:
    images = beside_peers("images_for", 20, 3)
    assert images.shape == (3, 20, 20, 3)
    assert images.min() < 50
    assert images.max() > 200
    values = images.astype(float)
    neighbours = np.abs(np.diff(values, axis=2)).mean()
    strangers = np.abs(values[:, :, :10] - values[:, :, 10:]).mean()
    assert neighbours < strangers / 2


def test_agreement_counts_top_classes(beside_peers: Alone) -> None:
    expected = np.array([[0, 1, 2], [2, 1, 0]], np.float32)
    same = beside_peers("agreement", expected, expected)
    assert same == {"same_top_1": 1.0, "correlation": pytest.approx(1.0)}
    assert beside_peers("agreement", expected[::-1], expected)["same_top_1"] == 0.0


def test_scaling_compares_the_fewest_cores_with_the_most(beside_peers: Alone) -> None:
    results = [
        {"name": "net", "threads": threads, "contenders": {"ours": {"ms": ms}}}
        for threads, ms in ((1, 9.0), (2, 5.0), (4, 3.0))
    ]
    assert (
        beside_peers("scaling", results).splitlines()[-1] == "| net | ours | 1 → 4 | 3.00         |"
    )


def test_peers_answer_like_pytorch(beside_peers: Alone) -> None:
    expected, exact, rounded = beside_peers("of_real_network")
    for answer in exact.values():
        np.testing.assert_allclose(answer, expected, atol=1e-4)
    for answer in rounded.values():
        correlation = np.corrcoef(answer.ravel(), expected.ravel())[0, 1]
        assert correlation > 0.95
        assert not np.allclose(answer, expected, atol=1e-6)
