"""One small run and its compiled file for all tests of the commands, and ways to start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from signbit import recipes
from signbit.cli.main import run
from signbit.targets.web import package

START = "from signbit.cli.main import run; raise SystemExit(run())"

TRAIN_EXTRA = [
    "torch", "accelerate", "datasets", "pyarrow", "safetensors", "scipy",
    "sklearn", "tensorboard", "torchmetrics", "yaml",
]  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def figures(self) -> dict[str, Any]:
        """The one JSON object that stdout holds, and nothing else."""
        assert self.code == 0, self.err
        figures = json.loads(self.out)
        assert isinstance(figures, dict)
        return figures

    @property
    def mistake(self) -> str:
        """The one line that a user's mistake is told in; with --json an object tells it, too."""
        assert self.code == 2, (self.out, self.err)
        line = self.err.splitlines()[-1]
        assert line.startswith("signbit: error: ")
        assert "Traceback" not in self.err
        if self.out:
            (error,) = json.loads(self.out).values()
            assert (f"signbit: error: {error['message']}", 2) == (line, error["exit_code"])
        return line


Cli = Callable[..., Result]


@pytest.fixture
def browser_engines(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files in the place of those that `make wasm` builds."""
    built = tmp_path_factory.mktemp("built")
    for name in package.ENGINES:
        (built / name).write_bytes(bytes(1000))
    monkeypatch.setattr(package, "BUILT", built)


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command in this process."""

    def start(*arguments: str | Path) -> Result:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Result(code, out, err)

    return start


@pytest.fixture(scope="session")
def fresh_cli() -> Cli:
    """Runs a command in a process of its own in which `blocked` modules cannot be imported."""

    def start(*arguments: str | Path, blocked: Sequence[str] = ()) -> Result:
        block = f"import sys; sys.modules.update(dict.fromkeys({list(blocked)!r})); "
        done = subprocess.run(
            [sys.executable, "-c", block + START, *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "120"},
            timeout=550,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return start


@pytest.fixture
def short_demo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`signbit demo` trains two epochs; test_demo.py says what it reaches after all of them.

    The one thread that it chooses is not for later tests.
    """
    import torch

    load, threads = recipes.load, torch.get_num_threads()
    monkeypatch.setattr(
        recipes, "load", lambda name, changes=("epochs=2",): load(name, list(changes))
    )
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs on the digits."""
    out = tmp_path_factory.mktemp("cli") / "run"
    assert run(["train", "sdbnn-digits", "--out", str(out), "epochs=2"]) == 0
    return out


@pytest.fixture(scope="session")
def model_file(run_folder: Path) -> Path:
    """The run's network, compiled."""
    path = run_folder.parent / "model.sbnn"
    assert run(["compile", str(run_folder), "-o", str(path), "--images", "8"]) == 0
    return path
