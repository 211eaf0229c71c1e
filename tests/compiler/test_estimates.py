"""What a file is estimated to take before it is loaded, against what networks then take."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from tests.compiler.nets import compiled, network
from tests.runtime.test_limits import assert_near_the_truth
from tests.thorough import sample

import signbit
from signbit import models
from signbit.runtime import _native

NETWORKS = [
    (architecture, method)
    for architecture, method in product(models.names(), ("sdbnn", "real"))
    if method == "real" or not architecture.startswith("real-")
]

TELLING = [
    ("digits", "sdbnn"),
    ("resnet18", "sdbnn"),
    ("resnet20", "real"),
    ("vgg-small", "sdbnn"),
    ("real-resnet20", "real"),
    ("real-resnet50", "real"),
]
"""Deep and shallow, with bits and without; the others are of the same blocks."""

SIZES = {"digits": (8, 8, 1), "resnet20": (32, 32, 3), "vgg-small": (32, 32, 3)}


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "method"), sample(NETWORKS, *TELLING))
def test_estimates_of_networks(architecture: str, method: str) -> None:
    size = SIZES.get(architecture, (64, 64, 3))
    data = compiled(network(architecture, method, size), size).data
    for isa in signbit.cpu_isas():
        model = _native.Model.load(data, 1, isa)
        assert_near_the_truth(model.size)
        assert model.size["operations"] < 10**11


MEASURE = """
import sys
import numpy as np
import signbit
from signbit.runtime import _native

def resident():
    fields = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(fields["VmRSS"].split()[0]) * 1024

data = open(sys.argv[1], "rb").read()
signbit.load(data, threads=1)
before = resident()
engine = signbit.load(data, threads=1)
engine(np.zeros((1, *engine.input_shape), np.uint8))
grown = resident() - before
size = _native.Model.load(data, 1, "").size
print(grown, sum(size[part][0] for part in ("constants", "arena", "scratch")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_grows_by_what_was_estimated(tmp_path: Path) -> None:
    size = (224, 224, 3)
    path = tmp_path / "model.sbnn"
    path.write_bytes(compiled(network("resnet34", "real", size), size).data)
    command = [sys.executable, "-c", MEASURE, str(path)]
    grown, estimated = map(float, subprocess.check_output(command, text=True).split())
    assert grown / 2 <= estimated <= 2 * grown
