"""The engine for browsers, in node: the bits of x86-64, with SIMD and without, and its errors."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.bitformat.builder import Builder
from tests.bitformat.files import raw_file
from tests.bitformat.samples import SAMPLES, confident
from tests.edge.cases import assert_same_answers, batches, cases, expected, published
from tests.edge.web import ISAS, Answer, Job, WebError, build, module_folder, outputs, run_jobs

import signbit
from signbit.bitformat import decode, encode, pack_bits
from signbit.bitformat.graph import Output, Resize, Step
from signbit.targets.web.package import ENGINES

Array = npt.NDArray[Any]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

every_isa = pytest.mark.parametrize("isa", ISAS)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build()
    return module_folder(tmp_path_factory.mktemp("module"))


def run_call(inputs: list[Array]) -> list[object]:
    return ["run", inputs, {"batch": len(inputs[0])}]


def assert_equal(actual: list[Array], wanted: list[Array], case: object) -> None:
    assert len(actual) == len(wanted)
    assert_same_answers(b"".join(each.tobytes() for each in actual), wanted, case)


@every_isa
def test_every_operation(module: Path, isa: str) -> None:
    every = cases()
    jobs = [Job(data, isa, [run_call(inputs)]) for data, inputs in every]
    for number, (answer, (data, inputs)) in enumerate(
        zip(run_jobs(module, jobs), every, strict=True)
    ):
        assert isinstance(answer, Answer), answer
        assert answer.model["isa"] == isa
        assert_equal(answer.results[0], expected(data, inputs), number)


@every_isa
@pytest.mark.parametrize(
    ("network", "method", "size"), [("digits", "sdbnn", 8), ("resnet20", "sdbnn", 32)]
)
@pytest.mark.parametrize("stem", ["float32", "int16"])
def test_networks(module: Path, isa: str, network: str, method: str, size: int, stem: str) -> None:
    from tests.compiler import nets

    from signbit.nn.pixels.stem_rounding import round_stem

    shape = (size, size, 3 if size == 32 else 1)
    model = nets.network(network, method, shape)
    if stem == "int16":
        model = round_stem(model, nets.MEAN[: shape[2]], nets.STD[: shape[2]], input_size=shape)
    data = nets.compiled(model, shape).data
    inputs = [nets.pixels(3, shape)]
    assert_equal(outputs(module, Job(data, isa, [run_call(inputs)])), expected(data, inputs), stem)


@every_isa
def test_a_published_network(module: Path, isa: str, shared_data: Path) -> None:
    data = published(shared_data)
    inputs = batches(data, 5)
    found = outputs(module, Job(data, isa, [run_call(inputs)]))
    assert_equal(found, expected(data, inputs), "CNV-W1A1")


def wide_file(channels: int, filters: int) -> bytes:
    """Signs of so many channels, 3×3 of them at once; filters of one sign are among the others."""
    b = Builder(channels)
    image = b.input("image", "image", 5, 3, channels)
    threshold = b.constant(np.full(channels, 128, np.float32))
    signs = b.node("signs", "identity", (image,), outputs=(Output("signs", threshold=threshold),))
    weight = b.rng.random((filters, 9 * channels)) < 0.5
    weight[0], weight[-1] = True, False
    packed = b.constant(pack_bits(weight))
    keys = {"kernel": (3, 3), "padding": (1, 1, 1, 1), "weight": packed}
    b.output("dots", b.node("dots", "binary_conv", (signs,), **keys))
    return raw_file(*b.sample())


DOTS = [(1, 19), (40, 2), (64, 16), (96, 17), (224, 33), (512, 48), (544, 64), (1601, 65)]
"""Channels and filters."""


@every_isa
@pytest.mark.parametrize(("channels", "filters"), DOTS)
def test_dots_of_any_length(module: Path, isa: str, channels: int, filters: int) -> None:
    data = wide_file(channels, filters)
    inputs = batches(data, 3)
    inputs[0][0], inputs[0][1] = 0, 255  # one sign, so that all bits differ, or none
    assert_equal(outputs(module, Job(data, isa, [run_call(inputs)])), expected(data, inputs), isa)


def test_the_engine_asks_for_little(module: Path) -> None:
    """What it imports, and so what a page can be asked for."""
    listing = (
        "const m = new WebAssembly.Module(require('fs').readFileSync(process.argv[1]));"
        "for (const i of WebAssembly.Module.imports(m)) console.log(i.module + '.' + i.name)"
    )
    for name in ENGINES:
        said = subprocess.run(
            ["node", "-e", listing, module / name], check=True, capture_output=True, text=True
        )
        assert {*said.stdout.split()} <= {
            "signbit.out_of_memory",
            "signbit.milliseconds",
            "env.emscripten_notify_memory_growth",
            "wasi_snapshot_preview1.proc_exit",
        }
        assert len(gzip.compress((module / name).read_bytes())) < 190_000


def fma_file(scale: Array, shift: Array) -> bytes:
    """Reals, each multiplied and added to once."""
    b = Builder(0)
    given = b.input("x", "real", 1, 1, len(scale))
    keys = {"scale": b.constant(scale), "shift": b.constant(shift)}
    node = b.node("affine", "identity", (given,), Step("affine", keys))
    b.output("y", node)
    return raw_file(*b.sample())


def fma_cases() -> tuple[Array, Array, Array]:
    """Products half-way between two float32, sums among subnormals, and bits of any kind."""
    odd = np.arange(1, 64, 2)
    i, j, sign = (axis.reshape(-1) for axis in np.meshgrid(odd, odd, [-1, 1]))
    ties = (1 + i * 2.0**-12, 1 + j * 2.0**-12, sign * 2.0**-70)
    small = (1 + i * 2.0**-12, (1 + j * 2.0**-12) * 2.0**-127, sign * 2.0**-149)
    large = (1 + i * 2.0**-12, (1 + j * 2.0**-12) * 2.0**127, -sign * (2.0**127))
    draws = np.random.default_rng(0)
    drawn = [draws.integers(0, 2**32, 40_000, np.uint32).view(np.float32) for _ in range(3)]
    # Sums that nearly vanish.
    with np.errstate(all="ignore"):
        drawn[2][::2] = -(drawn[0][::2].astype(np.float64) * drawn[1][::2]).astype(np.float32)
    finite = np.isfinite(drawn).all(axis=0)
    kinds = [*zip(*(ties, small, large), strict=True)]
    with np.errstate(over="ignore"):
        x, scale, shift = (
            np.concatenate([*map(np.float32, of_kinds), of_drawn[finite]])
            for of_kinds, of_drawn in zip(kinds, drawn, strict=True)
        )
    return x, scale, shift


@every_isa
def test_multiply_adds_are_rounded_once(module: Path, isa: str) -> None:
    x, scale, shift = fma_cases()
    whole = len(x) // 60_000 + 1
    for part in range(whole):
        chosen = slice(part * 60_000, (part + 1) * 60_000)
        data = fma_file(scale[chosen], shift[chosen])
        inputs = [x[chosen].reshape(1, 1, 1, -1)]
        actual = outputs(module, Job(data, isa, [run_call(inputs)]))
        assert_equal(actual, expected(data, inputs), part)


def photo_file(height: int, width: int, channels: int, resize: Resize | None) -> bytes:
    b = Builder(0)
    image = b.input("photo", "image", height, width, channels, resize=resize)
    weight = b.floats(3, height, width, channels)
    node = b.node("scores", "real_conv", (image,), kernel=(height, width), weight=weight)
    b.output("scores", node, "<b>", "ä", "c")
    return raw_file(*b.sample())


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_photos_are_fitted_and_classified_as_in_python(module: Path, channels: int) -> None:
    draws = np.random.default_rng(channels)
    data = photo_file(12, 9, 3, Resize(14, "bilinear"))
    engine = signbit.load(data)
    photo = draws.integers(0, 256, (50, 31, channels), np.uint8)
    image = {"data": photo.reshape(-1), "width": 31, "height": 50}
    job = Job(data, "wasm", [["classify", image, {"top": 2}], ["fit", image]])
    (answer,) = run_jobs(module, [job])
    assert isinstance(answer, Answer), answer
    found, fitted = answer.results
    wanted = engine.predict(photo[..., :3] if channels == 4 else photo.squeeze())
    assert [each["name"] for each in found] == [name for name, _ in wanted.top(2)]
    assert found[0]["index"] == wanted.index
    assert np.float32(found[0]["logit"]) == wanted.logits[wanted.index]
    assert found[0]["probability"] == pytest.approx(wanted.probability, rel=1e-12)
    assert [fitted["height"], fitted["width"], fitted["channels"]] == [12, 9, 3]
    np.testing.assert_array_equal(engine(fitted["data"].reshape(1, 12, 9, 3))[0], wanted.logits)


@pytest.mark.parametrize("least", [0.0, 0.5, 0.999])
def test_probabilities_are_those_of_the_files_temperature(module: Path, least: float) -> None:
    data = encode(*confident(decode(photo_file(12, 9, 3, Resize(14))), 3.0, least))
    photo = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)
    image = {"data": photo.reshape(-1), "width": 9, "height": 12}
    (answer,) = run_jobs(module, [Job(data, "wasm", [["classify", image, {"top": 2}]])])
    assert isinstance(answer, Answer), answer
    wanted = signbit.load(data).predict(photo)
    (found,) = answer.results
    assert found[0]["probability"] == pytest.approx(wanted.probability, rel=1e-12)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_model_shows_its_layers_signs_and_weights(module: Path, sample: str) -> None:
    data = encode(*SAMPLES[sample]())
    graph, constants = decode(data)
    engine = signbit.load(data)
    calls: list[list[object]] = [["layers"]]
    calls += [["filters", index] for index in range(len(graph.nodes))]
    (answer,) = run_jobs(module, [Job(data, "wasm", calls)])
    assert isinstance(answer, Answer), answer
    layers, *filters = answer.results
    assert [each["name"] for each in layers] == [node.name for node in graph.nodes]
    assert [each["op"] for each in layers] == [node.op for node in graph.nodes]
    reports = engine.explain()
    assert [each["operations"] for each in layers] == [report["macs"] for report in reports]
    for node, layer, found in zip(graph.nodes, layers, filters, strict=True):
        if layer["weight"] is None:
            assert isinstance(found, WebError)
            continue
        shape = [found["filters"], found["height"], found["width"], found["channels"]]
        assert shape == layer["weight"]["shape"]
        weight = constants[str(node.keys["weight"])]
        if weight.dtype == np.uint64:
            negative = signbit.bitformat.unpack_bits(weight, int(np.prod(shape[1:])))
            weight = np.where(negative, -1, 1)
        np.testing.assert_array_equal(found["values"], weight.reshape(-1).astype(np.float32))
    assert [each["kind"] for each in answer.model["inputs"]] == [
        "image" if given.kind == "image" else "reals" for given in engine.inputs
    ]


def test_wrong_calls_say_what_would_be_right(module: Path) -> None:
    data = photo_file(4, 4, 3, None)
    pixels = np.zeros((1, 4, 4, 3), np.uint8)
    image = {"data": pixels.reshape(-1), "width": 5, "height": 4}
    calls: list[tuple[list[object], str]] = [
        (["run", []], "input: inputs: must be a Uint8Array or Float32Array for 'photo'"),
        (["run", [pixels, pixels]], "input: inputs: must be"),
        (["run", {"photo": pixels, "more": pixels}], "input: inputs: must be"),
        (["run", [pixels[:, :3]], {"batch": 1}], "input: 'photo': bytes must be 48, is 36"),
        (["run", [pixels], {"batch": 1.5}], "input: batch: must be a whole number"),
        (["run", [pixels], {"batch": 1 << 30}], "input: batch: 1073741824 are too many"),
        (["run", [pixels.astype(np.int8)]], "input: inputs: must be a Uint8Array"),
        (["classify", image], "input: image: must have 1, 3 or 4 values"),
        (["classify", {**image, "width": 4, "height": 4, "data": pixels[0, 0]}], "input: image"),
        (["signs", 0, {**image, "width": 4}], "input: scores gives no signs"),
        (["signs", 7, {**image, "width": 4}], "input: layer: there is no 7"),
        (["filters", -1], "input: layer: there is no -1"),
        (["run", [pixels]], ""),
        (["close"], ""),
        (["run", [pixels]], "input: this model is closed"),
    ]
    (answer,) = run_jobs(module, [Job(data, "wasm", [call for call, _ in calls])])
    assert isinstance(answer, Answer), answer
    for result, (call, wanted) in zip(answer.results, calls, strict=True):
        assert isinstance(result, WebError) == bool(wanted), (call, result)
        assert str(result).startswith(wanted) or not wanted, (call, result)


def test_a_model_that_takes_too_much_is_refused(module: Path) -> None:
    b = Builder(0)
    image = b.input("image", "image", 16384, 16384, 1)
    b.output("y", b.node("copy", "identity", (image,)))
    (answer,) = run_jobs(module, [Job(raw_file(*b.sample()), "wasm")])
    assert str(answer).startswith("model_file: nodes[0]: ")
