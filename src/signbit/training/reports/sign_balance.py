"""How the signs of each binary layer are balanced, as a run's history has it; who hardly varies.

`signs.py` measures; this reads an entry of the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["STUCK", "SignBalance", "sign_balances", "stuck_signs"]

STUCK = 0.999
"""Where a larger share of the signs is the same, they hardly vary: one in a thousand differs."""


@dataclass(frozen=True)
class SignBalance:
    """Shares of one layer, 0 … 1; None where its weights or its inputs are real."""

    layer: str
    weights: float | None
    """Share of +1 among the weights' signs."""
    inputs: float | None
    """Share of +1 in the binarized input, for the first batch of test images."""
    flips: float | None
    """Share of the weights whose sign flipped in the epoch."""


def sign_balances(entry: Mapping[str, float]) -> list[SignBalance]:
    """Every layer that an entry of the history has signs of, in its order."""
    names = dict.fromkeys(
        key.split("/", 1)[1].removesuffix("/mean")
        for key in entry
        if key.startswith("flips/") or (key.startswith("inputs/") and key.endswith("/mean"))
    )
    return [
        SignBalance(
            name,
            entry.get(f"weights/{name}/mean"),
            entry.get(f"inputs/{name}/mean"),
            entry.get(f"flips/{name}"),
        )
        for name in names
    ]


def stuck_signs(entry: Mapping[str, float]) -> list[str]:
    """A line for each layer whose weights or inputs have almost all the same sign."""
    lines = []
    for found in sign_balances(entry):
        for what, share, cure in (
            (
                "input",
                found.inputs,
                "nothing that cuts one side off, such as nn.ReLU, may stand in front of it",
            ),
            ("weight", found.weights, "begin with weights around 0"),
        ):
            if share is not None and max(share, 1 - share) > STUCK:
                sign = "+1" if share > 0.5 else "−1"
                most = max(share, 1 - share)
                lines.append(
                    f"{found.layer}: {most:.2%} of its {what} signs are {sign}, so they say hardly "
                    f"anything; {cure}"
                )
    return lines
