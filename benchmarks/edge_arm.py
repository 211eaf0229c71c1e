"""What the engine costs on 64-bit Arm: instructions of an image under QEMU, cycles by llvm-mca.

    python benchmarks/edge_arm.py --out benchmarks/results/edge_arm.json

Needs `make edge-tools`. Instructions are those of several images less those of one, for each image
more, so that loading drops out; the answers must be x86-64's, bit for bit. The inner loop is taken
from the compiled kernel: SIMD operations (loads are none) and modelled cycles for 128 binary
multiply-adds.

    python benchmarks/edge_arm.py --part imagenet --photographs FOLDER --out …

counts Bi-Real ResNet-18 at 224 beside ONNX Runtime's ResNet-18 in int8, on photographs of FOLDER (a
folder of Parquet files) and with the packages of `make bench`. It runs in a Python for Arm, which
tools/arm64_python.sh fetches. Without --part all is measured; a part leaves FILE's others alone.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from PIL import Image, ImageOps

import signbit
from edge.counting import build_plugin, counted, version
from measuring import machine
from measuring.tables import table
from measuring.written import write_json
from subjects.edge_network import MACS, SIZE, edge_network

REPOSITORY = Path(__file__).resolve().parents[1]
BUILD = REPOSITORY / "build" / "edge" / "aarch64"
MCA = "llvm-mca-19"
CPUS = {"neon_dot": "neoverse-n1", "neon": "cortex-a72", "scalar": "cortex-a72"}
MODELLED = {
    "neon_dot": ("neoverse-n1", "neoverse-v1", "cortex-a55"),
    "neon": ("cortex-a72", "cortex-a53"),
}
SAMPLES = 5
PHOTOGRAPHS = 8
COUNTED = 3
"""Photographs that are run; the peer's ranges come from the others."""
SIMD = re.compile(r"^(eor|bsl|cnt|sdot|udot|add|uadalp|uaddlp|mov|movi)\s+v")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=("cifar", "imagenet"), help="the only one to measure")
    parser.add_argument("--photographs", type=Path, help="of the part imagenet")
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    given = parser.parse_args()
    if given.part != "cifar" and not given.photographs:
        parser.error("the part imagenet needs --photographs")
    results: dict[str, Any] = {}
    if given.part and given.out and given.out.exists():
        results = json.loads(given.out.read_text())
    build()
    tools = ("aarch64-linux-gnu-g++", "qemu-aarch64", MCA)
    results |= {"machine": machine.facts(), "tools": {name: version(name) for name in tools}}
    if given.part != "imagenet":
        results |= {
            "macs": MACS,
            "instructions": [
                {"isa": isa, "cpu": cpu, "stem": stem, "an image": of_edge_network(isa, cpu, stem)}
                for isa, cpu in CPUS.items()
                for stem in ("int16", "float32")
            ],
            "loops": [inner_loop(isa) for isa in MODELLED],
        }
    if given.part != "cifar":
        results["imagenet"] = imagenet(photographs(given.photographs))
    print(report(results))
    if given.out:
        write_json(given.out, results)
    return 0


def run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], check=True, capture_output=True, text=True)
    return done.stdout


def build() -> None:
    toolchain = REPOSITORY / "tools" / "toolchains" / "aarch64.cmake"
    settings = {"TOOLCHAIN_FILE": toolchain, "BUILD_TYPE": "Release"}
    options = [f"-DCMAKE_{name}={value}" for name, value in settings.items()]
    options += ["-DSIGNBIT_PYTHON=OFF", "-DSIGNBIT_NATIVE_TESTS=ON"]
    run("cmake", "-G", "Ninja", "-S", REPOSITORY, "-B", BUILD, *options)
    run("ninja", "-C", BUILD, "run_file")


def of_edge_network(isa: str, cpu: str, stem: str) -> int:
    """Instructions of one image of the network."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (SAMPLES, SIZE, SIZE, 3)).astype(np.uint8)
    return instructions(edge_network(int16_stem=stem == "int16"), images, isa, cpu)


def instructions(model: bytes, images: npt.NDArray[np.uint8], isa: str, cpu: str) -> int:
    """Of one image more: those of all less those of the first."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plugin = build_plugin(folder)
        (folder / "model.sbnn").write_bytes(model)
        counts = []
        for samples in (1, len(images)):
            (folder / "images").write_bytes(images[:samples].tobytes())
            emulator = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu", cpu]
            program = (BUILD / "run_file", folder / "model.sbnn", isa, samples)
            count, said = counted(plugin, emulator, *program, "fused", folder / "images")
            expected = signbit.load(model, threads=1, isa="scalar")(images[:samples])
            assert said == expected.tobytes(), "the answers are not x86-64's"
            counts.append(count)
    return (counts[1] - counts[0]) // (len(images) - 1)


