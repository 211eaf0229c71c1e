"""Help teaches: it reads at 80 columns, and its examples work, one after another."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import save_file
from tests.cli.conftest import Cli
from tests.compiler import nets

from signbit import methods, models
from signbit.cli.app import DAY, EXPORT

FUNCTIONS = {name: command for commands in DAY.values() for name, command in commands.items()}
COMMANDS = [*FUNCTIONS]
FUNCTIONS |= {f"export {name}": command for name, command in EXPORT.items()}


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)


def examples(cli: Cli, command: str) -> list[str]:
    """The lines of a command's help that can be typed."""
    found = re.findall(r"Example: (signbit .*)", cli(*command.split(), "--help").out)
    return [" ".join(line.split()) for line in found]


def test_commands_stand_in_the_order_of_a_day(cli: Cli) -> None:
    shown = cli("--help").out
    places = [shown.index(f" {panel} ──") for panel in DAY]
    places_of_commands = [shown.index(f"│ {command} ") for command in COMMANDS]
    assert places == sorted(places)
    assert places_of_commands == sorted(places_of_commands)
    assert "<bool>" not in shown + cli("export", "--help").out
    assert [command for command, *_ in DAY.values()] == ["demo", "train", "evaluate", "compile"]


@pytest.mark.parametrize("command", FUNCTIONS)
def test_help_reads_at_80_columns(cli: Cli, command: str) -> None:
    shown = cli(*command.split(), "--help").out
    assert max(map(len, shown.splitlines())) <= 80
    assert "<bool>" not in shown
    for option in ("--json", "--quiet", "--verbose"):
        assert option in shown
    for line in examples(cli, command):
        assert line.startswith(f"signbit {command} ")
    source = FUNCTIONS[command].__doc__ or ""
    for example in re.findall(r"Example: \[bold\](.*)\[/\]", source):
        assert example in examples(cli, command), "an example is on one line"


@pytest.mark.slow
@pytest.mark.usefixtures("browser_engines", "short_demo")
def test_examples_work_one_after_another(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGNBIT_CACHE", str(tmp_path / "cache"))
    Image.new("RGB", (40, 30), (200, 90, 9)).save("cat.jpg")
    for index in range(20):
        folder = Path("photos", "cat" if index % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), (12 * index, 90, 9)).save(folder / f"{index}.jpg")
    network = models.build("real-resnet20", methods.get("real"), classes=10, channels=3)
    save_file(network.state_dict(), "resnet20.safetensors")
    pytest.importorskip("onnx")
    from signbit.exchange.onnx.writing import to_onnx  # which needs onnx

    small = nets.compiled(nets.network("digits", "bnn", (8, 8, 1)), (8, 8, 1))
    Path("tfc.onnx").write_bytes(to_onnx(small, "qonnx"))
    for index in range(20):
        folder = Path("mnist", str(index % 10))
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 12 * index).save(folder / f"{index}.png")
    for command in FUNCTIONS:
        for line in examples(cli, command):
            result = cli(*shlex.split(line)[1:])
            assert result.code == 0, (line, result.err)
            assert result.out or "--out" in line, line
