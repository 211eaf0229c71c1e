"""A tiny YOLO whose middle is binary: boxes on two grids, one twice as fine as the other.

Redmon, Farhadi 2018, "YOLOv3: An Incremental Improvement", sections 2.1 to 2.4, in the form of its
authors' yolov3-tiny, without its pool of stride 1. No paper has this form in one bit. Recipes teach
one class per image, so it is for a loop of one's own; examples/digits_on_canvas has one.
`signbit.runtime.boxes` makes boxes of what the compiled network says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from signbit.methods.base import Method

__all__ = ["ANCHORS", "TinyYolo", "yolo_loss"]

Anchors = Mapping[str, Sequence[tuple[float, float]]]

ANCHORS: Anchors = {
    "coarse": ((81.0, 82.0), (135.0, 169.0), (344.0, 319.0)),
    "fine": ((10.0, 14.0), (23.0, 27.0), (37.0, 58.0)),
}
"""Grid -> widths and heights of its anchors, in pixels: yolov3-tiny's, for images of 416x416."""


class TinyYolo(nn.Module):
    """(N, channels, H, W) to two grids of scores; H and W are multiples of 32.

    Real 3x3 stem, five binary 3x3 convolutions, each behind a max pool that halves, and one more;
    the "coarse" grid has a cell for 32x32 pixels. What was a step before is joined with the coarse
    map, enlarged, for the "fine" grid, of 16x16 pixels. Each convolution is followed by BN and
    LeakyReLU(0.1); those that yield scores are real. A result is {"coarse": (N, anchors *
    (5 + classes), H / 32, W / 32), "fine": (…, H / 16, W / 16)}: of each anchor x, y, width and
    height of a box, its certainty, and scores of the classes, as `signbit.runtime.boxes` says.

    anchors: of each grid; width: channels of the stem, an even number.
    """

    def __init__(
        self, method: Method, *, classes: int, channels: int, anchors: int = 3, width: int = 16
    ) -> None:
        super().__init__()
        scores = anchors * (5 + classes)
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.1),
        )
        widths = [width << step for step in range(5)]
        self.down = nn.Sequential(
            *(
                nn.Sequential(nn.MaxPool2d(2), _conv(method, before, 2 * before, 3))
                for before in widths[:-1]
            )
        )
        first = widths[-1]
        self.bottom = nn.Sequential(
            nn.MaxPool2d(2),
            _conv(method, first, 2 * first, 3),
            _conv(method, 2 * first, 4 * first, 3),
            _conv(method, 4 * first, first, 1),
        )
        self.coarse = nn.Sequential(_conv(method, first, 2 * first, 3))
        self.coarse.append(nn.Conv2d(2 * first, scores, 1))
        self.lateral = _conv(method, first, first // 2, 1)
        self.fine = nn.Sequential(_conv(method, first + first // 2, first, 3))
        self.fine.append(nn.Conv2d(first, scores, 1))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        before = self.down(self.stem(x))
        x = self.bottom(before)
        enlarged = F.interpolate(self.lateral(x), scale_factor=2.0)
        return {"coarse": self.coarse(x), "fine": self.fine(torch.cat((enlarged, before), 1))}


def _conv(method: Method, before: int, after: int, kernel: int) -> nn.Module:
    return nn.Sequential(
        method.conv2d(before, after, kernel, padding=kernel // 2),
        nn.BatchNorm2d(after),
        nn.LeakyReLU(0.1),
    )


def yolo_loss(
    grids: Mapping[str, Tensor],
    boxes: Sequence[Tensor],
    anchors: Anchors,
    image_size: tuple[int, int],
) -> Tensor:
    """What `TinyYolo` minimises, for each box: a scalar.

    grids: its result; boxes: for each image (n, 5), the class, centre x, centre y, width and height
    in pixels, the centre inside the image; anchors: of each grid, as ANCHORS; image_size:
    (height, width). A box belongs to the anchor whose shape is most like it, in the cell of its
    centre. It teaches place (cross-entropy), size (squares of logarithms), certainty and class
    (cross-entropy); anchors without a box learn that there is nothing.
    """
    device = next(iter(grids.values())).device
    shapes = torch.tensor([shape for name in grids for shape in anchors[name]], device=device)
    total = shapes.new_zeros(())
    first = 0
    for name, grid in grids.items():
        own = range(first, first + len(anchors[name]))
        first = own.stop
        # (N, anchors, height, width, 5 + classes)
        scores = torch.unflatten(grid, 1, (len(own), -1)).permute(0, 1, 3, 4, 2)
        certain = torch.zeros_like(scores[..., 4])
        height, width = scores.shape[2:4]
        cells = shapes.new_tensor((width / image_size[1], height / image_size[0]))
        for image, each in enumerate(boxes):
            for box, best in zip(each, _best_anchors(each, shapes), strict=True):
                if best not in own:
                    continue
                place = box[1:3] * cells
                column, row = (int(value) for value in place)
                found = scores[image, best - own.start, row, column]
                certain[image, best - own.start, row, column] = 1
                inside = place - place.floor()
                total = total + F.binary_cross_entropy_with_logits(
                    found[:2], inside, reduction="sum"
                )
                size = (box[3:] / shapes[best]).log()
                total = total + F.mse_loss(found[2:4], size, reduction="sum")
                is_class = F.one_hot(box[0].long(), scores.shape[-1] - 5).to(found.dtype)
                total = total + F.binary_cross_entropy_with_logits(
                    found[5:], is_class, reduction="sum"
                )
        total = total + F.binary_cross_entropy_with_logits(scores[..., 4], certain, reduction="sum")
    return total / max(1, sum(len(each) for each in boxes))


def _best_anchors(boxes: Tensor, shapes: Tensor) -> list[int]:
    """For each box the number of the shape that shares most with it, both around one centre."""
    sizes = boxes[:, None, 3:]
    shared = torch.minimum(sizes, shapes).prod(-1)
    union = sizes.prod(-1) + shapes.prod(-1) - shared
    best: list[int] = (shared / union).argmax(1).tolist()
    return best
