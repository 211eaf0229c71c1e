"""Runs one TFLite model in Larq Compute Engine's interpreter, in a Python of its own.

    python peers/larq_worker.py MODEL INPUT.npy OUTPUT.npy {direct,indirect}

Writes the answer, then runs once for every line on stdin, and answers each with a line. Needs
NumPy 1 (as the package's binaries do) and no TensorFlow (as the package's converter does).
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np


def main() -> None:
    model, source, target, kernel = sys.argv[1:]
    package = importlib.util.find_spec("larq_compute_engine")
    assert package is not None
    assert package.submodule_search_locations is not None
    file = Path(package.submodule_search_locations[0], "tflite/python/interpreter_wrapper_lite.so")
    spec = importlib.util.spec_from_file_location("interpreter_wrapper_lite", file)
    assert spec is not None
    assert spec.loader is not None
    wrapper = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wrapper)
    threads, reference, xnnpack = 1, False, False
    interpreter = wrapper.LiteInterpreter(
        Path(model).read_bytes(), threads, reference, kernel == "indirect", xnnpack
    )
    inputs = [np.load(source)]
    np.save(target, interpreter.predict(inputs)[0])
    for _ in iter(sys.stdin.readline, ""):
        interpreter.predict(inputs)
        print(flush=True)


if __name__ == "__main__":
    main()
