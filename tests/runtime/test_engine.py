"""The engine's front: which kernels run, how many threads, what explain says, what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.bitformat.samples import sample, sample_bytes

import signbit
from signbit.errors import InputError, IsaError
from signbit.runtime.reference import ReferenceEngine

ISAS = signbit.cpu_isas()

STEM, SIGNS, BODY, LOGITS = 1, 2, 3, 7
"""Numbers of the sample's tensors."""


def pixels(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, 6, 6, 3)).astype(np.uint8)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_scalar_kernels_always_run() -> None:
    assert ISAS[-1] == "scalar"
    assert len(set(ISAS)) == len(ISAS)


@pytest.mark.parametrize("isa", ISAS)
def test_the_isa_asked_for_runs(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNBIT_ISA", "scalar")
    engine = signbit.load(sample_bytes(), isa=isa)
    assert engine.isa == isa
    kernels = [node["kernel"] for node in engine.explain()]
    assert kernels[:2] == [f"conv_f32_{isa}+steps", f"conv_b1_{isa}+steps"]


@pytest.mark.parametrize("isa", ISAS)
def test_the_environment_chooses_where_nothing_is_asked(
    isa: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNBIT_ISA", isa)
    assert signbit.load(sample_bytes()).isa == isa
    monkeypatch.delenv("SIGNBIT_ISA")
    assert signbit.load(sample_bytes()).isa == ISAS[0]


@pytest.mark.parametrize("isa", ["mmx", "AVX2", "avx2 ", "neon"])
def test_an_unknown_isa_is_refused(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(IsaError, match=rf"isa: unknown .*'{isa}'.*scalar"):
        signbit.load(sample_bytes(), isa=isa)
    monkeypatch.setenv("SIGNBIT_ISA", isa)
    with pytest.raises(IsaError, match=rf"SIGNBIT_ISA: unknown .*'{isa}'"):
        signbit.load(sample_bytes())


def test_an_isa_that_is_no_name_is_refused() -> None:
    with pytest.raises(IsaError, match="isa: must be the name of an instruction set, is 'scalar"):
        signbit.load(sample_bytes(), isa="scalar\0")
    with pytest.raises(IsaError, match="isa: must be the name of an instruction set, is 5"):
        signbit.load(sample_bytes(), isa=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [0, -1, 1025, 2**31, 2**64, 1.5, "2"])
def test_a_bad_number_of_threads_is_refused(threads: Any) -> None:
    with pytest.raises(InputError, match=r"^threads: must be (1 to 1024|a whole number), is "):
        signbit.load(sample_bytes(), threads=threads)


def test_threads_default_to_the_cpus_at_hand() -> None:
    assert signbit.load(sample_bytes()).threads >= 1
    assert signbit.load(sample_bytes(), threads=3).threads == 3


def test_what_the_file_says() -> None:
    engine = signbit.load(sample_bytes())
    graph, _ = sample()
    assert engine.input_shape == (6, 6, 3)
    assert engine.class_names == list(graph.outputs[0].classes)
    assert engine.source == graph.source
    assert json.loads(engine.graph_json)["outputs"][0]["tensor"] == graph.outputs[0].tensor
    assert engine.inputs == (signbit.runtime.engine.Input("image", "image", (6, 6, 3)),)
    classes = graph.outputs[0].classes
    assert engine.outputs == (signbit.runtime.engine.Output("logits", "real", (1, 1, 4), classes),)


def test_float_pixels_are_uint8_pixels() -> None:
    engine = signbit.load(sample_bytes())
    images = pixels(5)
    np.testing.assert_array_equal(engine(images.astype(np.float32)), engine(images))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((6, 6, 3), np.uint8),
        np.zeros((1, 6, 6, 4), np.uint8),
        np.zeros((1, 3, 6, 6), np.uint8),
        np.zeros((1, 6, 6, 3), np.float64),
        np.zeros((1, 6, 6, 3), np.int32),
        np.full((2, 6, 6, 3), np.nan, np.float32),
        np.full((1, 6, 6, 3), np.inf, np.float32),
        [[[[0, 0, 0]]]],
        None,
    ],
)
def test_images_that_do_not_fit_are_refused(images: Any) -> None:
    engine = signbit.load(sample_bytes())
    with pytest.raises(InputError, match="image"):
        engine(images)
    if images is not None:
        with pytest.raises(InputError, match="image"):
            engine.explain(images)


def test_a_refused_byte_order_is_named() -> None:
    order = ">f4" if sys.byteorder == "little" else "<f4"
    with pytest.raises(InputError, match=rf"is float32 in foreign byte order \({order}\)"):
        signbit.load(sample_bytes())(np.zeros((1, 6, 6, 3), order))


def test_no_image_gives_no_answer() -> None:
    assert signbit.load(sample_bytes())(pixels(0)).shape == (0, 4)


def test_explain_lists_every_node() -> None:
    engine = signbit.load(sample_bytes(), threads=1)
    graph, _ = sample()
    for nodes in (engine.explain(), engine.explain(pixels(2))):
        assert [(node["name"], node["op"]) for node in nodes] == [
            (node.name, node.op) for node in graph.nodes
        ]
        assert all(node["ms"] >= 0 and node["memory_bytes"] >= 0 for node in nodes)
    macs = {node["name"]: node["macs"] for node in nodes}
    assert macs["stem"] == 36 * 27 * 8
    assert macs["body"] == 36 * 9 * 4 * 10  # before its pool
    assert macs["pool"] == 0


@pytest.mark.parametrize("isa", ISAS)
def test_explain_holds_convolutions_against_the_machine(isa: str) -> None:
    one = signbit.load(sample_bytes(), threads=1, isa=isa).explain()
    cores = len(os.sched_getaffinity(0))
    for threads in (1, 2, 64):
        nodes = signbit.load(sample_bytes(), threads=threads, isa=isa).explain()
        for node, alone in zip(nodes, one, strict=True):
            limit = node["limit_gmacs_per_s"]
            if node["op"] not in ("binary_conv", "real_conv"):
                assert limit is None
                assert node["share"] is None
                continue
            # Measured once a process, so exactly a multiple.
            assert 1 <= node["threads"] <= min(threads, cores)
            assert limit == node["threads"] * (alone["limit_gmacs_per_s"] or 0)
            assert limit > 0
            assert node["share"] == pytest.approx(node["gmacs_per_s"] / limit)
    limits = {node["op"]: node["limit_gmacs_per_s"] for node in one}
    assert (limits["binary_conv"] or 0) > (limits["real_conv"] or 0)


def test_explain_leaves_the_answers_alone() -> None:
    engine = signbit.load(sample_bytes(), threads=2)
    images = pixels(4)
    before = engine(images)
    engine.explain(pixels(3))
    engine.run_nodes({0: images}, [SIGNS, "body#dots"])
    np.testing.assert_array_equal(engine(images), before)


def test_a_fed_tensor_is_never_computed() -> None:
    """The stem writes both; feeding one must survive fetching the other."""
    engine, reference = signbit.load(sample_bytes()), ReferenceEngine(sample_bytes())
    fed = np.random.default_rng(1).integers(0, 2, (2, 6, 6, 8)).astype(np.uint8)
    feeds: dict[int, Any] = {0: pixels(2), SIGNS: fed}
    fetches = [STEM, SIGNS, BODY, LOGITS]
    actual, expected = engine.run_nodes(feeds, fetches), reference.run_nodes(feeds, fetches)
    for number in fetches:
        np.testing.assert_array_equal(actual[number], expected[number], err_msg=str(number))


def test_a_forked_process_answers_alike() -> None:
    """A fork has none of the pool's threads; the caller must do their work."""
    code = f"""
import multiprocessing
import numpy as np
import signbit

engine = signbit.load({sample_bytes()!r}, threads=4)
images = np.arange(9 * 6 * 6 * 3).astype(np.uint8).reshape(9, 6, 6, 3)
expected = engine(images)

def answer():
    return engine(images)

with multiprocessing.get_context("fork").Pool(1) as pool:
    print((pool.apply(answer) == expected).all())
"""
    result = run_python(code)
    assert (result.returncode, result.stdout) == (0, "True\n"), result.stderr


@pytest.mark.parametrize("drop", ["del engine", "pass"])
def test_a_forked_process_drops_its_engine(drop: str) -> None:
    """At once or at exit; the pool's threads sleep in the parent and are gone in the child."""
    code = f"""
import os, sys, time
import numpy as np
import signbit

engine = signbit.load({sample_bytes()!r}, threads=3)
engine(np.zeros((4, 6, 6, 3), np.uint8))
time.sleep(0.1)
pid = os.fork()
if pid == 0:
    engine(np.zeros((4, 6, 6, 3), np.uint8))
    {drop}
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    result = run_python(code)
    assert (result.returncode, result.stdout) == (0, "7\n"), result.stderr


def test_the_interpreter_may_exit_during_a_call() -> None:
    code = f"""
import threading, time
import numpy as np
import signbit

engine = signbit.load({sample_bytes()!r}, threads=1)
images = np.zeros((20000, 6, 6, 3), np.uint8)

def work():
    while True:
        engine(images)

threading.Thread(target=work, daemon=True).start()
time.sleep(0.1)
"""
    result = run_python(code)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_hosts_float_mode_does_not_matter() -> None:
    """A host that flushes subnormals to zero gets the same bits, and keeps its mode."""
    torch = pytest.importorskip("torch")
    engine = signbit.load(sample_bytes(), threads=1)
    images = np.full((1, 6, 6, 3), 2.0**-140, np.float32)
    expected = engine.run_nodes({0: images}, [STEM])[STEM]
    subnormal = (np.abs(expected) > 0) & (np.abs(expected) < 2.0**-126)
    assert subnormal.any()
    if not torch.set_flush_denormal(True):
        pytest.skip("this CPU cannot flush subnormals")
    try:
        actual = engine.run_nodes({0: images}, [STEM])[STEM]
        assert torch.tensor(2.0**-140) * 1 == 0
    finally:
        torch.set_flush_denormal(False)
    np.testing.assert_array_equal(actual.view(np.int32), expected.view(np.int32))
