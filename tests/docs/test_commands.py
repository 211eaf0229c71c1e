"""Every command that a page shows exists, has the options it is given, and takes the recipe."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from signbit import recipes
from signbit.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GROUPS = {"export"}
TOP = typer.main.get_command(app).commands
COMMANDS = {
    **{name: command for name, command in TOP.items() if name not in GROUPS},
    **{f"{group} {name}": c for group in GROUPS for name, c in TOP[group].commands.items()},
}


def code_lines(page: Path) -> list[str]:
    """The lines of fenced code, and what stands between backticks."""
    lines, inside = [], False
    for line in page.read_text("utf-8").replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            inside = not inside
        else:
            lines += line.split(" ; ") if inside else re.findall(r"`([^`]+)`", line)
    return lines


def shown(page: Path) -> list[list[str]]:
    """The words of each signbit command on a page."""
    found = []
    for line in code_lines(page):
        command = re.search(r"(?:^| )signbit ([a-z].*)", line.partition(" #")[0])
        if command and not re.match(r" *(import|from) ", line):
            words = shlex.split(command[1].replace("…", ""))
            count = 2 if words[0] in GROUPS else 1
            found.append([" ".join(words[:count]), *words[count:]])
    return found


def options(command: str) -> set[str]:
    given = (name for parameter in COMMANDS[command].params for name in parameter.opts)
    return {"--help", *given}


def is_override(word: str) -> bool:
    """A value of a recipe that is no placeholder such as seed=S."""
    key, _, value = word.partition("=")
    return bool(value) and "METHOD" not in key and not value.isupper()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_are_there(page):
    for command, *words in shown(page):
        assert command in COMMANDS, words
        for word in words:
            if re.match(r"-\w$|--\w", word):
                assert word.partition("=")[0] in options(command), (command, word)
        if command in ("train", "pretrain") and words and "-" in words[0]:
            overrides = [word for word in words[1:] if re.match(r"[a-z]", word) and "=" in word]
            recipes.load(words[0], [word for word in overrides if is_override(word)])


def test_the_readme_shows_commands():
    assert {command for command, *_ in shown(ROOT / "README.md")} >= {"train", "compile", "predict"}
