"""First filters and sign maps are the file's and the engine's own, and sheets lose no pixel."""

from __future__ import annotations

import numpy as np
import pytest
from tests.compiler.nets import compiled, network, pixels

import signbit
from signbit.report.inside import filters_picture, look_inside, signs_picture, tiled
from signbit.runtime.reference import ReferenceEngine


@pytest.mark.parametrize(("count", "columns"), [(1, 8), (8, 8), (9, 8), (5, 2)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_has_every_picture_and_gray_between(
    count: int, columns: int, channels: int
) -> None:
    parts = np.random.default_rng(0).integers(0, 100, (count, 3, 5, channels)).astype(np.uint8)
    sheet = tiled(parts, columns)
    for index, part in enumerate(parts):
        top, left = index // min(columns, count) * 4, index % min(columns, count) * 6
        np.testing.assert_array_equal(sheet[top : top + 3, left : left + 5], part)
        sheet[top : top + 3, left : left + 5] = 128
    assert (sheet == 128).all()


@pytest.mark.parametrize("method", ["bnn", "sdbnn", "adabin"])
def test_signs_are_the_reference_s_and_filters_the_model_s(method: str) -> None:
    size = (32, 32, 3)
    model = network("resnet20", method, size)
    data = compiled(model, size).data
    engine, reference = signbit.load(data), ReferenceEngine(data)
    image = pixels(1, size)[0]
    found = look_inside(data, engine, image)
    numbers = [
        number
        for number, tensor in enumerate(reference.tensors)
        if tensor.kind == "bits" and tensor.shape[0] > 1
    ]
    expected = reference.run_nodes({0: image[None]}, numbers)
    assert len(found.maps) == len(numbers) > 0
    for each, number in zip(found.maps, numbers, strict=True):
        np.testing.assert_array_equal(each.bits, expected[number][0])
        assert each.positive == pytest.approx(1 - expected[number][0].mean())
        sheet = signs_picture(each.bits)
        assert set(np.unique(sheet)) <= {0, 128, 255}
    assert found.first is not None
    name, filters = found.first
    assert name.startswith("stem")
    assert filters.shape == (16, 3, 3, 3)
    assert filters_picture(filters).shape == (2 * 4 - 1, 8 * 4 - 1, 3)


def test_without_an_image_there_are_filters_alone() -> None:
    size = (32, 32, 3)
    data = compiled(network("resnet20", "bnn", size), size).data
    found = look_inside(data, signbit.load(data), None)
    assert found.first is not None
    assert (found.image, found.maps) == (None, ())