def photographs(folder: Path) -> npt.NDArray[np.uint8]:
    """(8, 224, 224, 3): the first of a folder of Parquet files, scaled and cropped."""
    rows = next(pq.ParquetFile(next(folder.glob("*.parquet"))).iter_batches(PHOTOGRAPHS))
    photos = [Image.open(io.BytesIO(cell["bytes"])) for cell in rows["image"].to_pylist()]
    fitted = [ImageOps.fit(photo.convert("RGB"), (224, 224)) for photo in photos]
    return np.stack([np.asarray(photo) for photo in fitted])


def imagenet(photos: npt.NDArray[np.uint8]) -> list[dict[str, Any]]:
    """Bi-Real ResNet-18 with either stem, and the peer in int8 with either kind of activations."""
    from peers import arm_onnx_peer as peer
    from peers.onnx_peer import export, quantize
    from subjects import networks

    cpu = CPUS["neon_dot"]
    found = []
    for stem in ("int16", "float32"):
        model = networks.compiled_bytes("bireal-resnet18-224", int16_stem=stem == "int16")
        count = instructions(model, photos[:COUNTED], "neon_dot", cpu)
        found.append({"network": f"signbit, {stem} stem", "cpu": cpu, "an image": count})
    environment = BUILD.with_name("arm64-python")
    peer.install(environment)
    float32 = export(networks.build("resnet18-224").model, (1, 3, 224, 224))
    values = (photos / 255 - np.array(networks.MEAN)) / np.array(networks.STD)
    inputs = np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.float32)
    for kind in ("signed", "unsigned"):
        model = quantize(float32, inputs[COUNTED:], signed=kind == "signed")
        with tempfile.TemporaryDirectory() as name:
            count = peer.instructions(environment, Path(name), cpu, model, inputs[:COUNTED])
        name = f"{peer.PACKAGES[0]} int8, {kind} activations"
        found.append({"network": name, "cpu": cpu, "an image": count})
    return found


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
    """The loop that reads the triples of two windows, its last instruction a branch back.

    That of the fewest instructions for a count of bits: it has the most vectors of filters, and
    runs wherever so many are left.
    """
    lines = [line.partition(":\t") for line in listing.splitlines()]
    code = [(address.strip(), text.split("//")[0].strip()) for address, _, text in lines if text]
    numbers = {address: number for number, (address, _) in enumerate(code)}
    found = []
    for end, (_, text) in enumerate(code):
        branch = re.match(r"b\.\w+\s+([0-9a-f]+)", text)
        first = numbers.get(branch.group(1), end) if branch else end
        body = [text.replace("\t", " ") for _, text in code[first : end + 1]]
        if sum("ld3r" in line for line in body) == 2:
            found.append(body)
    if not found:
        raise LookupError("the kernel has no loop over the triples of two windows")
    return min(found, key=lambda body: len(body) / sum(line.startswith("cnt") for line in body))


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
    lines = [
        [line["isa"], line["cpu"], line["stem"], f"{line['an image'] / 1e6:.2f}"]
        for line in results.get("instructions", [])
    ]
    cycles_of = [
        [loop["isa"], *map(str, loop["for 128 multiply-adds"].values()), cpu, str(count)]
        for loop in results.get("loops", [])
        for cpu, count in loop["cycles"].items()
    ]
    whole = [
        [line["network"], line["cpu"], f"{line['an image'] / 1e6:.1f}"]
        for line in results.get("imagenet", [])
    ]
    return "\n".join(
        [
            table(["kernels", "CPU", "stem", "million instructions"], lines),
            "",
            table(["kernels", "SIMD operations", "instructions", "CPU", "cycles"], cycles_of),
            "",
            table(["ResNet-18 at 224", "CPU", "million instructions"], whole),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
