"""The example programs run as they stand, on fewer steps; what they draw is what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "digits_on_canvas"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "says"),
    [("segment", "% of the digits' pixels right"), ("detect", "digits found, by")],
)
def test_a_program_trains_and_compiles(program: str, says: str, tmp_path: Path) -> None:
    out = tmp_path / f"{program}.sbnn"
    command = [sys.executable, str(FOLDER / f"{program}.py"), "--out", str(out)]
    done = subprocess.run(
        [*command, "--steps", "2", "--width", "8"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert says in done.stdout
    assert out.stat().st_size > 10_000


def test_boxes_and_masks_are_of_the_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    from canvas import INK, draw

    data = draw("test", 6, 48, (1, 2), 3)
    for image, mask, boxes in zip(*data, strict=True):
        assert 1 <= len(boxes) <= 3
        inside = np.zeros(mask.shape, bool)
        for digit, x, y, width, height in boxes:
            here = (
                slice(int(y - height / 2), int(y + height / 2)),
                slice(int(x - width / 2), int(x + width / 2)),
            )
            assert not inside[here].any()
            inside[here] = True
            assert set(np.unique(mask[here])) == {0, int(digit) + 1}
        assert not image[~inside].any()
        np.testing.assert_array_equal(mask > 0, image[:, :, 0] >= INK)
