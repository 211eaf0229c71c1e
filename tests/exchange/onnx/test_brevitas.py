"""Networks that Brevitas built, trained and exported: the integers are those of QONNX's tools."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import signbit
from signbit.compiler import compile_model

pytest.importorskip("onnx")

from signbit.exchange.onnx.reading import import_onnx

BREVITAS = Path(os.environ.get("SIGNBIT_BREVITAS", ".venv/brevitas/bin/python"))
"""Python with Brevitas and QONNX's tools, which `make interop` installs."""
IMAGES = 1000


@pytest.mark.slow
@pytest.mark.skipif(not BREVITAS.exists(), reason="no Brevitas here; `make interop` installs it")
@pytest.mark.parametrize("name", ["lfc-1w1a", "lfc-1w2a", "cnv-1w1a", "cnv-1w2a"])
def test_the_integers_are_qonnxs(tmp_path: Path, name: str) -> None:
    script = Path(__file__).with_name("brevitas_files.py")
    environment = {**os.environ, "PYTHONPATH": ""}
    subprocess.run(
        [BREVITAS.absolute(), script, name, tmp_path, str(IMAGES)], check=True, env=environment
    )
    told = np.load(tmp_path / f"{name}.npz")
    images, answers = told["images"], told["answers"]
    run = import_onnx(tmp_path / f"{name}.onnx", tmp_path / "run", mean=[0.5], std=[0.5])
    mean, std = run.normalization
    compiled = compile_model(run.model, input_size=images.shape[1:], mean=mean, std=std)
    assert (answers == np.rint(answers)).all()
    np.testing.assert_array_equal(signbit.load(compiled.data)(images), answers)
    assert (answers.argmax(1) == told["labels"]).mean() > 0.5  # it learned something
