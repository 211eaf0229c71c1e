import hashlib
from pathlib import Path

import numpy as np
import pytest

from signbit.data import ImageDataset
from signbit.data.loading import digest
from signbit.data.loading.digest import content_digest
from signbit.data.loading.readers import Decoded

IMAGES = np.random.default_rng(1).integers(0, 256, (1203, 2, 2, 3), dtype=np.uint8)
LABELS = np.arange(1203) % 2


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGNBIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def dataset(workers: int, labels=LABELS, fingerprint: str | None = "f") -> ImageDataset:  # type: ignore[no-untyped-def]
    return ImageDataset(
        Decoded(IMAGES),
        labels,
        ["a", "b"],
        source="here",
        split="train",
        fingerprint=fingerprint,
        workers=workers,
    )


EXPECTED = hashlib.sha256(IMAGES.tobytes() + LABELS.astype(np.int64).tobytes()).hexdigest()


@pytest.mark.parametrize("workers", [0, 2])
def test_it_covers_all_pixels_then_all_labels(workers: int) -> None:
    assert content_digest(dataset(workers)) == EXPECTED
    assert content_digest(dataset(workers, labels=1 - LABELS)) != EXPECTED
    assert content_digest(dataset(workers, fingerprint=None)) == EXPECTED


def test_what_workers_would_have_to_decode_again_is_remembered(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content_digest(dataset(1))
    (kept,) = folder.iterdir()

    def never(opened: ImageDataset) -> str:
        raise AssertionError("decoded again")

    with monkeypatch.context() as patch:
        patch.setattr(digest, "_computed", never)
        assert content_digest(dataset(1)) == EXPECTED
        with pytest.raises(AssertionError):
            content_digest(dataset(1, fingerprint="g"))
        with pytest.raises(AssertionError):
            content_digest(dataset(1, labels=1 - LABELS))
    kept.write_text("damaged")
    assert content_digest(dataset(1)) == EXPECTED
    assert kept.read_text() == EXPECTED


def test_a_folder_that_cannot_be_written_does_not_matter(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file")
    assert content_digest(dataset(1)) == EXPECTED
    assert caplog.messages == ["here: reading all 1203 train images, once"]
