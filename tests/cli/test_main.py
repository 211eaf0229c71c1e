from __future__ import annotations

import errno
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import START, TRAIN_EXTRA, Cli

from signbit.cli import app, main
from signbit.errors import DataError

COMMANDS = [
    "demo", "recipes", "train", "compare", "evaluate", "compile", "predict", "inspect", "bench",
    "pretrain", "probe", "finetune", "curves", "report", "export c", "export web",
]  # fmt: skip


def raising(error: BaseException) -> object:
    def invoke(arguments: list[str]) -> int:
        raise error

    return invoke


def test_help_lists_every_command(cli: Cli) -> None:
    for arguments in [[], ["--help"]]:
        result = cli(*arguments)
        assert result.code == 0
        for command in COMMANDS:
            assert command.partition(" ")[0] in result.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_an_example(cli: Cli, command: str) -> None:
    result = cli(*command.split(), "--help")
    assert result.code == 0
    assert f"Example: signbit {command}" in result.out


def test_version(cli: Cli) -> None:
    result = cli("--version")
    assert result.code == 0
    assert result.out.startswith("signbit ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["trian"],
        ["--nope"],
        ["train"],
        ["bench", "--batch", "0", __file__],
        ["demo", "--nope"],
        ["export"],
        ["export", "b"],
        ["export", "c", __file__],
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(cli: Cli, arguments: list[str]) -> None:
    result = cli(*arguments)
    assert "--help" in result.mistake
    assert len(result.err.splitlines()) == 1


def test_a_signbit_error_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    monkeypatch.setattr(app, "invoke", raising(DataError("first\n  second")))
    assert cli().mistake == "signbit: error: first second"


def test_an_interrupt_is_exit_code_130_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    monkeypatch.setattr(app, "invoke", raising(KeyboardInterrupt()))
    result = cli()
    assert result.code == 130
    assert "same command again" in result.err


def test_ctrl_c_inside_a_command_is_exit_code_130(
    monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    def names() -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("signbit.recipes.names", names)
    assert cli("recipes").code == 130


def test_a_bug_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "invoke", raising(ZeroDivisionError("bug")))
    with pytest.raises(ZeroDivisionError):
        main.run([])


def test_a_module_of_no_extra_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ModuleNotFoundError("No module named 'signbit.nope'", name="signbit.nope")
    monkeypatch.setattr(app, "invoke", raising(error))
    with pytest.raises(ModuleNotFoundError):
        main.run([])


def test_what_the_file_system_refuses_names_the_file(
    monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    error = PermissionError(errno.EACCES, "Permission denied", "here/model.sbnn")
    monkeypatch.setattr(app, "invoke", raising(error))
    assert cli().mistake == "signbit: error: here/model.sbnn: Permission denied"
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(app, "invoke", raising(full))
    assert "No space left on device" in cli().mistake


def test_without_the_train_extra_training_says_what_to_install(fresh_cli: Cli) -> None:
    for arguments in [["train", "sdbnn-digits", "--out", "run"], ["demo", "--out", "run"]]:
        result = fresh_cli(*arguments, blocked=TRAIN_EXTRA)
        assert "pip install 'signbit[train]'" in result.mistake


def test_without_the_cli_extra_the_command_says_what_to_install(fresh_cli: Cli) -> None:
    result = fresh_cli("--help", blocked=["typer", "rich"])
    assert "pip install 'signbit[cli]'" in result.mistake


def test_help_imports_nothing_heavy(fresh_cli: Cli) -> None:
    heavy = [*TRAIN_EXTRA, "numpy", "PIL"]
    assert fresh_cli("--help", blocked=heavy).code == 0
    assert fresh_cli("train", "--help", blocked=heavy).code == 0


def test_an_ascii_terminal_gets_help_and_mistakes(
    fresh_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    result = fresh_cli("--help")
    assert result.code == 0
    assert "Traceback" not in result.err
    assert "compile" in result.out
    assert "gone" in fresh_cli("evaluate", "gone\u00e9").mistake


def test_the_module_is_the_command() -> None:
    for words, code in ((["--version"], 0), (["nope"], 2)):
        found = [
            subprocess.run([*start, *words], capture_output=True, text=True, timeout=100)
            for start in ([sys.executable, "-m", "signbit"], [sys.executable, "-c", START])
        ]
        assert [each.returncode for each in found] == [code, code]
        assert (found[0].stdout, found[0].stderr) == (found[1].stdout, found[1].stderr)


@pytest.mark.parametrize("words", [[], ["train"], ["bench"]])
def test_h_is_help(cli: Cli, words: list[str]) -> None:
    assert cli(*words, "-h").out == cli(*words, "--help").out != ""


def test_the_version_needs_no_library(fresh_cli: Cli) -> None:
    assert fresh_cli("--version", blocked=["typer", "rich", "numpy"]).code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(
    fresh_cli: Cli, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert "_SIGNBIT_COMPLETE" in fresh_cli("--show-completion", shell).out
    monkeypatch.setenv("_SIGNBIT_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    for typed, offered in (("signbit comp", "compile"), ("signbit bench --th", "--threads")):
        monkeypatch.setenv("COMP_WORDS", typed)
        monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", typed)
        assert offered in fresh_cli().out


FAILURES = [
    (DataError("no\n  images"), "DataError", "no images", 2),
    (PermissionError(errno.EACCES, "Permission denied", "x"), None, "x: Permission denied", 2),
    (KeyboardInterrupt(), None, main.GO_ON, 130),
    (ModuleNotFoundError("gone", name="torch.nn"), "MissingExtraError", "[train]", 2),
    (ZeroDivisionError("a bug"), None, "a bug of signbit: ZeroDivisionError: a bug", 70),
]


@pytest.mark.parametrize(("error", "kind", "message", "code"), FAILURES)
@pytest.mark.parametrize("json_wanted", [False, True])
def test_a_failure_is_an_object_where_json_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    kind: str | None,
    message: str,
    code: int,
    json_wanted: bool,
) -> None:
    words = ["recipes", *["--json"][: int(json_wanted)]]
    monkeypatch.setattr(app, "invoke", raising(error))
    monkeypatch.setattr(sys, "argv", ["signbit", *words])
    assert main.main() == code
    out, err = capsys.readouterr()
    assert message in " ".join(err.split())
    if not json_wanted:
        assert out == ""
        return
    (found,) = json.loads(out).values()
    assert (found["kind"], found["exit_code"]) == (kind or type(error).__name__, code)
    assert message in found["message"]


@pytest.mark.parametrize("words", [["nope"], ["train"], ["bench", "--nope"], []])
def test_a_wrong_command_line_is_an_object_too(cli: Cli, words: list[str]) -> None:
    result = cli(*words, "--json")
    assert result.mistake
    assert json.loads(result.out)["error"]["kind"] == "UsageError"


def test_behind_two_dashes_stands_no_option(cli: Cli) -> None:
    assert cli("bench", "--", "--json").out == ""


def test_the_page_lists_every_exit_code() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text("utf-8")
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.M)}
    assert listed == {
        main.DONE, main.PROBLEMS, main.MISTAKE, main.BUG, main.INTERRUPTED, main.CUT_OFF,
    }  # fmt: skip
