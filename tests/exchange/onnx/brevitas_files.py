"""Networks that Brevitas builds, trains and exports, and QONNX's answers: run by their own Python.

    python brevitas_files.py NETWORK FOLDER IMAGES

leaves NETWORK.onnx and NETWORK.npz in the folder: images, uint8 (N, H, W, channels), their labels,
and what QONNX's execution of the file answers of (p / 255 − 0.5) / 0.5. IMAGES is a multiple of 50.
NETWORK is lfc or cnv, -1w1a or -1w2a.
"""

from __future__ import annotations

import sys
from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from brevitas.core.bit_width import BitWidthImplType
from brevitas.core.quant import QuantType
from brevitas.core.restrict_val import FloatToIntImplType, RestrictValueType
from brevitas.core.scaling import ScalingImplType
from brevitas.core.zero_point import ZeroZeroPoint
from brevitas.export import export_qonnx
from brevitas.quant.solver import ActQuantSolver, WeightQuantSolver
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.infer_shapes import InferShapes
from torch import Tensor, nn

STEPS, BATCH = 60, 50


class Weights(WeightQuantSolver):
    """−1 and +1."""

    quant_type = QuantType.BINARY
    bit_width_impl_type = BitWidthImplType.CONST
    bit_width = 1
    scaling_impl_type = ScalingImplType.CONST
    scaling_const = 1.0
    restrict_scaling_type = RestrictValueType.FP
    zero_point_impl = ZeroZeroPoint
    float_to_int_impl_type = FloatToIntImplType.ROUND
    scaling_per_output_channel = False
    narrow_range = True
    signed = True


class OneBit(ActQuantSolver):
    """−1 and +1, of values."""

    quant_type = QuantType.BINARY
    bit_width_impl_type = BitWidthImplType.CONST
    bit_width = 1
    scaling_impl_type = ScalingImplType.CONST
    min_val, max_val = -1.0, 1.0
    restrict_scaling_type = RestrictValueType.FP
    zero_point_impl = ZeroZeroPoint
    float_to_int_impl_type = FloatToIntImplType.ROUND
    scaling_per_output_channel = False
    narrow_range = True
    signed = True


class TwoBits(OneBit):
    """−1, 0 and +1."""

    quant_type = QuantType.INT
    bit_width = 2


def lfc(bits: type[OneBit]) -> nn.Sequential:
    """Three hidden layers, in the shape of BNN-PYNQ's LFC; images of 28×28."""
    layers: list[nn.Module] = [nn.Flatten(), qnn.QuantIdentity(act_quant=bits)]
    width = 28 * 28
    for out in (128, 128, 96):
        layers += [
            qnn.QuantLinear(width, out, bias=False, weight_quant=Weights),
            nn.BatchNorm1d(out),
            qnn.QuantIdentity(act_quant=bits),
        ]
        width = out
    return nn.Sequential(*layers, qnn.QuantLinear(width, 10, bias=False, weight_quant=Weights))


def cnv(bits: type[OneBit]) -> nn.Sequential:
    """Convolutions without padding and two pools, in the shape of BNN-PYNQ's CNV; 3×32×32."""
    layers: list[nn.Module] = [qnn.QuantIdentity(act_quant=bits)]
    channels = 3
    for out, pooled in ((16, False), (16, True), (32, False), (32, True), (64, False), (64, False)):
        layers += [
            qnn.QuantConv2d(channels, out, 3, bias=False, weight_quant=Weights),
            nn.BatchNorm2d(out),
            qnn.QuantIdentity(act_quant=bits),
        ]
        layers += [nn.MaxPool2d(2)] if pooled else []
        channels = out
    layers += [nn.Flatten(), qnn.QuantLinear(channels, 64, bias=False, weight_quant=Weights)]
    layers += [nn.BatchNorm1d(64), qnn.QuantIdentity(act_quant=bits)]
    return nn.Sequential(*layers, qnn.QuantLinear(64, 10, bias=False, weight_quant=Weights))


def pixels_of(count: int, shape: tuple[int, ...], seed: int) -> tuple[Tensor, Tensor]:
    """Noise around a picture of each class, whole numbers from 0 to 255; and the classes."""
    pictures = torch.randn(10, *shape, generator=torch.Generator().manual_seed(0))
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(10, (count,), generator=random)
    noisy = pictures[labels] + torch.randn(count, *shape, generator=random)
    return (127.5 + 127.5 * noisy.tanh()).round(), labels


def normalised(pixels: Tensor) -> Tensor:
    """−1 to 1."""
    return (pixels / 255 - 0.5) / 0.5


def answers_of(path: Path, images: Tensor) -> npt.NDArray[np.float32]:
    """What QONNX's execution of a file says, of as many images at once as divide them."""
    file = ModelWrapper(str(path)).transform(ChangeBatchSize(BATCH)).transform(InferShapes())
    (taken,), (given,) = file.graph.input, file.graph.output
    parts = images.numpy().reshape(-1, BATCH, *images.shape[1:])
    answers = [execute_onnx(file, {taken.name: part})[given.name] for part in parts]
    return np.concatenate(answers)


def main(name: str, folder: Path, count: int) -> None:
    torch.manual_seed(0)
    shape, build = ((1, 28, 28), lfc) if name.startswith("lfc") else ((3, 32, 32), cnv)
    model = build(OneBit if name.endswith("1a") else TwoBits)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for step in range(STEPS):
        pixels, labels = pixels_of(BATCH, shape, step)
        loss = F.cross_entropy(model(normalised(pixels)) / 10, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    path = folder / f"{name}.onnx"
    export_qonnx(model.eval(), args=torch.zeros(1, *shape), export_path=str(path))
    pixels, labels = pixels_of(count, shape, STEPS)
    np.savez(
        folder / f"{name}.npz",
        images=pixels.permute(0, 2, 3, 1).numpy().astype(np.uint8),
        labels=labels.numpy(),
        answers=answers_of(path, normalised(pixels)),
    )


main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
