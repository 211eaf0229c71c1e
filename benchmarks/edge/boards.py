"""Boards with a microcontroller, emulated by QEMU: building a program of C for one, running it.

What such a program begins with, and how it prints, is in tools/boards; there is no C library. The
tools are Debian's (`make edge-tools`).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BOARDS", "Board", "Sizes"]

REPOSITORY = Path(__file__).resolve().parents[2]
START = REPOSITORY / "tools" / "boards"
COMMON = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-nostdlib"]
COMMON += ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
COMMON += ["-isystem", str(START / "include"), "-I", str(START), "-L", str(START)]
MEMORY = ["-std=c99", "-ffreestanding", "-fno-tree-loop-distribute-patterns", "-O2"]
"""The functions of string.h must not become calls of themselves."""


@dataclass(frozen=True)
class Sizes:
    """Bytes of a program: what lies in flash, and what it has in RAM before its stack."""

    flash: int
    ram: int


@dataclass(frozen=True)
class Board:
    """A board that QEMU emulates. `tools` is what its compiler's and other tools begin with."""

    tools: str
    processor: tuple[str, ...]
    script: str
    emulator: tuple[str, ...]
    library: tuple[str, ...] = ()
    """Flags that choose the compiler's own library, where the processor's choose none."""

    def missing(self) -> list[str]:
        """Tools that are not installed."""
        needed = (f"{self.tools}-gcc", f"{self.tools}-size", self.emulator[0])
        return [tool for tool in needed if shutil.which(tool) is None]

    def build(
        self, sources: Sequence[Path], program: Path, optimise: str = "-O2", *flags: str
    ) -> Path:
        """Compiles and links C files, whose folders are searched for headers, into `program`.

        Raises subprocess.CalledProcessError with the compiler's messages in `stderr`.
        """
        compiler = [f"{self.tools}-gcc", *self.processor]
        memory = program.with_suffix(".memory.o")
        include = ["-isystem", str(START / "include")]
        _call([*compiler, *MEMORY, *include, "-c", str(START / "memory.c"), "-o", str(memory)])
        folders = sorted({f"-I{source.parent}" for source in sources})
        files = [*map(str, sources), *(str(START / name) for name in ("start.c", "host.c"))]
        chosen = self.library or self.processor
        library = _call([compiler[0], *chosen, "-print-libgcc-file-name"]).strip()
        command = [*compiler, *COMMON, optimise, *folders, *flags, *files, str(memory), library]
        _call([*command, "-T", self.script, "-o", str(program)])
        return program

    def sizes(self, program: Path) -> Sizes:
        """Of a program that `build` wrote."""
        text, data, bss = _call([f"{self.tools}-size", str(program)]).splitlines()[1].split()[:3]
        return Sizes(flash=int(text) + int(data), ram=int(data) + int(bss))

    def run(self, program: Path, *options: str, timeout: float = 600) -> str:
        """What the program prints; `options` are QEMU's. Raises where its status is not 0."""
        command = [*self.emulator, "-nographic", "-monitor", "none", "-serial", "none"]
        command += ["-chardev", "stdio,id=host", "-kernel", str(program), *options]
        command += ["-semihosting-config", "enable=on,target=native,chardev=host"]
        return _call(command, timeout)


def _arm(board: str, *processor: str) -> Board:
    emulator = ("qemu-system-arm", "-M", f"mps2-{board}")
    return Board("arm-none-eabi", ("-mthumb", *processor), "mps2.ld", emulator)


def _riscv(architecture: str, cpu: str) -> Board:
    words = ("-mabi=ilp32", "-mcmodel=medany")
    emulator = ("qemu-system-riscv32", "-M", "virt", "-cpu", cpu, "-bios", "none")
    return Board(
        "riscv64-unknown-elf",
        (f"-march={architecture}", *words),
        "virt.ld",
        emulator,
        ("-march=rv32imac", "-mabi=ilp32"),
    )


BOARDS = {
    "m3": _arm("an385", "-mcpu=cortex-m3", "-mfloat-abi=soft"),
    "m4f": _arm("an386", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
    "m7": _arm("an500", "-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"),
    "rv32": _riscv("rv32imac", "rv32,zbb=false"),
    "rv32+zbb": _riscv("rv32imac_zbb", "rv32,zbb=true"),
}
"""By the processor's short name. m3 and rv32 have no FPU, m4f one for float32, m7 for float64."""


def _call(command: list[str], timeout: float = 600) -> str:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        timeout=timeout,
    )  # fmt: skip
    return done.stdout
