"""Networks, images and comparisons that the compiler's tests share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from signbit import methods, models
from signbit.compiler import Compiled, compile_model
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]
Size = tuple[int, int, int]

MEAN = (0.48, 0.45, 0.40)
STD = (0.22, 0.21, 0.23)


def randomise(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give every normalisation statistics as after training, a third of the gammas negative."""
    generator = torch.Generator().manual_seed(seed)

    def normal(like: torch.Tensor) -> torch.Tensor:
        return torch.randn(like.shape, generator=generator)

    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.copy_(3 * normal(module.running_mean))
                module.running_var.copy_(0.5 + 20 * normal(module.running_var).square())
                if module.affine:
                    module.weight.copy_(0.5 + normal(module.weight))
                    module.bias.copy_(normal(module.bias))
    return model.eval()


def network(architecture: str, method: str, size: Size) -> nn.Module:
    """One of signbit's own networks with random weights and statistics."""
    torch.manual_seed(1)
    model = models.build(architecture, methods.get(method), classes=10, channels=size[2])
    return randomise(model)


def pixels(count: int, size: Size, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, *size), dtype=np.uint8)


def compiled(model: nn.Module, size: Size, **arguments: Any) -> Compiled:
    channels = size[2]
    defaults: dict[str, Any] = {"class_names": (), "resize_shorter_side": size[0]}
    return compile_model(
        model, input_size=size, mean=MEAN[:channels], std=STD[:channels], **(defaults | arguments)
    )


def pytorch_logits(model: nn.Module, images: npt.NDArray[np.uint8]) -> Array:
    """The model on images normalised by hand; a map as (N, H, W, C)."""
    channels = images.shape[3]
    mean = torch.tensor(MEAN[:channels]).reshape(-1, 1, 1)
    std = torch.tensor(STD[:channels]).reshape(-1, 1, 1)
    x = torch.tensor(images.transpose(0, 3, 1, 2).tolist(), dtype=torch.float32) / 255
    with torch.no_grad():
        logits: Array = model((x - mean) / std).numpy()
    return logits if logits.ndim == 2 else logits.transpose(0, 2, 3, 1)


def assert_same_answers(model: nn.Module, size: Size, count: int = 4) -> Compiled:
    """Compile, run the reference engine, compare with PyTorch; return the compiled network."""
    result = compiled(model, size)
    images = pixels(count, size)
    logits = ReferenceEngine(result.data)(images)
    expected = pytorch_logits(model, images)
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(logits / scale, expected / scale, atol=2e-5)
    return result


def op_names(result: Compiled) -> list[str]:
    return [node.op for node in result.graph.nodes]
