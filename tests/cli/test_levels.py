"""What --quiet and --verbose change."""

from __future__ import annotations

import logging
import warnings

import pytest
from tests.cli.conftest import Cli

from signbit.cli import console
from signbit.cli.app import app, export
from signbit.cli.levels import Level, level, set_level
from signbit.errors import RecipeError

filters: list[str] = []
"""What is done about any warning, at each call of `chatter`."""


def chatter() -> list[str]:
    """A recipe's list that says and prints whatever libraries do."""
    with console.figures_only():
        print("printed")
        filters.append(warnings.filters[0][0])
        console.say("said")
        console.say("a problem", problem=True)
    console.say("next")
    raise RecipeError("a mistake")


@pytest.fixture(autouse=True)
def _begin_anew() -> None:
    set_level(Level.NORMAL)


@pytest.fixture
def noisy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signbit.recipes.names", chatter)


@pytest.mark.usefixtures("noisy")
def test_quiet_prints_errors_alone(cli: Cli) -> None:
    for option in ("--quiet", "-q"):
        result = cli("recipes", option)
        assert (result.code, result.out) == (2, "")
        assert result.err == "a problem\nsignbit: error: a mistake\n"


@pytest.mark.usefixtures("noisy")
def test_without_an_option_everything_is_said_but_the_traceback(cli: Cli) -> None:
    result = cli("recipes")
    assert "Traceback" not in result.err
    for line in ("printed", "said", "a problem", "next"):
        assert f"{line}\n" in result.err


@pytest.mark.usefixtures("noisy")
def test_verbose_says_when_and_where(cli: Cli) -> None:
    for option in ("--verbose", "-v"):
        result = cli("recipes", option)
        assert result.code == 2
        assert "0.0 s  said\n" in result.err
        assert filters[-1] == "default"
        assert "in chatter" in result.err
        assert result.err.endswith("signbit: error: a mistake\n")


def test_results_are_printed_at_every_level(cli: Cli) -> None:
    normal, quiet, verbose = (cli("recipes", *words) for words in ([], ["-q"], ["-v"]))
    assert normal.out == quiet.out == verbose.out != ""
    assert (normal.err, quiet.err) == ("", "")
    assert "of memory at most" in verbose.err


def test_a_level_ends_with_its_command(cli: Cli) -> None:
    cli("recipes", "-q")
    cli("recipes", "--nope")
    assert level() is Level.NORMAL
    assert logging.getLogger().level != logging.DEBUG


def test_both_exclude_each_other(cli: Cli) -> None:
    assert "keep one" in cli("recipes", "-q", "-v").mistake


def test_every_command_has_both() -> None:
    for command in [*app.registered_commands, *export.registered_commands]:
        assert command.callback is not None
        assert {"quiet", "verbose"} <= set(command.callback.__annotations__)


@pytest.mark.slow
def test_a_quiet_training_prints_its_figures_alone(cli: Cli, tmp_path: object) -> None:
    words = ["epochs=1", "train_images=64", "batch_size=32"]
    result = cli("train", "sdbnn-digits", "--out", f"{tmp_path}/run", *words, "--quiet")
    assert result.code == 0
    assert "top1" in result.out
    assert result.err == ""
