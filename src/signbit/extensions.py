"""Python files of a user's own that register methods, models and data sources: `--import FILE`.

A file is executed once in a process. Runs remember which ones they were trained with.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from signbit.errors import InputError, SignbitError
from signbit.files import checked_path

__all__ = ["Extension", "differences", "import_file", "imported"]


@dataclass(frozen=True)
class Extension:
    """A file that was imported: its absolute path, and SHA-256 of its bytes then."""

    path: str
    digest: str

    def to_json(self) -> dict[str, str]:
        """As run.json has it."""
        return asdict(self)


_imported: dict[str, Extension] = {}


def imported() -> list[Extension]:
    """What `import_file` has imported in this process, in order."""
    return list(_imported.values())


def import_file(path: str | Path) -> Extension:
    """Execute a Python file, once in this process, as a module of its name without `.py`.

    Its folder goes to the end of `sys.path`, so that it finds its neighbours and worker processes
    find it. Raises InputError where there is no such file, its name is that of another module, it
    has changed since it was imported here, or it fails; what it raises itself of signbit's errors
    is raised on, with the file's name in front.
    """
    file = Path(checked_path("import", path)).expanduser().absolute()
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"--import {path}: cannot be read ({error.strerror}); name a Python file"
        ) from error
    extension = Extension(str(file), digest)
    if (before := _imported.get(str(file))) is not None:
        if before != extension:
            raise InputError(
                f"--import {path}: has changed since this process imported it; begin a new process"
            )
        return before
    name = file.stem
    if file.suffix != ".py" or "." in name:
        raise InputError(f"--import {path}: must be a Python file, NAME.py, without another dot")
    if name in sys.modules or not _is_free(name, file):
        raise InputError(
            f"--import {path}: there is a module {name} already, which it would hide; rename the "
            "file"
        )
    _execute(file, name, path)
    _imported[str(file)] = extension
    return extension


def _is_free(name: str, file: Path) -> bool:
    """Whether no other file is found by this name of a module."""
    spec = importlib.util.find_spec(name)
    return spec is None or (
        spec.origin is not None and Path(spec.origin).resolve() == file.resolve()
    )


def _execute(file: Path, name: str, shown: str | Path) -> None:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        if isinstance(error, SignbitError):
            raise type(error)(f"--import {shown}: {error}") from error
        lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if _is(at, file)]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else None)
        where = f"line {line}: " if line else ""
        raise InputError(
            f"--import {shown}: {where}{type(error).__name__}: {error}; mend the file"
        ) from error


def _is(at: traceback.FrameSummary, file: Path) -> bool:
    return at.filename == str(file)


def differences(stored: Iterable[dict[str, Any]]) -> list[str]:
    """What is to be said about the files that a run was trained with: those that are not the same.

    stored: as `Extension.to_json` wrote them. A file that is imported from elsewhere counts as the
    same by its content. Each text says what to do.
    """
    now = imported()
    said = []
    for entry in stored:
        there = Extension(str(entry["path"]), str(entry["digest"]))
        if any(each.digest == there.digest for each in now):
            continue
        if any(Path(each.path).name == Path(there.path).name for each in now):
            said.append(
                f"{there.path} has changed since the run was begun; numbers may differ from those "
                "of an unbroken run"
            )
        elif not Path(there.path).exists():
            said.append(
                f"its run was begun with --import {there.path}, which is gone; restore that file, "
                "or --import a copy of it"
            )
        else:
            said.append(f"add --import {there.path} to the command, as its run was begun with it")
    return said
