"""A binary U-Net that says of every pixel which digit it belongs to, trained and compiled.

    python examples/digits_on_canvas/segment.py --out segment.sbnn

The loop is PyTorch's own. What the file says of new pictures is compared with what is there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from canvas import MEAN, STD, Canvases, draw, normalised

import signbit
from signbit import methods
from signbit.compiler import compile_model
from signbit.models.unet import UNet

SIDE = 32
BATCH = 16
CLASSES = ("nothing", *"0123456789")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("segment.sbnn"))
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--width", type=int, default=16)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    model = train(draw("train", 2000, SIDE, (1, 2), 0), arguments.steps, arguments.width)
    compiled = compile_model(
        model, input_size=(SIDE, SIDE, 1), mean=MEAN, std=STD, class_names=CLASSES
    )
    compiled.save(arguments.out)
    test = draw("test", 200, SIDE, (1, 2), 1)
    scores = signbit.load(arguments.out)(test.images)
    print(f"{arguments.out}: {100 * share_right(scores, test):.1f} % of the digits' pixels right")


def train(data: Canvases, steps: int, width: int) -> UNet:
    """A U-Net after so many steps of Adam, its rate falling to 0; in evaluation mode."""
    model = UNet(methods.get("reactnet"), classes=len(CLASSES), channels=1, width=width)
    pixels, masks = normalised(data.images), torch.from_numpy(data.masks)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        chosen = torch.randint(len(pixels), (BATCH,))
        loss = F.cross_entropy(model(pixels[chosen]), masks[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def share_right(scores: np.ndarray, test: Canvases) -> float:
    """Of the pixels of digits, the share whose likeliest class is the right one."""
    right = scores.argmax(3) == test.masks
    return float(right[test.masks > 0].mean())


if __name__ == "__main__":
    main()
