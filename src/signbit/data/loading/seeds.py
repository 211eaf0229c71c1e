"""Seeds for every random choice, derived from what the choice is for.

Nothing depends on how many numbers were drawn before, so a resumed run needs no saved state.
"""

from __future__ import annotations

import hashlib

__all__ = ["derive_seed"]


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A seed in 0 … 2⁶³ − 1 that depends on the recipe's seed and on every word of `purpose`."""
    text = "/".join([str(seed), *(str(word) for word in purpose)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
