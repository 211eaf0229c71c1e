"""A tiny binary YOLO that finds digits, trained and compiled.

    python examples/digits_on_canvas/detect.py --out detect.sbnn

The loop is PyTorch's own. Boxes are made of what the file says, without PyTorch.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from canvas import MEAN, STD, Canvases, draw, normalised

import signbit
from signbit import methods
from signbit.compiler import compile_model
from signbit.models.yolo import TinyYolo, yolo_loss
from signbit.runtime.boxes import Boxes, find_boxes

SIDE = 64
BATCH = 16
ANCHORS = {"coarse": ((24.0, 24.0),), "fine": ((16.0, 16.0),)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("detect.sbnn"))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--width", type=int, default=8)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    model = train(draw("train", 2000, SIDE, (2, 3), 0), arguments.steps, arguments.width)
    compiled = compile_model(model, input_size=(SIDE, SIDE, 1), mean=MEAN, std=STD)
    compiled.save(arguments.out)
    test = draw("test", 200, SIDE, (2, 3), 1)
    found = find_boxes(signbit.load(arguments.out)(test.images), ANCHORS, (SIDE, SIDE))
    right, digits = sum(map(count_right, found, test.boxes)), sum(map(len, test.boxes))
    boxes = sum(len(each.scores) for each in found)
    print(f"{arguments.out}: {right} of {digits} digits found, by {boxes} boxes")


def train(data: Canvases, steps: int, width: int) -> TinyYolo:
    """A detector after so many steps of Adam, its rate falling to 0; in evaluation mode."""
    model = TinyYolo(methods.get("reactnet"), classes=10, channels=1, anchors=1, width=width)
    pixels, boxes = normalised(data.images), [torch.from_numpy(each) for each in data.boxes]
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        chosen = torch.randint(len(pixels), (BATCH,)).tolist()
        grids = model(pixels[chosen])
        loss = yolo_loss(grids, [boxes[number] for number in chosen], ANCHORS, (SIDE, SIDE))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def count_right(found: Boxes, boxes: np.ndarray) -> int:
    """How many digits have a box of their class that shares half of the union with them."""
    right = 0
    for digit, x, y, width, height in boxes:
        corners = np.array((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
        sides = np.minimum(corners[2:], found.corners[:, 2:])
        sides = np.maximum(sides - np.maximum(corners[:2], found.corners[:, :2]), 0)
        shared = sides.prod(1)
        areas = (found.corners[:, 2:] - found.corners[:, :2]).prod(1) + width * height
        same = (shared > 0.5 * (areas - shared)) & (found.classes == digit)
        right += bool(same.any())
    return right


if __name__ == "__main__":
    main()
