"""What the engine costs on 64-bit Arm: instructions of an image under QEMU, cycles by llvm-mca.

    python benchmarks/edge_arm.py --out benchmarks/results/edge_arm.json

Needs `make edge-tools`. Instructions are those of five images less those of one, by four, so that
loading drops out; the answers must be x86-64's, bit for bit. The inner loop is taken from the
compiled kernel: SIMD operations (loads are none) and modelled cycles for 128 binary multiply-adds.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import signbit
from measuring import machine
from measuring.tables import table
from subjects.edge_network import MACS, SIZE, edge_network

REPOSITORY = Path(__file__).resolve().parents[1]
BUILD = REPOSITORY / "build" / "edge" / "aarch64"
PLUGIN = Path(__file__).parent / "edge" / "instructions.c"
MCA = "llvm-mca-19"
CPUS = {"neon_dot": "neoverse-n1", "neon": "cortex-a72", "scalar": "cortex-a72"}
MODELLED = {
    "neon_dot": ("neoverse-n1", "neoverse-v1", "cortex-a55"),
    "neon": ("cortex-a72", "cortex-a53"),
}
SAMPLES = 5
SIMD = re.compile(r"^(eor|bsl|cnt|sdot|udot|add|uadalp|uaddlp|mov|movi)\s+v")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    build()
    results = {
        "machine": machine.facts(),
        "tools": {name: version(name) for name in ("aarch64-linux-gnu-g++", "qemu-aarch64", MCA)},
        "macs": MACS,
        "instructions": [
            {"isa": isa, "cpu": cpu, "stem": stem, "an image": instructions(isa, cpu, stem)}
            for isa, cpu in CPUS.items()
            for stem in ("int16", "float32")
        ],
        "loops": [inner_loop(isa) for isa in MODELLED],
    }
    print(report(results))
    if out:
        out.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], check=True, capture_output=True, text=True)
    return done.stdout


def version(tool: str) -> str:
    """The first line of what a tool says of itself that has a number."""
    lines = run(tool, "--version").splitlines()
    return next(line.strip() for line in lines if re.search(r"\d", line))


def build() -> None:
    toolchain = REPOSITORY / "tools" / "toolchains" / "aarch64.cmake"
    settings = {"TOOLCHAIN_FILE": toolchain, "BUILD_TYPE": "Release"}
    options = [f"-DCMAKE_{name}={value}" for name, value in settings.items()]
    options += ["-DSIGNBIT_PYTHON=OFF", "-DSIGNBIT_NATIVE_TESTS=ON"]
    run("cmake", "-G", "Ninja", "-S", REPOSITORY, "-B", BUILD, *options)
    run("ninja", "-C", BUILD, "run_file")


def instructions(isa: str, cpu: str, stem: str) -> int:
    """Of one image of the network."""
    model = edge_network(int16_stem=stem == "int16")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (SAMPLES, SIZE, SIZE, 3)).astype(np.uint8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plugin = folder / "instructions.so"
        options = ("-O2", "-shared", "-fPIC", "-fvisibility=hidden")
        run("gcc", *options, "-Wl,--unresolved-symbols=ignore-all", PLUGIN, "-o", plugin)
        (folder / "model.sbnn").write_bytes(model)
        counts = {}
        for samples in (1, SAMPLES):
            (folder / "images").write_bytes(images[:samples].tobytes())
            command = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu", cpu]
            command += ["-plugin", str(plugin), "-d", "plugin", "-D", str(folder / "log")]
            command += [str(BUILD / "run_file"), str(folder / "model.sbnn"), isa, str(samples)]
            done = subprocess.run(
                [*command, "fused", str(folder / "images")], check=True, capture_output=True
            )
            expected = signbit.load(model, threads=1, isa="scalar")(images[:samples])
            assert done.stdout == expected.tobytes(), "the answers are not x86-64's"
            counts[samples] = int((folder / "log").read_text().split()[-1])
    return (counts[SAMPLES] - counts[1]) // (SAMPLES - 1)


def inner_loop(isa: str) -> dict[str, Any]:
    """The loop over triples of words, for two windows, as compiled.

    A count of bits is of 128 binary multiply-adds of a plain dot, and three words take two.
    """
    objects = BUILD.rglob(f"kernels/{isa}/kernels.cpp.o")
    listing = run("aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", next(iter(objects)))
    body = loop_of_two(listing)
    units = sum(line.startswith("cnt") for line in body) * 3 / 2
    return {
        "isa": isa,
        "for 128 multiply-adds": {
            "SIMD operations": round(sum(bool(SIMD.match(line)) for line in body) / units, 2),
            "instructions": round(len(body) / units, 2),
        },
        "cycles": {cpu: round(cycles(body, isa, cpu) / units, 3) for cpu in MODELLED[isa]},
    }


def loop_of_two(listing: str) -> list[str]:
    """The first loop that reads the triples of two windows, its last instruction a branch back."""
    lines = [line.partition(":\t") for line in listing.splitlines()]
    code = [(address.strip(), text.split("//")[0].strip()) for address, _, text in lines if text]
    starts = [n for n, (_, text) in enumerate(code) if "ld3r" in text and "v0.4s" in text]
    for start in starts:
        for end in range(start, min(start + 200, len(code))):
            branch = re.match(r"b\.\w+\s+([0-9a-f]+)", code[end][1])
            if not branch:
                continue
            target = branch.group(1)
            first = next((n for n in range(start, -1, -1) if code[n][0] == target), None)
            if first is None:
                break
            body = [text.replace("\t", " ") for _, text in code[first : end + 1]]
            if sum("ld3r" in line for line in body) == 2:
                return body
            break
    raise LookupError("the kernel has no loop over the triples of two windows")


def cycles(body: list[str], isa: str, cpu: str) -> float:
    """By llvm-mca, of one pass of a thousand."""
    text = "\n".join(re.sub(r"^(b\.\w+) .*", r"\1 0", line) for line in body)
    attributes = ("-mattr=+dotprod",) if isa == "neon_dot" else ()
    command = [MCA, "-mtriple=aarch64", f"-mcpu={cpu}", *attributes, "-iterations=1000"]
    done = subprocess.run(command, input=text, check=True, capture_output=True, text=True)
    found = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    assert found
    return int(found.group(1)) / 1000


def report(results: dict[str, Any]) -> str:
    """The tables that the results page has."""
    counted = [
        [line["isa"], line["cpu"], line["stem"], f"{line['an image'] / 1e6:.2f}"]
        for line in results["instructions"]
    ]
    loops = [
        [loop["isa"], *map(str, loop["for 128 multiply-adds"].values()), cpu, str(count)]
        for loop in results["loops"]
        for cpu, count in loop["cycles"].items()
    ]
    return "\n".join(
        [
            table(["kernels", "CPU", "stem", "million instructions"], counted),
            "",
            table(["kernels", "SIMD operations", "instructions", "CPU", "cycles"], loops),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
