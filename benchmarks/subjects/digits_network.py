"""The network for 8×8 digits with random weights: the demo's, or with thresholds on integers."""

from __future__ import annotations

import torch

from signbit import methods, models
from signbit.compiler import compile_model
from subjects.random_weights import calibrate, randomise

__all__ = ["digits_network"]


def digits_network(method: str = "bnn") -> bytes:
    """The file: 8×8×1 pixels → 10 logits. The demo trains it by `sdbnn`.

    torch's global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = models.build("digits", methods.get(method), classes=10, channels=1)
        randomise(model)
        calibrate(model, 2 * torch.rand(64, 1, 8, 8) - 1)
    return compile_model(model.eval(), input_size=(8, 8, 1), mean=(0.5,), std=(0.5,)).data
