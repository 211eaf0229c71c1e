"""What became of a network's layers, activations and shortcuts, as objects and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

from signbit.html import shown

__all__ = ["BINARY", "REAL", "Change", "Report"]

BINARY = "binary"
REAL = "real"
_WIDTH = 80
_HEADS = ("module", "what", "is now", "why")


@dataclass(frozen=True)
class Change:
    """What became of one place of the network."""

    where: str
    """Path of the module; of a function that is called the module that calls it."""
    kind: str
    """What was there: `Conv2d`, `relu`, or "shortcut" and "norm" for what was not there."""
    becomes: str
    """`BINARY` or `REAL` of a layer; of everything else what stands there now."""
    why: str


@dataclass(frozen=True)
class Report:
    """All changes, in the order of the network. As text a table of 80 columns."""

    changes: tuple[Change, ...]
    by_modules: str = ""
    """Why modules alone were replaced, in a forward that stays as it is; "" where the forward was
    followed as a graph."""

    @property
    def binary(self) -> list[str]:
        """Paths of the layers that are binary now."""
        return [each.where for each in self.changes if each.becomes == BINARY]

    @property
    def real(self) -> dict[str, str]:
        """Paths of the layers that stayed real, and why."""
        return {each.where: each.why for each in self.changes if each.becomes == REAL}

    @property
    def _summary(self) -> str:
        return f"{len(self.binary)} of {len(self.binary) + len(self.real)} layers are binary"

    def _repr_html_(self) -> str:
        facts = [("modules alone were replaced", self.by_modules)] if self.by_modules else []
        rows = [(each.where, each.kind, each.becomes, each.why) for each in self.changes]
        return shown(self._summary, facts, _HEADS, rows)

    def __str__(self) -> str:
        rows = [_HEADS]
        rows += [(each.where, each.kind, each.becomes, each.why) for each in self.changes]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        before = sum(widths) + 6
        lines = []
        for row in rows:
            first = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
            if before + 20 <= _WIDTH:
                why, *more = wrap(row[3], _WIDTH - before) or [""]
                lines.append(f"{first}  {why}".rstrip())
                lines += [" " * before + line for line in more]
            else:  # names too long for four columns: the reason has lines of its own
                lines.append(first.rstrip())
                lines += [f"    {line}" for line in wrap(row[3], _WIDTH - 4)]
        lines += ["", self._summary]
        if self.by_modules:
            lines += wrap(f"modules alone were replaced: {self.by_modules}", _WIDTH)
        return "\n".join(lines)
