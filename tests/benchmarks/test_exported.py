"""The script of the exported networks' figures measures one of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.benchmarks.conftest import Alone


@pytest.mark.slow
def test_one_network(beside_peers: Alone, shared_data: Path) -> None:
    data, imagenet = (str(shared_data / "data" / name) for name in ("cifar10", "imagenet-sample"))
    found, told = beside_peers("of_exported", "resnet20 bireal 1/1 trained", data, imagenet)
    assert {name: each["images"] for name, each in found["answers"].items()} == {
        "signbit": 12,
        "ONNX Runtime": 12,
        "OpenVINO": 12,
    }
    (times,) = found["times"].values()
    assert times["binary_kernels"]
    assert times["times_engine"]["signbit"] == 1
    assert min(times["ms"].values()) > 0
    assert told.count("resnet20 bireal 1/1 trained") == 2
