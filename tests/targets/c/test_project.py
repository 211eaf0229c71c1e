"""Exports as C: the engine's bits, names of strangers, files that no microcontroller would hold."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.bitformat.builder import Builder
from tests.bitformat.samples import SAMPLES, confident, sample, sample_bytes
from tests.compiler.test_inputs import NETWORKS
from tests.runtime.graphs import Case
from tests.runtime.random_graphs.fast_paths import (
    banded,
    binarized,
    pooled_stem,
    residual,
    widened,
)
from tests.runtime.random_graphs.networks import network
from tests.runtime.random_graphs.one_operation import any_operation
from tests.targets.c.compiled import CHECKED, built, check
from tests.thorough import many

from signbit.bitformat import encode
from signbit.compiler import compile_model
from signbit.errors import InputError, ModelFileError
from signbit.targets import c
from signbit.targets.c import project

MAKERS = (any_operation, network)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_operation_and_step_has_the_engines_bits(name: str, tmp_path: Path) -> None:
    check(encode(*SAMPLES[name]()), tmp_path / "out")


@pytest.mark.parametrize("make", MAKERS)
def test_random_graphs_have_the_engines_bits(make: Callable[[int], Case], tmp_path: Path) -> None:
    for seed in range(4):
        check(make(seed).data, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        ("gcc", CHECKED),
        ("gcc", ("-O3", "-march=native")),
        ("gcc", ("-O2", "-ffp-contract=fast")),
        ("clang", ("-O2",)),
    ],
)
def test_many_random_graphs_have_the_engines_bits(
    compiler: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    for seed in range(4, 4 + many(20, least=3)):
        for make in (*MAKERS, banded, pooled_stem, binarized, residual, widened):
            data, less = make(seed).data, bool(seed % 2)
            check(data, tmp_path / "out", *flags, compiler=compiler, less_memory=less)


def test_less_memory_has_the_engines_bits(tmp_path: Path) -> None:
    smaller = 0
    for seed in range(12):
        data = binarized(seed).data
        usual = c.generate(data).arena_bytes
        less = check(data, tmp_path / "out", less_memory=True).arena_bytes
        assert less <= usual
        smaller += less < usual
    assert smaller >= 2


def test_names_from_the_file_are_no_c(tmp_path: Path) -> None:
    b = Builder(0)
    hostile = '"); } int main(void) { /* ??/ \\ \n'
    image = b.input(f"int {hostile}", "image", 2, 2, 3)
    other = b.input("return", "real", 1, 1, 3)
    values = b.node(f"*/ #error {hostile}", "identity", (image,))
    vector = b.node("*\\ #error *\u202e/ ??/", "identity", (other,))
    b.output("arena", values, "*/", hostile, "émeu\0")
    b.output("return", vector)
    check(encode(*b.sample()), tmp_path / "out")
    header = (tmp_path / "out" / "model.h").read_text()
    assert "uint8_t *int_int_main_void," in header
    text = "".join(path.read_text() for path in (tmp_path / "out").glob("model*.[ch]"))
    assert "#error {" not in text.replace("* /", "")


def test_a_confidence_is_in_the_header() -> None:
    header = c.generate(encode(*confident(sample(), 2.5, 0.125)), "net").files["net.h"]
    assert "#define NET_LOGITS_TEMPERATURE 2.5f\n" in header
    assert "#define NET_LOGITS_LEAST_PROBABILITY 0.125f\n" in header
    assert "TEMPERATURE" not in c.generate(encode(*sample()), "net").files["net.h"]


@pytest.mark.parametrize("namespace", ["", "2", "a-b", "main", "string", "é", "../x", "a" * 64])
def test_a_namespace_is_an_identifier(namespace: str) -> None:
    with pytest.raises(InputError, match="must be a C identifier"):
        c.generate(sample_bytes(), namespace)


def test_a_file_of_any_size_is_written_at_another_size(tmp_path: Path) -> None:
    data = encode(*SAMPLES["steps"]())
    assert "#define MODEL_IMAGE_VALUES 120" in c.generate(data).files["model.h"]
    taller = c.generate(data, input_size=(9, 4))
    assert "#define MODEL_IMAGE_VALUES 216" in taller.files["model.h"]
    subprocess.run([built(taller, tmp_path, *CHECKED)], check=True)
    with pytest.raises(InputError, match="compiled for one size"):
        c.generate(sample_bytes(), input_size=(9, 9))


def test_two_networks_share_a_program(tmp_path: Path) -> None:
    for name in ("one", "two"):
        exported = c.generate(sample_bytes(), name)
        c.write(exported, tmp_path, overwrite=True)
    (tmp_path / "main.c").write_text(
        '#include "one.h"\n#include "two.h"\n'
        "static float a[ONE_LOGITS_VALUES];\nstatic uint8_t image[ONE_IMAGE_VALUES];\n"
        "static uint32_t arena[ONE_ARENA_BYTES / 4];\n"
        "int main(void) { one_run(0, image, a); two_run(arena, image, a); return 0; }\n"
    )
    command = ["gcc", "-std=c99", "-DONE_STATIC_ARENA", "one.c", "two.c", "main.c", "-o", "both"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "both"], check=True)


def test_what_stands_there_is_kept(tmp_path: Path) -> None:
    exported = c.generate(sample_bytes(), "model")
    (tmp_path / "mine.c").write_text("")
    with pytest.raises(InputError, match="--overwrite"):
        c.write(exported, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.c"]


def test_make_builds_and_runs_the_test(tmp_path: Path) -> None:
    c.write(c.generate(sample_bytes(), "net"), tmp_path)
    # As a person's shell is, also where `make test` runs this: make tells of folders inside make.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(["make", "test"], cwd=tmp_path, capture_output=True, text=True, env=alone)
    assert done.stdout.splitlines()[-1] == "net: every value is right", done.stderr
    size = subprocess.run(["make", "size"], cwd=tmp_path, capture_output=True, text=True)
    assert "net.o" in size.stdout, size.stderr


def test_files_that_lie_or_are_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelFileError, match="data_offsets"):
        c.generate(sample_bytes()[:-1])
    monkeypatch.setattr(project, "MOST_CONSTANTS", 100)
    with pytest.raises(InputError, match="at most 100 are written as C"):
        c.generate(sample_bytes())


def test_no_memory_but_the_arena_is_written(tmp_path: Path) -> None:
    exported = c.generate(sample_bytes(), "model")
    text = exported.files["model.c"]
    assert "static word own" in text
    assert text.count("\nstatic word") == 0
    assert "malloc" not in text
    assert built(exported, tmp_path / "out", "-O2", "-DMODEL_STATIC_ARENA").exists()


def test_several_inputs_have_the_engines_bits(tmp_path: Path) -> None:
    build, inputs = NETWORKS["a gate"]
    check(compile_model(build().eval(), inputs=inputs).data, tmp_path / "out")
