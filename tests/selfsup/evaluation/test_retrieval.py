from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from signbit.bitformat.graph import Resize
from signbit.errors import DataError, InputError
from signbit.selfsup.evaluation.retrieval import Gallery, embed, image_files, read_gallery


class Pixels:
    """An engine whose features are the pixels, as the map that they are."""

    input_shape = (2, 2, 3)

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.batches.append(len(images))
        return images.astype(np.float32)


def test_the_nearest_are_those_of_the_largest_cosine() -> None:
    generator = np.random.default_rng(0)
    gallery, queries = generator.normal(size=(30, 8)), generator.normal(size=(4, 8))
    found = Gallery(gallery.astype(np.float32)).nearest(queries.astype(np.float32), 5)
    for query, matches in zip(queries, found, strict=True):
        cosines = [float(row @ query / np.sqrt((row @ row) * (query @ query))) for row in gallery]
        best = sorted(range(30), key=lambda index: -cosines[index])[:5]
        assert [match.index for match in matches] == best
        assert [match.similarity for match in matches] == pytest.approx(
            [cosines[index] for index in best], abs=1e-6
        )


def test_ties_go_by_index_and_zeros_are_like_nothing() -> None:
    gallery = Gallery(np.array([[1.0, 0], [0, 0], [2, 0], [-1, 0]]))
    (matches,) = gallery.nearest(np.array([[3.0, 0]]), 10)
    assert [(match.index, match.similarity) for match in matches] == [
        (0, 1.0),
        (2, 1.0),
        (1, 0.0),
        (3, -1.0),
    ]
    (matches,) = gallery.nearest(np.zeros((1, 2)), 2)
    assert [match.similarity for match in matches] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("vectors", "queries", "top", "said"),
    [
        (np.zeros((0, 2)), np.zeros((1, 2)), 1, "a gallery holds vectors"),
        (np.zeros((1, 2, 2)), np.zeros((1, 2)), 1, "a gallery holds vectors"),
        (np.ones((1, 2)), np.ones((1, 3)), 1, r"shape \(n, 2\)"),
        (np.ones((1, 2)), np.ones((1, 2)), 0, "top must be at least 1"),
        (np.full((1, 2), np.inf), np.ones((1, 2)), 1, "finite"),
        (np.ones((1, 2)), np.full((1, 2), np.nan), 1, "finite"),
    ],
)
def test_impossible_searches(vectors: np.ndarray, queries: np.ndarray, top: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Gallery(vectors).nearest(queries, top)


def test_unreadable_images_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    shades = list(range(0, 210, 3))  # more than one batch
    for index, shade in enumerate(shades):
        Image.new("RGB", (4, 2), (shade, 10, 20)).save(tmp_path / f"{index:02}.png")
    (tmp_path / "05.png").write_bytes((tmp_path / "05.png").read_bytes()[:40])
    (tmp_path / "06.png").write_bytes(b"")
    (tmp_path / "zz.png").symlink_to(tmp_path / "02.png")
    told: list[str] = []
    engine = Pixels()
    files = [*image_files(tmp_path), tmp_path / "gone.png"]
    kept, gallery = read_gallery(engine, files, Resize(2), told.append)
    assert [line.split(":")[0].rpartition("/")[2] for line in told] == [
        "05.png",
        "06.png",
        "gone.png",
    ]
    assert len(kept) == len(shades) - 2 + 1
    assert engine.batches == [64, len(kept) - 64]
    query = np.full((1, 2, 2, 3), (shades[40], 10, 20), np.uint8)
    ((match,),) = gallery.nearest(embed(engine, query), 1)
    assert kept[match.index].name == "40.png"
    assert match.similarity == pytest.approx(1)


def test_a_folder_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="none of the 1 images"):
        read_gallery(Pixels(), image_files(tmp_path), Resize(2), lambda line: None)
