"""What a file's names become in C."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.edge.tools import compiler

from signbit.targets.c.text import comment, identifier, string

HOSTILE = st.lists(
    st.sampled_from(["*", "/", "\\", "?", '"', "'", "\n", "\r", "\0", "%", "<", ":", "\u202e"])
    | st.characters(),
    max_size=12,
).map("".join)

quick = settings(
    max_examples=1000,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)


@quick
@given(HOSTILE)
def test_a_comment_stays_one_comment(text: str) -> None:
    shown = comment(text)
    assert re.fullmatch(r"[ -~]*", shown)
    for wrong in ("*/", "/*", "\\", "??"):
        assert wrong not in shown, text


@quick
@given(HOSTILE)
def test_a_string_is_the_texts_utf8(text: str) -> None:
    shown = string(text)
    assert re.fullmatch(r'"([^"\\?\n]|\\[0-7]{3})*"', shown)
    assert ast.literal_eval(f"b{shown}") == text.encode("utf-8", "surrogatepass")


@quick
@given(st.lists(HOSTILE, max_size=4))
def test_identifiers_are_of_c_and_differ(texts: list[str]) -> None:
    names: list[str] = []
    for text in texts:
        names.append(identifier(text, names))
    assert len({*names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert name not in ("int", "main", "return", "while")


def test_a_compiler_sees_no_more_than_the_text(tmp_path: Path) -> None:
    names = ["*\\ #error", "*/ #error", "/*", "/\\*", "??/", "a\\", "a\n#error", "*\u202e/", "/*/"]
    lines = [f"/* {comment(each)} */" for each in names]
    lines += ["/*", *(f"   {comment(each)}" for each in names), "*/"]
    strings = [string(f"{each}??/") for each in names]
    lines += [f"const char *texts[] = {{{', '.join(strings)}}};", ""]
    (tmp_path / "names.c").write_text("\n".join(lines))
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wcomment", "-pedantic", "-Werror", "-trigraphs"]
    command = [compiler("gcc"), *strict, "-fsyntax-only", "names.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
