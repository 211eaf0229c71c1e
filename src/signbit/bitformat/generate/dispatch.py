"""Which C++ function is the body of which operation: the one of its name (run/ops/bodies.inc.h)."""

from __future__ import annotations

from signbit.bitformat.generate.native import in_file, wrapped
from signbit.bitformat.table import OPERATIONS

__all__ = ["bodies"]

_RUN_AS = {"global_max": "max_pool"}
"""Operations that plan/fuse.cpp makes others of."""


def bodies() -> str:
    """bodies.inc.h: declarations of the bodies, and their table, for body.h."""
    names = [
        "nullptr" if "weight" in rule.dtypes else _RUN_AS.get(rule.name, rule.name)
        for rule in OPERATIONS.values()
    ]
    functions = sorted(set(names) - {"nullptr"})
    return in_file(
        "bodies by name, for body.h",
        "\n".join(
            f"void {name}(const NodeContext& context, const Tile& tile);" for name in functions
        ),
        "// By place in the enum; null for operations with weights.\n"
        + wrapped(f"constexpr Body kBodies[] = {{{', '.join(names)}}};"),
    )
