"""What the engine costs beside NumPy: memory, time to load, installed size, file sizes.

    python benchmarks/footprint.py --out benchmarks/results/footprint.json

Fresh processes see nothing but NumPy and the unpacked wheel, as after `pip install signbit`. Memory
is the most that such a process ever held (VmHWM; ru_maxrss would count its parent's before exec).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from measuring import machine
from measuring.tables import figure, table
from measuring.written import write_json
from subjects import networks

REPOSITORY = Path(__file__).resolve().parents[1]
NETWORK = "bireal-resnet18-224"
RUNS = 5

IMPORTS = {
    "Python": "",
    "Python and NumPy": "import numpy",
    "Python, NumPy and signbit": "import numpy, signbit; signbit.load",
}

RUN = """
import numpy as np, signbit
engine = signbit.load({path!r}, threads={threads})
engine(np.zeros((1, *engine.input_shape), np.uint8))
"""

REPORT = """
status = open("/proc/self/status").read()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""

LOAD = """
import time, numpy, signbit
signbit.load
times = []
for _ in range({runs}):
    start = time.perf_counter()
    engine = signbit.load({path!r}, threads=1)
    times.append((time.perf_counter() - start) * 1e3)
print(times[0], sorted(times)[len(times) // 2])
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {
        "command": "python benchmarks/footprint.py " + " ".join(sys.argv[1:]),
        "machine": machine.facts(),
        "network": NETWORK,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures["installed_kb"] = install(folder)
        model = folder / "network.sbnn"
        figures["file_kb"] = {}
        for network in networks.BINARY:
            data = networks.compiled_bytes(network)
            figures["file_kb"][network] = len(data) / 1000
            if network == NETWORK:
                model.write_bytes(data)
        codes = dict(IMPORTS)
        for threads in (1, 2):
            what = f"the same, loading and running once on {threads} thread(s)"
            codes[what] = RUN.format(path=str(model), threads=threads)
        figures["peak_mb"] = {what: peak_mb(folder, code) for what, code in codes.items()}
        first, usual = python(folder, LOAD.format(path=str(model), runs=21))
        figures["load_ms"] = {"first": first, "median": usual}
    print(rows(figures))
    if arguments.out:
        write_json(arguments.out, figures)
    return 0


def install(folder: Path) -> dict[str, float]:
    """Build the wheel and unpack it into the folder; its sizes: packed, unpacked, native code."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(REPOSITORY)]
    subprocess.run(command, check=True)
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        files = archive.infolist()
        archive.extractall(folder)
    native = sum(file.file_size for file in files if file.filename.endswith(".so"))
    return {
        "wheel": wheel.stat().st_size / 1000,
        "unpacked": sum(file.file_size for file in files) / 1000,
        "native code": native / 1000,
    }


def peak_mb(folder: Path, code: str) -> float:
    """MiB; the median of fresh processes."""
    return statistics.median(python(folder, code + REPORT)[0] for _ in range(RUNS))


def python(folder: Path, code: str) -> list[float]:
    """The numbers that a fresh interpreter prints; beside itself it finds the folder and NumPy."""
    paths = [str(folder), str(Path(np.__file__).parents[1])]
    code = f"import sys; sys.path[:0] = {paths!r}\n{code}"
    command = [sys.executable, "-I", "-S", "-c", code]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return [float(word) for word in result.stdout.split()]


def rows(figures: dict[str, Any]) -> str:
    """All figures as one markdown table."""
    lines = [(f"peak memory, {what}", figure(mb), "MiB") for what, mb in figures["peak_mb"].items()]
    for what, ms in figures["load_ms"].items():
        lines.append((f"signbit.load of {NETWORK}, {what}", figure(ms), "ms"))
    for what, kb in figures["installed_kb"].items():
        lines.append((f"installed, {what}", figure(kb), "kB"))
    for network, kb in figures["file_kb"].items():
        lines.append((f"file of {network}", figure(kb), "kB"))
    return table(("", "", "unit"), lines)


if __name__ == "__main__":
    sys.exit(main())
