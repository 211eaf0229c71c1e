"""Installs a wheel beside NumPy alone, in a new environment of each Python, and predicts once.

    python tools/clean_install.py WHEEL… [--out FIGURES.json]

Of each Python that is here and that one of the wheels is for: the seconds from `import signbit` to
the first prediction in a process that has read none of it, the bytes of what was installed, and its
packages. Ends with exit code 1 where that takes 20 seconds, or anything but NumPy is there.
"""

from __future__ import annotations

import argparse
import json
import platform
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
MOST_SECONDS = 20.0

FIRST = """
import time
start = time.perf_counter()
import sys, signbit, numpy
engine = signbit.load(sys.argv[1])
answer = engine.predict(numpy.zeros(engine.input_shape, numpy.uint8))
seconds = time.perf_counter() - start
foreign = {"torch", "PIL", "typer", "rich"} & set(sys.modules)
import importlib.metadata, json, pathlib
package = pathlib.Path(signbit.__file__).parent
site = package.parent
size = lambda folder: sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
packages = {each.name.lower(): each.version for each in importlib.metadata.distributions()}
packages.pop("pip", None); packages.pop("setuptools", None)
print(json.dumps({
    "seconds": seconds, "answer": answer.name, "packages": packages, "foreign": sorted(foreign),
    "signbit_bytes": size(package),
    "numpy_bytes": sum(size(site / name) for name in ("numpy", "numpy.libs")),
}))
"""


def fits(wheel: Path, version: str) -> bool:
    """Whether a wheel's name says that it is for this Python on this kind of machine."""
    kind = "cp311-cp311" if version == "3.11" else "cp312-abi3"
    return kind in wheel.name and f"_{machine()}" in wheel.name


def machine() -> str:
    return platform.machine()


def installed(python: str, wheel: Path, folder: Path) -> Path:
    """The interpreter of a new environment that has the wheel, and what it asks for."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    inside = folder / "bin" / "python"
    pip = [inside, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--only-binary=:all:", wheel], check=True)
    return inside


def first_prediction(python: str, wheel: Path, model: Path) -> dict[str, Any]:
    """What a new environment of this Python takes."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        inside = installed(python, wheel, Path(folder) / "venv")
        install = time.perf_counter() - start
        command = [inside, "-I", "-c", FIRST, model]
        found = json.loads(subprocess.check_output(command, cwd=folder))
    return {"wheel": wheel.name, "install_seconds": install, **found}


def write_model(path: Path) -> None:
    """A network for handwritten digits with random weights, by the reference's own writer."""
    sys.path[:0] = [str(ROOT)]
    from tests.compiler.nets import compiled, network

    size = (8, 8, 1)
    path.write_bytes(compiled(network("digits", "sdbnn", size), size).data)


def main() -> None:
    said = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    said.add_argument("wheels", type=Path, nargs="+")
    said.add_argument("--out", type=Path)
    arguments = said.parse_args()
    interpreters = runpy.run_path(str(ROOT / "tools" / "wheels.py"))["interpreters"]
    rows, wrong = {}, []
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.sbnn"
        write_model(model)
        for version in VERSIONS:
            wheel = next((each for each in arguments.wheels if fits(each, version)), None)
            python = next(iter(interpreters([version])), None)
            if wheel is None or python is None:
                print(f"{version}: no {'wheel' if wheel is None else 'Python'} for it here")
                continue
            row = rows[version] = first_prediction(python, wheel.absolute(), model)
            megabytes = [row[f"{name}_bytes"] / 1e6 for name in ("signbit", "numpy")]
            print(
                f"{version}: {row['seconds']:.2f} s to the first prediction; signbit "
                f"{megabytes[0]:.1f} MB and NumPy {megabytes[1]:.1f} MB; packages: "
                f"{', '.join(f'{name} {each}' for name, each in row['packages'].items())}"
            )
            if row["seconds"] >= MOST_SECONDS:
                wrong.append(f"{version}: {row['seconds']:.0f} s to the first prediction")
            if {*row["packages"]} != {"numpy", "signbit"} or row["foreign"]:
                wrong.append(f"{version}: more than NumPy: {row['packages']} {row['foreign']}")
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(rows, indent=1) + "\n")
    if wrong or not rows:
        sys.exit("\n".join(wrong) or "no Python here is one that these wheels are for")


if __name__ == "__main__":
    main()
