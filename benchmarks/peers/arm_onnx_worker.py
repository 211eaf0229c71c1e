"""Runs a network by ONNX Runtime on one thread, in a Python for Arm that has nothing but NumPy.

    python arm_onnx_worker.py MODEL INPUTS.npy COUNT

INPUTS are batches of one, stacked; the first COUNT are run, and their outputs printed as bytes.
"""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime as ort

model, inputs, count = sys.argv[1:]
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
options.log_severity_level = 3
session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
for batch in np.load(inputs)[: int(count)]:
    sys.stdout.buffer.write(session.run(None, {name: batch[None]})[0].tobytes())
