"""What the pictures of docs/ share: colours for light and dark pages, and parts of a drawing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

__all__ = ["Plot", "arrow", "bits", "box", "document", "minus", "text"]

STYLE = """
  .page { fill: #ffffff; } .box { fill: #f6f8fa; stroke: #8c959f; } .on { fill: #0969da; }
  .off { fill: #ffffff; stroke: #8c959f; } .arrow { stroke: #57606a; fill: none; }
  .line { stroke: #0969da; fill: none; stroke-width: 2.5; } .dot { fill: #0969da; }
  .second { stroke: #bc4c00; } .dot.second { fill: #bc4c00; stroke: none; }
  .ring { fill: #ffffff; stroke: #0969da; stroke-width: 2; } .dashed { stroke-dasharray: 5 4; }
  text { font: 15px system-ui, sans-serif; fill: #1f2328; } .soft { fill: #57606a; }
  .small { font-size: 13px; } .title { font-weight: 600; font-size: 17px; }
  .bit { font-family: ui-monospace, monospace; text-anchor: middle; } .white { fill: #ffffff; }
  .middle { text-anchor: middle; } .end { text-anchor: end; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; } .box { fill: #161b22; stroke: #6e7681; } .on { fill: #388bfd; }
    .off { fill: #0d1117; stroke: #6e7681; } .arrow { stroke: #9198a1; }
    .line { stroke: #58a6ff; } .dot { fill: #58a6ff; }
    .second { stroke: #f0883e; } .dot.second { fill: #f0883e; }
    .ring { fill: #0d1117; stroke: #58a6ff; }
    text { fill: #e6edf3; } .soft { fill: #9198a1; } .white { fill: #ffffff; }
  }
"""


def document(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    """A whole picture as the text of an SVG file; `title` is for those who do not see it."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{width}" height="{height}" rx="8"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, style: str) -> str:
    """Words whose line of writing begins, or by `style` ends or has its middle, at x."""
    return f'<text x="{x:g}" y="{y:g}" class="{style}">{escape(words)}</text>'


def minus(number: float, form: str = "") -> str:
    """The number in Python's format, with the sign for minus that books have; 0 has no sign."""
    return format(number, form if number else form.replace("+", "")).replace("-", "−")


def box(x: float, y: float, width: float, height: float, style: str = "box") -> str:
    """A rectangle with round corners."""
    radius = 8 if style == "box" else 4
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect class="{style}" {place} rx="{radius}"/>'


def bits(
    left: float,
    bottom: float,
    values: Iterable[int | bool],
    cell: float,
    words: tuple[str, str] = ("0", "1"),
) -> list[str]:
    """A row of bits: 1 in a full box, 0 in an empty one; `words` stand for 0 and 1."""
    parts = []
    for column, value in enumerate(values):
        middle = left + cell * column + cell / 2
        parts.append(
            box(middle - cell / 2 + 4, bottom - 20, cell - 8, 28, "on" if value else "off")
        )
        parts.append(text(middle, bottom, words[int(value)], "bit white" if value else "bit"))
    return parts


def arrow(x: float, y: float, length: float) -> str:
    """An arrow to the right."""
    return f'<path class="arrow" d="M{x:g} {y:g}h{length:g}m-9 -6l9 6l-9 6"/>'


@dataclass(frozen=True)
class Plot:
    """A coordinate system: where it lies in the picture, and the ranges of its two axes."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The place of a point in the picture, to a tenth of a pixel."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return round(self.left + self.width * across, 1), round(
            self.top + self.height * (1 - up), 1
        )

    def axes(self, x: Iterable[float], y: Iterable[float]) -> list[str]:
        """The two axes through 0, or through the lowest value, with numbers at `x` and `y`."""
        origin_x, origin_y = (max(low, min(0.0, high)) for low, high in (self.x, self.y))
        (left, level), (right, _) = self.at(self.x[0], origin_y), self.at(self.x[1], origin_y)
        (upright, low), (_, high) = self.at(origin_x, self.y[0]), self.at(origin_x, self.y[1])
        parts = [
            f'<path class="arrow" d="M{left:g} {level:g}H{right:g}M{upright:g} {low:g}V{high:g}"/>'
        ]
        for value in x:
            across, _ = self.at(value, origin_y)
            parts.append(text(across, level + 18, minus(value, "g"), "small soft middle"))
        for value in y:
            _, up = self.at(origin_x, value)
            parts.append(text(upright - 8, up - 5, minus(value, "g"), "small soft end"))
        return parts

    def line(self, x: Iterable[float], y: Iterable[float], style: str = "line") -> str:
        """A line through all points."""
        points = [self.at(*point) for point in zip(x, y, strict=True)]
        return f'<path class="{style}" d="M{"L".join(f"{a:g} {b:g}" for a, b in points)}"/>'

    def dot(self, x: float, y: float, style: str = "dot") -> str:
        """A point."""
        across, up = self.at(x, y)
        return f'<circle class="{style}" cx="{across:g}" cy="{up:g}" r="5"/>'
