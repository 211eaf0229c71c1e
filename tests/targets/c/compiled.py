"""Exports built and run on this machine, with every warning an error and sanitizers on."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.edge.tools import compiler as find_compiler

from signbit.targets import c

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
CHECKED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def built(project: c.Project, folder: Path, *flags: str, compiler: str = "gcc") -> Path:
    """The test program of an export, compiled; skips where the compiler is missing."""
    command = [find_compiler(compiler), *STRICT, *flags]
    c.write(project, folder, overwrite=True)
    sources = [f"{project.name}.c", f"{project.name}_test.c"]
    command += [*sources, "-o", "test"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "test"


def check(
    data: bytes, folder: Path, *flags: str, compiler: str = "gcc", less_memory: bool = False
) -> c.Project:
    """The program's own input gives the engine's bits."""
    project = c.generate(data, "model", less_memory=less_memory)
    program = built(project, folder, *(flags or CHECKED), compiler=compiler)
    done = subprocess.run([program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "model: every value is right\n"), done.stderr
    return project
