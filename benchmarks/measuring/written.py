"""How figures reach the disk."""

from __future__ import annotations

import json
from pathlib import Path

from signbit.files import write_file

__all__ = ["write_json"]


def write_json(path: Path, figures: object) -> None:
    """The figures as indented JSON, in a folder that is made; a file is whole, old or new.

    Raises OSError, which names the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, (json.dumps(figures, indent=1) + "\n").encode())
