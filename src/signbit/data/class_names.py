"""Names of classes, as messages list them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["listed"]

# More names than this hide what a message says.
_MOST = 10


def listed(names: Sequence[str]) -> str:
    """The first ten of `names`, and how many there are if that is not all."""
    more = f", … ({len(names)})" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
