"""What is made of operations.toml for those who cannot read it: C++ rows and tables of prose.

`python -m signbit.bitformat.generate` writes the files anew; they are checked in, and a test says
where one is out of date.
"""

from __future__ import annotations

from pathlib import Path

from signbit.bitformat.generate.dispatch import bodies
from signbit.bitformat.generate.docs import with_tables
from signbit.bitformat.generate.native import names, rows

__all__ = ["generated_files"]


def generated_files(root: Path) -> dict[Path, str]:
    """Every generated file of the source tree at `root`, and what it should hold."""
    native, docs = root / "native/src/format", root / "docs/format.md"
    return {
        native / "table.inc.h": names(),
        native / "table_rows.inc.h": rows(),
        root / "native/src/run/ops/bodies.inc.h": bodies(),
        docs: with_tables(docs.read_text("utf-8")),
    }
