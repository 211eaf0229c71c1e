"""The tiny YOLO: its grids, its loss, its file, and that it can learn where things are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.small import randomise_latents, randomise_vectors
from tests.targets.c.compiled import check
from torch import nn

from signbit import methods
from signbit.models.yolo import ANCHORS, TinyYolo, yolo_loss
from signbit.nn.layers import BinaryConv2d
from signbit.runtime.boxes import find_boxes
from subjects.random_weights import calibrate

ONE_EACH = {"coarse": ((32.0, 24.0),), "fine": ((10.0, 12.0),)}


def test_two_grids_of_real_scores() -> None:
    with torch.device("meta"):
        model = TinyYolo(methods.get("reactnet"), classes=20, channels=3)
        grids = model(torch.empty(2, 3, 416, 352))
    assert {name: grid.shape for name, grid in grids.items()} == {
        "coarse": (2, 75, 13, 11),
        "fine": (2, 75, 26, 22),
    }
    assert all(len(each) == 3 for each in ANCHORS.values())
    real = [path for path, m in model.named_modules() if isinstance(m, nn.Conv2d)]
    assert real == ["stem.0", "coarse.1", "fine.1"]
    widths = [m.out_channels for m in model.modules() if isinstance(m, BinaryConv2d)]
    assert widths == [32, 64, 128, 256, 512, 1024, 256, 512, 128, 256]


def test_the_loss_teaches_one_anchor_for_each_box() -> None:
    torch.manual_seed(0)
    grids = {"coarse": torch.randn(2, 7, 1, 2), "fine": torch.randn(2, 7, 2, 4)}
    for grid in grids.values():
        grid.requires_grad_()
    # Class 1, around (50, 5), 11x11 pixels: the fine anchor, row 0, column 3.
    boxes = [torch.empty(0, 5), torch.tensor([[1.0, 50.0, 5.0, 11.0, 11.0]])]
    loss = yolo_loss(grids, boxes, ONE_EACH, (32, 64))
    loss.backward()

    said = grids["fine"].detach()[1, :, 0, 3]
    place = torch.tensor([50 / 16 - 3, 5 / 16])
    size = torch.tensor([11 / 10, 11 / 12]).log()
    certain = {name: torch.zeros_like(grid[:, 4]) for name, grid in grids.items()}
    certain["fine"][1, 0, 3] = 1
    expected = (
        F.binary_cross_entropy_with_logits(said[:2], place, reduction="sum")
        + (said[2:4] - size).square().sum()
        + F.binary_cross_entropy_with_logits(said[5:], torch.tensor([0.0, 1.0]), reduction="sum")
    )
    for name, grid in grids.items():
        expected = expected + F.binary_cross_entropy_with_logits(
            grid.detach()[:, 4], certain[name], reduction="sum"
        )
    torch.testing.assert_close(loss.detach(), expected)
    # Nobody else learns of place, size and class.
    gradient = grids["fine"].grad
    assert gradient is not None
    assert grids["coarse"].grad is not None
    assert gradient[1, :, 0, 3].ne(0).all()
    others = gradient.clone()
    others[1, :, 0, 3] = 0
    for each in (others, grids["coarse"].grad):
        assert not each[:, [0, 1, 2, 3, 5, 6]].any()
        assert each[:, 4].count_nonzero() >= each[:, 4].numel() - 1


def test_no_boxes_at_all_teach_that_there_is_nothing() -> None:
    grids = {"fine": torch.zeros(1, 7, 2, 2)}
    loss = yolo_loss(grids, [torch.empty(0, 5)], ONE_EACH, (32, 32))
    torch.testing.assert_close(loss, torch.tensor(4 * np.log(2), dtype=torch.float32))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["reactnet", "sdbnn"])
def test_the_file_is_exact(method: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = TinyYolo(methods.get(method), classes=3, channels=3, anchors=1, width=4)
    randomise_latents(model)
    randomise_vectors(model)
    with torch.no_grad():
        calibrate(model, torch.randn(4, 3, 32, 96))
        # What hardly varies in maps of three pixels would magnify PyTorch's own rounding.
        for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
            assert norm.running_var is not None
            norm.running_var.clamp_(min=1)
    compiled = assert_exact(model.eval(), (32, 96, 3), end_to_end=False)
    assert [output.name for output in compiled.graph.outputs] == ["coarse", "fine"]
    check(compiled.data, tmp_path)


@pytest.mark.slow
def test_it_finds_what_it_was_shown() -> None:
    """Four pictures of bright rectangles, by heart."""
    torch.manual_seed(0)
    boxes = [
        torch.tensor([[0.0, 20.0, 40.0, 30.0, 22.0]]),
        torch.tensor([[1.0, 44.0, 12.0, 10.0, 14.0]]),
        torch.tensor([[1.0, 9.0, 50.0, 10.0, 12.0], [0.0, 40.0, 20.0, 32.0, 24.0]]),
        torch.empty(0, 5),
    ]
    images = torch.full((4, 3, 64, 64), -1.0)
    for image, each in zip(images, boxes, strict=True):
        for kind, x, y, width, height in each.tolist():
            rows = slice(int(y - height / 2), int(y + height / 2))
            columns = slice(int(x - width / 2), int(x + width / 2))
            image[int(kind), rows, columns] = 1
    model = TinyYolo(methods.get("reactnet"), classes=2, channels=3, anchors=1, width=4)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(200):
        loss = yolo_loss(model(images), boxes, ONE_EACH, (64, 64))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        grids = {name: grid.permute(0, 2, 3, 1).numpy() for name, grid in model(images).items()}
    for found, each in zip(find_boxes(grids, ONE_EACH, (64, 64)), boxes, strict=True):
        assert sorted(found.classes) == sorted(each[:, 0].tolist())
        for corners, kind in zip(found.corners, found.classes, strict=True):
            (_, x, y, width, height) = each[each[:, 0] == kind][0].tolist()
            expected = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            np.testing.assert_allclose(corners, expected, atol=4)
