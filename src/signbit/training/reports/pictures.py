"""How a picture reaches the disk."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text

from signbit.files import write_file

__all__ = ["rendered", "write_png"]


def write_png(figure: Figure, path: Path, *, dpi: int) -> None:
    """Write a figure as a PNG, by `write_file`: it appears whole or not at all.

    dpi: pixels per inch of the figure's size. Raises OSError, which names `path`.
    """
    write_file(path, rendered(figure, "png", dpi=dpi))


def rendered(figure: Figure, kind: str, *, dpi: int, **options: Any) -> bytes:
    """The figure as a file of this kind, such as "png"; options are those of `Figure.savefig`."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a name may have dollars
    picture = io.BytesIO()
    figure.savefig(picture, dpi=dpi, format=kind, **options)
    return picture.getvalue()
