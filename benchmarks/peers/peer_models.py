"""Files of one comparison: the binary network with either stem, its real counterpart as ONNX."""

from __future__ import annotations

from pathlib import Path

import nncf
import numpy as np
import numpy.typing as npt
import openvino as ov

from peers.onnx_peer import export, quantize
from subjects import networks

__all__ = [
    "FLOAT32",
    "FLOAT_STEM",
    "INT8",
    "INT16_STEM",
    "NNCF",
    "images_for",
    "normalised",
    "prepare",
]

FLOAT_STEM = "float-stem.sbnn"
INT16_STEM = "int16-stem.sbnn"
FLOAT32 = "float32.onnx"
INT8 = "int8.onnx"
NNCF = "int8.xml"

CALIBRATION_IMAGES = 32


def prepare(binary: str, real: str, batch: int, folder: Path, int8: bool) -> None:
    """Write the files; without `int8` only the binary networks and the float32 counterpart.

    int8 comes in two versions, as each is the faster one somewhere: ONNX Runtime's static
    quantisation, which OpenVINO reads too, and NNCF's, which is OpenVINO's own.
    """
    (folder / FLOAT_STEM).write_bytes(networks.compiled_bytes(binary))
    (folder / INT16_STEM).write_bytes(networks.compiled_bytes(binary, int16_stem=True))
    network = networks.build(real)
    height, width, channels = network.input_size
    float32 = export(network.model, (batch, channels, height, width))
    (folder / FLOAT32).write_bytes(float32)
    if not int8:
        return
    inputs = normalised(images_for(height, CALIBRATION_IMAGES, seed=1))
    (folder / INT8).write_bytes(quantize(float32, inputs))
    batches = [inputs[at : at + batch] for at in range(0, len(inputs), batch)]
    quantized = nncf.quantize(
        ov.Core().read_model(float32),
        nncf.Dataset(batches),
        preset=nncf.QuantizationPreset.PERFORMANCE,
        subset_size=len(batches),
    )
    ov.save_model(quantized, folder / NNCF, compress_to_fp16=False)


def images_for(size: int, count: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Smooth random pixels (N, size, size, 3): like photographs, neighbours resemble each other."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, -(-size // 8), -(-size // 8), 3))
    smooth = coarse.repeat(8, 1).repeat(8, 2)[:, :size, :size]
    noisy = smooth + rng.normal(0, 12, smooth.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def normalised(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """As the real networks want them: float32 (N, C, H, W)."""
    mean, std = np.array(networks.MEAN), np.array(networks.STD)
    values = (images / 255 - mean) / std
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.float32)
