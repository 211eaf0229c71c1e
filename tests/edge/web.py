"""The engine for browsers, built, and its JavaScript module in node."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tests.edge.tools import one_at_a_time, require

import signbit.targets.web.package as web

Array = npt.NDArray[Any]

ROOT = Path(__file__).parents[2]
HOST = Path(__file__).with_name("web_host.mjs")
ISAS = ("wasm", "scalar")


def build() -> None:
    """Builds what `make wasm` builds; skips where tools are missing."""
    missing = [tool for tool in ("em++", "node", "cmake", "ninja") if shutil.which(tool) is None]
    require(missing)
    folder = ROOT / "build" / "edge" / "wasm"
    options = {
        "CMAKE_TOOLCHAIN_FILE": ROOT / "tools" / "toolchains" / "wasm.cmake",
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_MAKE_PROGRAM": shutil.which("ninja"),
        "SIGNBIT_PYTHON": "OFF",
        "SIGNBIT_WEB": "ON",
    }
    if shutil.which("ccache"):
        options["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    settings = [f"-D{name}={value}" for name, value in options.items()]
    with one_at_a_time(folder):
        _build(folder, settings)


def _build(folder: Path, settings: list[str]) -> None:
    for command in (
        ["cmake", "-G", "Ninja", "-S", ROOT, "-B", folder, *settings],
        ["ninja", "-C", folder, "--quiet", "signbit_web", "signbit_web_scalar"],
        ["cmake", "--install", folder, "--component", "web", "--prefix", web.BUILT],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def module_folder(folder: Path) -> Path:
    """The module and its engines, copied to a folder."""
    for file in [*(web.HERE / "module").iterdir(), *(web.BUILT / name for name in web.ENGINES)]:
        shutil.copy(file, folder)
    return folder


class WebError(Exception):
    """A SignbitError of the module's; as text its status and message."""


@dataclass
class Job:
    """A model, which instruction set runs it, and calls: a method's name and what it is given."""

    model: bytes
    isa: str
    calls: Sequence[Sequence[object]] = ()


@dataclass
class Answer:
    """What a model says of itself, and what came of each call."""

    model: dict[str, Any]
    results: list[Any]


def run_jobs(folder: Path, jobs: Sequence[Job]) -> list[Answer | WebError]:
    """Each job's answers in one process of node; errors of loading and of calls as WebError."""
    asked = [
        {
            "model": _encoded(np.frombuffer(job.model, np.uint8)),
            "simd": job.isa == "wasm",
            "calls": [[*call] for call in job.calls],
        }
        for job in jobs
    ]
    text = json.dumps(asked, default=_encoded).encode()
    done = subprocess.run(["node", HOST, folder], input=text, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    answers: list[Answer | WebError] = []
    for said in json.loads(done.stdout, object_hook=_decoded):
        loaded = _outcome(said["loaded"])
        if isinstance(loaded, WebError):
            answers.append(loaded)
        else:
            answers.append(Answer(loaded, [_outcome(each) for each in said["results"]]))
    return answers


def outputs(folder: Path, job: Job) -> list[Array]:
    """The arrays of the only call of a job, a run."""
    (answer,) = run_jobs(folder, [job])
    assert isinstance(answer, Answer), answer
    (result,) = answer.results
    assert isinstance(result, list), result
    return result


def _outcome(said: dict[str, Any]) -> Any:
    if "error" not in said:
        return said["value"]
    error = said["error"]
    assert error["name"] == "SignbitError", error
    return WebError(f"{error['status']}: {error['message']}")


def _encoded(value: object) -> dict[str, str]:
    array = np.asarray(value)
    return {"type": str(array.dtype), "base64": base64.b64encode(array.tobytes()).decode()}


def _decoded(said: dict[str, Any]) -> Any:
    if said.keys() != {"type", "base64"}:
        return said
    return np.frombuffer(base64.b64decode(said["base64"]), said["type"])
