"""The module's worker in headless Chromium: several, closed and loaded again, and their errors."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.bitformat.samples import SAMPLES
from tests.edge.cases import batches, expected
from tests.edge.web import ISAS, build, module_folder
from tests.runtime.test_hostile_files import HOSTILE as HOSTILE_FILES
from tests.runtime.test_hostile_graphs import HOSTILE as HOSTILE_GRAPHS

from edge.chromium import Tab, chromium, served
from signbit.bitformat import encode

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(chromium() is None, reason="no chromium; see tools/install_edge_tools.sh"),
]

DATA = encode(*SAMPLES["sample"]())
INPUT = batches(DATA, 3)[0]
WANTED = [int(each) for each in expected(DATA, [INPUT])[0].tobytes()]

PAGE = """<!doctype html>
<title>The module</title>
<script type="module">
import { load, SignbitError } from "./signbit.js";

const bytesOf = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
const [file, input] = await Promise.all(["model.sbnn", "input"].map(bytesOf));

Object.assign(globalThis, {
  load,
  file,
  open: (options) => load(file, { worker: true, ...options }),
  run: async (model) => [...new Uint8Array((await model.run([input], { batch: 3 }))[0].buffer)],
  errorOf: async (work) => {
    try {
      await work;
      return null;
    } catch (error) {
      return `${error instanceof SignbitError} ${error.status} ${error.message}`;
    }
  },
});
globalThis.ready = true;
</script>
"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    build()
    folder = module_folder(tmp_path_factory.mktemp("site"))
    (folder / "index.html").write_text(PAGE)
    (folder / "model.sbnn").write_bytes(DATA)
    (folder / "input").write_bytes(INPUT.tobytes())
    hostile = {**HOSTILE_FILES, **HOSTILE_GRAPHS}.values()
    files = [base64.b64encode(data).decode() for data, _ in hostile]
    (folder / "hostile.json").write_text(json.dumps(files))
    with served(folder) as address, Tab(tmp_path_factory.mktemp("profile")) as tab:
        tab.open(address)
        tab.wait("globalThis.ready")
        yield tab


def do(tab: Tab, script: str) -> Any:
    """What the body of an async function returns, in the page."""
    return tab.run(f"(async () => {{ {script} }})()")


@pytest.mark.parametrize("isa", ISAS)
def test_a_worker_has_the_engines_bits_and_keeps_its_order(tab: Tab, isa: str) -> None:
    script = """
      const model = await open({ simd: %s });
      const answers = await Promise.all([run(model), run(model), run(model)]);
      model.close();
      return [model.isa, ...answers];
    """
    assert do(tab, script % json.dumps(isa == "wasm")) == [isa, WANTED, WANTED, WANTED]


def test_two_run_at_once_and_one_outlives_the_other(tab: Tab) -> None:
    script = """
      const [one, other] = await Promise.all([open({ simd: true }), open({ simd: false })]);
      const both = await Promise.all([run(one), run(other)]);
      one.close();
      return [...both, await run(other), await errorOf(run(one))];
    """
    closed = "true input this model is closed"
    assert do(tab, script) == [WANTED, WANTED, WANTED, closed]


def test_what_is_under_way_fails_when_a_model_is_closed_and_it_loads_again(tab: Tab) -> None:
    script = """
      const model = await open();
      const under_way = [errorOf(run(model)), errorOf(model.layers())];
      model.close();
      model.close();
      const again = await open();
      return [...(await Promise.all(under_way)), await run(again)];
    """
    closed = "true input this model is closed"
    assert do(tab, script) == [closed, closed, WANTED]


def test_an_error_comes_through_and_the_model_goes_on(tab: Tab) -> None:
    script = """
      const model = await open();
      const wrong = [
        model.run([new Uint8Array(3)], { batch: 1 }),
        model.run([() => 1]),
        model.signs(99, { data: new Uint8Array(4), width: 2, height: 2 }),
        model.classify(null),
      ];
      return [...(await Promise.all(wrong.map(errorOf))), await run(model)];
    """
    *errors, answer = do(tab, script)
    assert all(error.startswith("true input ") for error in errors), errors
    assert "bytes must be 108, is 3" in errors[0]
    assert answer == WANTED


def test_a_worker_or_a_network_that_does_not_come_is_said(tab: Tab) -> None:
    script = """
      const base = new URL("nowhere/", location);
      const end = AbortSignal.abort();
      return Promise.all([
        errorOf(load(new URL("nowhere.sbnn", location))),
        errorOf(load(file, { base })),
        load(file, { signal: end }).catch((error) => error.name),
      ]);
    """
    missing, based, aborted = do(tab, script)
    assert missing.startswith("true network ")
    assert missing.endswith("nowhere.sbnn: 404")
    assert based.startswith("true network ")
    assert aborted == "AbortError"


@pytest.mark.parametrize("worker", [True, False])
@pytest.mark.parametrize("isa", ISAS)
def test_hostile_files_are_refused_and_the_next_one_runs(tab: Tab, isa: str, worker: bool) -> None:
    script = """
      const errors = [];
      for (const text of await (await fetch("hostile.json")).json()) {
        const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
        errors.push(await errorOf(load(bytes, %s)));
      }
      const model = await load(file, %s);
      return [await run(model), ...errors];
    """
    tab.events.clear()
    options = json.dumps({"worker": worker, "simd": isa == "wasm"})
    answer, *errors = do(tab, script.replace("%s", options))
    fields = [field for _, field in {**HOSTILE_FILES, **HOSTILE_GRAPHS}.values()]
    for error, field in zip(errors, fields, strict=True):
        assert error.startswith(f"true model_file {field}: "), (error, field)
    assert answer == WANTED
    assert tab.problems() == []
