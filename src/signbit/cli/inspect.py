"""`signbit inspect`: what a network is made of and what it costs."""

from __future__ import annotations

from signbit.cli.arguments import Json, RunOrModel

__all__ = ["inspect"]


def inspect(path: RunOrModel, json: Json = False) -> None:
    """Show every layer of a network: shape, parameters, operations, bytes, and why some are real.

    OPs = FLOPs of the real layers + BOPs of the binary ones / 64, as the papers count.

    Example: [bold]signbit inspect model.sbnn[/]
    """
