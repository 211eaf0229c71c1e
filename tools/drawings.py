"""Draw the pictures of docs/binary-networks.md, one SVG file for each, into docs/pictures.

Every number in them is computed here, by signbit's own estimators and bits where it has them.

    python -m tools.drawings
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tools.svg import Plot, arrow, bits, box, document, minus, text

from signbit.nn.estimators import EDE, Clip, Identity, Polynomial

__all__ = ["FOLDER", "PICTURES", "main"]

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"


def sign() -> str:
    """The function, and the signs and bits of seven numbers."""
    plot = Plot(40, 60, 330, 190, (-2, 2), (-1.5, 1.5))
    values = np.array([1.7, -0.3, 0.0, -2.1, 0.4, 0.9, -1.2])
    parts = [
        text(24, 32, "The sign: what is left of a number", "title"),
        *plot.axes((-2, -1, 1, 2), ()),
        text(195, 92, "+1", "small soft end"),
        text(216, 226, "−1", "small soft"),
        plot.line((-2, 0), (-1, -1)),
        plot.line((0, 2), (1, 1)),
        plot.dot(0, -1, "ring"),
        plot.dot(0, 1),
        text(280, 84, "sign(0) = +1", "small soft middle"),
    ]
    left, cell = 500, 50
    for row, (name, words) in enumerate(
        (
            ("number", [minus(value, "+.1f") for value in values]),
            ("sign", [minus(1 - 2 * (value < 0), "+d") for value in values]),
        )
    ):
        bottom = 106 + 46 * row
        parts.append(text(left - 12, bottom, name, "end"))
        for column, word in enumerate(words):
            parts.append(text(left + cell * column + cell / 2, bottom, word, "bit"))
    parts.append(text(left - 12, 198, "bit", "end"))
    parts += bits(left, 198, values < 0, cell)
    parts.append(
        text(left, 240, "32 bits for a number, 1 bit for its sign: 1 is negative", "small soft")
    )
    return document(880, 270, "The sign function, and the bits of seven numbers", parts)


def estimators() -> str:
    """What stands for the derivative of the sign, by four estimators."""
    late, middle = EDE(), EDE()
    middle.t, late.t = 1.0, 3.0
    panels = [
        ("Identity", [(Identity(), "line", "")]),
        ("Clip", [(Clip(), "line", "")]),
        ("Polynomial", [(Polynomial(), "line", "")]),
        (
            "EDE",
            [
                (EDE(), "line", "begin"),
                (middle, "line second dashed", "t = 1"),
                (late, "line second", "t = 3"),
            ],
        ),
    ]
    x = torch.linspace(-2, 2, 401, dtype=torch.float64)
    parts = [text(24, 32, "What training uses as the derivative of the sign", "title")]
    for number, (name, curves) in enumerate(panels):
        plot = Plot(44 + 212 * number, 84, 180, 160, (-2, 2), (0, 3.2))
        parts.append(text(plot.left + 90, 66, name, "middle"))
        parts += plot.axes((-2, -1, 1, 2), (1, 2, 3))
        for place, (estimator, style, words) in enumerate(curves):
            parts.append(plot.line(x.tolist(), estimator.derivative(x).tolist(), style))
            if words:
                bottom = 94 + 18 * place
                parts.append(f'<path class="{style}" d="M{plot.left + 122:g} {bottom - 4}h18"/>')
                parts.append(text(plot.left + 146, bottom, words, "small soft"))
    return document(880, 280, "The surrogate derivatives of four estimators", parts)


def latent_weights(steps: int = 5) -> list[float]:
    """A latent weight that begins at 0.05, and what plain SGD makes of it, step by step.

    The loss is 0.2·sign(w), so it falls where the weight becomes −1; the learning rate is 0.1.
    """
    weight = torch.tensor([0.05], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    found = []
    for _ in range(steps):
        found.append(round(weight.item(), 4))
        optimizer.zero_grad()
        (0.2 * Clip()(weight)).sum().backward()
        optimizer.step()
    return found


def latent() -> str:
    """The latent weight that collects small steps until its sign flips."""
    values = latent_weights()
    plot = Plot(150, 64, 700, 160, (-0.3, len(values) - 0.7), (-0.045, 0.065))
    flip = next(step for step, value in enumerate(values) if value < 0)
    parts = [
        text(24, 32, "A latent weight collects small steps, until its sign flips", "title"),
        text(130, 148, "latent weight", "end"),
        text(130, 264, "its sign", "end"),
        plot.line(plot.x, (0, 0), "arrow"),
        plot.line(range(len(values)), values, "line dashed"),
    ]
    for step, value in enumerate(values):
        x, y = plot.at(step, value)
        style = "dot second" if step >= flip else "dot"
        parts.append(plot.dot(step, value, style))
        parts.append(text(x + 8, y + (20 if value < 0 else -10), minus(value, "+.2f"), "small"))
        parts += bits(x - 25, 264, [value < 0], 50, ("+1", "−1"))
        parts.append(text(x, 300, f"step {step}", "small soft middle"))
    parts.append(text(24, 330, _LATENT, "small soft"))
    return document(880, 350, "A latent weight of 0.05 flips its sign at the third step", parts)


_LATENT = (
    "Each step takes 0.02 away. The first two leave the network as it was; the third changes it."
)


def scaling() -> str:
    """Nine real weights of a filter, and the two values that stand for them."""
    weights = np.random.default_rng(4).normal(0, 0.1, 9).round(2)
    signs = np.where(weights < 0, -1.0, 1.0)
    alpha = float(np.abs(weights).mean())
    plot = Plot(70, 60, 520, 190, (-0.6, 8.6), (-0.25, 0.25))
    parts = [
        text(24, 32, "A scaling factor: one real number for a whole filter", "title"),
        *plot.axes((), (-0.2, 0.2)),
    ]
    for place, (weight, sign_of) in enumerate(zip(weights, signs, strict=True)):
        (x, zero), (_, end) = plot.at(place, 0), plot.at(place, weight)
        parts.append(box(x - 16, min(zero, end), 32, abs(end - zero), "on"))
        level = (alpha * sign_of,) * 2
        parts.append(plot.line((place - 0.42, place + 0.42), level, "line second"))
    plain = float(((weights - signs) ** 2).sum())
    scaled = float(((weights - alpha * signs) ** 2).sum())
    for row, words in enumerate(
        (
            "bars: the latent weights w",
            "lines: ±α, by the sign of w",
            f"α = mean |w| = {alpha:.3f}",
            "",
            "squared error of the filter",
            f"with signs alone: {plain:.2f}",
            f"with the scale: {scaled:.2f}",
        )
    ):
        parts.append(text(610, 84 + 26 * row, words, "title" if row == 4 else ""))
    return document(880, 270, "Nine weights of a filter, and two values that stand for them", parts)


def product() -> str:
    """A product of two matrices of signs, by XOR and popcount, one entry in full."""
    rng = np.random.default_rng(2)
    inputs, weights = rng.integers(0, 2, (2, 8)), rng.integers(0, 2, (3, 8))
    counts = (inputs[:, None] ^ weights[None]).sum(2)
    dots = 8 - 2 * counts
    assert (dots == (1 - 2 * inputs) @ (1 - 2 * weights).T).all()
    cell = 36
    parts = [text(24, 32, "A product of two matrices of signs, without a multiplication", "title")]
    for left, name, matrix in ((40, "inputs X, bits", inputs), (370, "weights W, bits", weights)):
        parts.append(text(left, 66, name, "soft"))
        for row, values in enumerate(matrix):
            parts += bits(left, 98 + 38 * row, values, cell)
    parts.append(text(704, 66, "X · Wᵀ, integers", "soft"))
    for row, values in enumerate(dots):
        for column, value in enumerate(values):
            x, y = 704 + 52 * column, 98 + 38 * row
            parts.append(box(x, y - 20, 46, 28, "box" if (row, column) == (1, 2) else "off"))
            parts.append(text(x + 23, y, minus(value, "+d"), "bit"))
    parts.append(text(24, 246, "The entry in the grey box: row 2 of X, row 3 of W", "title"))
    differ = inputs[1] ^ weights[2]
    for row, (name, values) in enumerate(
        (("x", inputs[1]), ("w", weights[2]), ("x XOR w", differ))
    ):
        parts.append(text(130, 282 + 38 * row, name, "end"))
        parts += bits(150, 282 + 38 * row, values, cell)
    count = int(differ.sum())
    for row, words in enumerate(
        (
            "0 where the signs are equal: product +1",
            "1 where they differ: product −1",
            f"popcount(x XOR w) = {count}",
            f"dot = 8 − 2 · {count} = {minus(8 - 2 * count, '+d')}",
        )
    ):
        parts.append(text(480, 278 + 28 * row, words, "title" if row > 1 else ""))
    return document(880, 390, "A product of matrices of signs by XOR and popcount", parts)


def threshold() -> str:
    """Why a normalisation and a sign behind a dot product become one comparison."""
    scale, shift = 0.22, -0.61
    dots = np.arange(-9, 10, 2)
    values = scale * dots + shift
    first = int(dots[values >= 0][0])
    plot = Plot(60, 60, 480, 210, (-10, 10), (-2.9, 1.9))
    parts = [
        text(24, 32, "A normalisation and a sign are one comparison of integers", "title"),
        *plot.axes((-9, -5, 5, 9), (-2, 1)),
        plot.line((-9.5, 9.5), (scale * -9.5 + shift, scale * 9.5 + shift), "arrow"),
        plot.line((first - 1,) * 2, (-2.9, 1.9), "line second dashed"),
    ]
    for dot, value in zip(dots, values, strict=True):
        parts.append(plot.dot(dot, value, "dot" if value < 0 else "dot second"))
    for row, words in enumerate(
        (
            "D: a dot of 9 signs, −9, −7 … +9",
            f"real: {scale} · D {minus(shift, '+.2f')[0]} {abs(shift)}, then its sign",
            f"engine: D ≥ {first}",
        )
    ):
        parts.append(text(570, 110 + 30 * row, words, "title" if row == 2 else ""))
    parts.append(text(570, 212, "No real number is computed,", "small soft"))
    parts.append(text(570, 232, "and the answer is the same for every D.", "small soft"))
    return document(880, 300, "Normalisation and sign as a comparison of integers", parts)


def block() -> str:
    """What is a bit and what is a real in a block with a shortcut."""
    stations = [
        (30, "sign", "reals → bits", "box"),
        (196, "binary conv", "bits → integers", "on"),
        (362, "normalise", "integers → reals", "box"),
        (528, "add", "reals + reals", "box"),
        (694, "non-linearity", "reals → reals", "box"),
    ]
    parts = [text(24, 32, "A block: bits where the work is, reals where they help", "title")]
    for left, name, words, style in stations:
        parts.append(box(left, 96, 136, 60, style))
        white = " white" if style == "on" else ""
        parts.append(text(left + 68, 122, name, f"middle{white}"))
        parts.append(text(left + 68, 144, words, f"small middle{white or ' soft'}"))
        if left < 694:
            parts.append(arrow(left + 138, 126, 26))
    parts.append('<path class="arrow" d="M12 126h16m-16 0V70H596v24m-6 -9l6 9l6 -9"/>')
    parts.append(text(304, 62, "the shortcut carries what the sign forgets", "small soft middle"))
    return document(880, 190, "A residual block of a binary network", parts)


PICTURES: dict[str, Callable[[], str]] = {
    "sign.svg": sign,
    "estimators.svg": estimators,
    "latent.svg": latent,
    "scaling.svg": scaling,
    "product.svg": product,
    "threshold.svg": threshold,
    "block.svg": block,
}
"""File in docs/pictures → what draws it."""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw(), "utf-8")


if __name__ == "__main__":
    main()
