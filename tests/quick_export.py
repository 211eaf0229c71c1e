"""torch.export in two thirds of its time for a small network: what each export makes anew is kept.

For each export torch lists the operations of all libraries, and gives each of 10,000 functions an
annotation with `collections.abc.Callable[...]`, which is made anew, as typing's is not.
"""

from __future__ import annotations

import functools
import typing

__all__ = ["quicken_export"]


def quicken_export() -> None:
    """Change torch in this process, but nothing that it computes."""
    from torch import _ops
    from torch.export import exported_program

    vars(_ops)["Callable"] = typing.Callable
    listing = "_collect_all_valid_cia_ops"
    if listed := vars(exported_program).get(listing):
        vars(exported_program)[listing] = functools.cache(listed)
