"""How charts and pixels become text that stands in a page, and files for a paper."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from signbit.files import write_file
from signbit.report.charts import INK
from signbit.training.reports.pictures import rendered

__all__ = ["FORMATS", "data_uri", "inline_svg", "write_charts"]

FORMATS = ("svg", "pdf", "png")


def inline_svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element whose text and lines take the colour of the page's text.

    `name` is in front of all its ids, which are the page's own then.
    """
    text = _saved(figure, "svg", salt=name).decode("utf-8")
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r'\bid="', f'id="{name}-', text)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)


def write_charts(charts: dict[str, Figure], folder: Path) -> list[Path]:
    """Write each chart as SVG, PDF and PNG into the folder, which is made; the files' paths.

    Raises OSError, which names the path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in charts.items():
        for kind in FORMATS:
            path = folder / f"{name}.{kind}"
            write_file(path, _saved(figure, kind, salt=name))
            written.append(path)
    return written


def _saved(figure: Figure, kind: str, *, salt: str) -> bytes:
    # The time of writing would make two files of the same chart differ.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        return rendered(figure, kind, dpi=150, transparent=kind == "svg", metadata=metadata)


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """uint8 (H, W, 1 or 3) as a PNG in a `data:` address."""
    picture = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(picture, "PNG")
    return "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
