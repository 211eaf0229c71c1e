"""How figures reach the disk."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from signbit.files import write_file

__all__ = ["resumed", "write_json"]


def write_json(path: Path, figures: object) -> None:
    """The figures as indented JSON, in a folder that is made; a file is whole, old or new.

    Raises OSError, which names the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, (json.dumps(figures, indent=1) + "\n").encode())


def resumed(path: Path, figures: dict[str, Any]) -> dict[str, Any]:
    """What an earlier run has written to go on with, or `figures`, where there is none.

    Ends the program where the earlier run was on another machine or of other versions, as its
    "machine" says, whatever its date.
    """
    if not path.exists():
        return figures
    found: dict[str, Any] = json.loads(path.read_text())
    facts = figures["machine"]
    for key in {*facts, *found["machine"]} - {"date"}:
        if found["machine"].get(key) != facts.get(key):
            sys.exit(
                f"{path}: made with {key} {found['machine'].get(key)}, this is {facts.get(key)}; "
                "remove the file to begin anew"
            )
    return found
